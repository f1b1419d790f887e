"""Home pages: one class per account type, and the one dict that finds it."""

from schema.generated.identity.v1 import identity_pb2
from schema.graphql.homes.business import BusinessHome
from schema.graphql.homes.creator import CreatorHome
from schema.graphql.homes.guest import GuestHome
from schema.graphql.homes.home import Home
from schema.graphql.homes.personal import PersonalHome
from schema.graphql.homes.plain import PlainHome
from schema.graphql.homes.staff import StaffHome
from schema.graphql.ports import Identity

HOMES: dict[int, type[Home]] = {
    identity_pb2.ACCOUNT_TYPE_GUEST: GuestHome,
    identity_pb2.ACCOUNT_TYPE_PERSONAL: PersonalHome,
    identity_pb2.ACCOUNT_TYPE_CREATOR: CreatorHome,
    identity_pb2.ACCOUNT_TYPE_BUSINESS: BusinessHome,
    identity_pb2.ACCOUNT_TYPE_STAFF: StaffHome,
}
"""The view of each account type."""


def home_of(viewer: Identity) -> Home:
    """The home page for the viewer's type; a type newer than this gateway gets a plain one."""
    return HOMES.get(viewer.account_type, PlainHome)(viewer=viewer)


__all__ = [
    "HOMES",
    "BusinessHome",
    "CreatorHome",
    "GuestHome",
    "Home",
    "PersonalHome",
    "PlainHome",
    "StaffHome",
    "home_of",
]
