"""The account backend put together."""

from datetime import timedelta
from functools import partial

import grpc.aio

from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from services.account.biz import Accounts, Administration, Lives, Merges, Outside, Sessions
from services.account.data import (
    METADATA,
    MOST_BYTES,
    AccountRecord,
    Argon2Passwords,
    CachedAccountRepo,
    CachedSessionRepo,
    Caches,
    JwtProvider,
    ProviderKeys,
    SessionRecord,
    SqlAccountRepo,
    SqlChangeRepo,
    SqlCredentialRepo,
    outbox_table,
)
from services.account.demo import count_demo, load_demo
from services.account.service import AccountServicer
from services.runtime.backend import Attached, Backend, Resources
from services.runtime.outbox import Outbox
from services.runtime.versioned_cache import Entries, Guard, Outage, VersionedCache


def attach(server: grpc.aio.Server, resources: Resources) -> Attached:
    """Builds the backend on the resources and adds its servicer to the server; keys of others are fetched beside it."""
    keys = keys_of_provider(resources)
    account_pb2_grpc.add_AccountServiceServicer_to_server(create_servicer(resources, keys), server)
    return Attached(servers=[keys] if keys else [])


def keys_of_provider(resources: Resources) -> ProviderKeys | None:
    """The keys of the identity provider outside; None where there is no provider."""
    provider = resources.settings.provider
    if (url := provider.keys_url) is None:
        return None
    from services.runtime.http import fetched, open_http  # Its library costs a start much; few starts need it.

    async def fetch() -> bytes:
        async with open_http(attempts=1) as client:
            return await fetched(client, url, MOST_BYTES)

    return ProviderKeys(fetch, provider)


def create_servicer(resources: Resources, keys: ProviderKeys | None = None) -> AccountServicer:
    """The backend on the resources."""
    caches, clock, passwords = create_caches(resources), resources.clock, Argon2Passwords()
    outbox = Outbox(outbox_table, BACKEND.name, clock)
    accounts = CachedAccountRepo(SqlAccountRepo(resources.database, outbox), caches.accounts)
    changes = SqlChangeRepo(resources.database, caches, outbox)
    sessions = CachedSessionRepo(resources.database, caches.sessions)
    provider = resources.settings.provider
    by_handle = provider.account_by == "handle"
    outside = Outside(JwtProvider(keys, provider, clock), accounts, by_handle=by_handle) if keys else None
    return AccountServicer(
        Accounts(accounts),
        Sessions(accounts, SqlCredentialRepo(resources.database), sessions, passwords, clock, outside),
        Administration(accounts, passwords, resources.ids, clock),
        Lives(changes, clock, timedelta(days=resources.settings.cooling_off_days)),
        Merges(accounts, changes, sessions, clock),
        issue=resources.trust.issuer.viewer,
    )


def create_caches(resources: Resources) -> Caches:
    """The caches of accounts and sessions, which fail together when the cache is down."""
    entries, outage, secret = Entries(resources.cache), Outage(), partial(resources.trust.secret, "account")
    accounts, sessions = Guard(entries, "account:account:", outage), Guard(entries, "account:session:", outage)
    return Caches(
        accounts=VersionedCache(accounts, AccountRecord, lambda record: record.version, secret=secret),
        sessions=VersionedCache(sessions, SessionRecord, lambda _: 1, secret=secret),
    )


BACKEND = Backend(
    name="account",
    service=account_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
    outbox=outbox_table,
)
"""The backend as a process runs it."""
