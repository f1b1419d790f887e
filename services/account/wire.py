"""The account backend put together."""

import grpc.aio

from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from services.account.biz import Accounts, Sessions
from services.account.data import (
    METADATA,
    AccountRecord,
    Argon2Passwords,
    CachedAccountRepo,
    CachedSessionRepo,
    SessionRecord,
    SqlAccountRepo,
    SqlCredentialRepo,
)
from services.account.demo import count_demo, load_demo
from services.account.service import AccountServicer
from services.runtime.backend import Backend, Resources
from services.runtime.versioned_cache import Entries, Outage, VersionedCache


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    entries, outage = Entries(resources.cache), Outage()
    account_cache = VersionedCache(
        entries, "account:account:", AccountRecord, lambda record: record.version, outage=outage
    )
    session_cache = VersionedCache(entries, "account:session:", SessionRecord, lambda _: 1, outage=outage)
    accounts = CachedAccountRepo(SqlAccountRepo(resources.database), account_cache)
    sessions = Sessions(
        accounts=accounts,
        credentials=SqlCredentialRepo(resources.database),
        sessions=CachedSessionRepo(resources.database, session_cache),
        passwords=Argon2Passwords(),
        clock=resources.clock,
    )
    servicer = AccountServicer(Accounts(accounts), sessions)
    account_pb2_grpc.add_AccountServiceServicer_to_server(servicer, server)


BACKEND = Backend(
    name="account",
    service=account_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
)
"""The backend as a process runs it."""
