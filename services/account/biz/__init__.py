"""Accounts: what they are, who may see and change what, and who is signed in."""

from services.account.biz.accounts import Accounts
from services.account.biz.ports import AccountRepo, CredentialRepo, Passwords, SessionRepo
from services.account.biz.rules import handle_key, token_hash, visible, wanted_attributes
from services.account.biz.sessions import SESSION_LIFETIME, Sessions
from services.account.biz.words import (
    ACTING,
    ATTRIBUTES,
    Account,
    AccountStatus,
    AccountType,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    Credential,
    OpenedSession,
    PersonalAttributes,
    PrivateAttributes,
    ProfileChange,
    Session,
    SessionState,
    StaffAttributes,
    VerifiedSession,
    Viewer,
)

__all__ = [
    "ACTING",
    "ATTRIBUTES",
    "SESSION_LIFETIME",
    "Account",
    "AccountRepo",
    "AccountStatus",
    "AccountType",
    "Accounts",
    "Attributes",
    "BusinessAttributes",
    "CreatorAttributes",
    "Credential",
    "CredentialRepo",
    "OpenedSession",
    "Passwords",
    "PersonalAttributes",
    "PrivateAttributes",
    "ProfileChange",
    "Session",
    "SessionRepo",
    "SessionState",
    "Sessions",
    "StaffAttributes",
    "VerifiedSession",
    "Viewer",
    "handle_key",
    "token_hash",
    "visible",
    "wanted_attributes",
]
