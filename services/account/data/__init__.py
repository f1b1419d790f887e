"""Where accounts, password hashes and sessions are kept."""

from services.account.data.accounts import CachedAccountRepo, SqlAccountRepo
from services.account.data.changes import Caches, SqlChangeRepo
from services.account.data.events import difference_to_message, what_to_message
from services.account.data.passwords import Argon2Passwords
from services.account.data.provider import MOST_BYTES, JwtProvider, ProviderKeys
from services.account.data.records import AccountRecord, from_record, to_record, to_row
from services.account.data.sessions import CachedSessionRepo, SessionRecord, SqlCredentialRepo
from services.account.data.tables import (
    METADATA,
    account_table,
    credential_table,
    outbox_table,
    session_table,
    team_table,
)

__all__ = [
    "METADATA",
    "MOST_BYTES",
    "AccountRecord",
    "Argon2Passwords",
    "CachedAccountRepo",
    "CachedSessionRepo",
    "Caches",
    "JwtProvider",
    "ProviderKeys",
    "SessionRecord",
    "SqlAccountRepo",
    "SqlChangeRepo",
    "SqlCredentialRepo",
    "account_table",
    "credential_table",
    "difference_to_message",
    "from_record",
    "outbox_table",
    "session_table",
    "team_table",
    "to_record",
    "to_row",
    "what_to_message",
]
