"""Where accounts, password hashes and sessions are kept."""

from services.account.data.accounts import CachedAccountRepo, SqlAccountRepo
from services.account.data.passwords import Argon2Passwords
from services.account.data.records import AccountRecord, from_record, to_record, to_row
from services.account.data.sessions import CachedSessionRepo, SessionRecord, SqlCredentialRepo
from services.account.data.tables import METADATA, account_table, credential_table, session_table, team_table

__all__ = [
    "METADATA",
    "AccountRecord",
    "Argon2Passwords",
    "CachedAccountRepo",
    "CachedSessionRepo",
    "SessionRecord",
    "SqlAccountRepo",
    "SqlCredentialRepo",
    "account_table",
    "credential_table",
    "from_record",
    "session_table",
    "team_table",
    "to_record",
    "to_row",
]
