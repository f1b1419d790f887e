"""Accounts: one class per account type, and the one dict that finds it."""

from collections.abc import Iterable

from schema.generated.account.v1 import account_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.accounts.account import Account
from schema.graphql.accounts.business import BusinessAccount
from schema.graphql.accounts.creator import CreatorAccount
from schema.graphql.accounts.personal import PersonalAccount
from schema.graphql.accounts.plain import PlainAccount
from schema.graphql.accounts.staff import StaffAccount
from schema.graphql.ports import Identity, Loaders

ACCOUNTS: dict[int, type[Account]] = {
    identity_pb2.ACCOUNT_TYPE_PERSONAL: PersonalAccount,
    identity_pb2.ACCOUNT_TYPE_CREATOR: CreatorAccount,
    identity_pb2.ACCOUNT_TYPE_BUSINESS: BusinessAccount,
    identity_pb2.ACCOUNT_TYPE_STAFF: StaffAccount,
}
"""The class of each account type. A guest has no account."""


def account_of(message: account_pb2.Account, viewer: Identity | None = None) -> Account:
    """The account in the class of its type; a type newer than this gateway is shown plainly."""
    return ACCOUNTS.get(message.type, PlainAccount)(message=message, viewer=viewer)


async def accounts_of(loaders: Loaders, account_ids: Iterable[int], viewer: Identity) -> list[Account]:
    """The accounts with these ids, in their order; one that is gone is left out."""
    messages = await loaders.account_by_id.load_many(account_ids)
    return [account_of(message, viewer) for message in messages if message]


__all__ = [
    "ACCOUNTS",
    "Account",
    "BusinessAccount",
    "CreatorAccount",
    "PersonalAccount",
    "PlainAccount",
    "StaffAccount",
    "account_of",
    "accounts_of",
]
