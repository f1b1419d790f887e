"""The words that clients choose from; each has the number that the contracts give it.

Every enum has OTHER for what the contract does not name yet: a backend may be newer than this gateway, and to answer
any other word would be a lie. OTHER has the number that is never sent, so nobody can ask for it.
"""

from enum import Enum
from typing import Any, Self

import strawberry
from strawberry import enum_value

from schema.generated.account.v1 import account_pb2 as account
from schema.generated.activity.v1 import activity_pb2 as activity
from schema.generated.banner.v1 import banner_pb2 as banner
from schema.generated.identity.v1 import identity_pb2 as identity


class OpenEnum(Enum):
    """An enum that reads a number it does not know as OTHER."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls["OTHER"]

    @property
    def number(self) -> Any:
        """The number that the contract gives it."""
        return self.value


@strawberry.enum(description="What kind of account somebody has.")
class AccountType(OpenEnum):
    """What kind of account somebody has."""

    GUEST = enum_value(identity.ACCOUNT_TYPE_GUEST, description="Nobody is signed in; no account has this type.")
    PERSONAL = enum_value(identity.ACCOUNT_TYPE_PERSONAL, description="A private person.")
    CREATOR = enum_value(identity.ACCOUNT_TYPE_CREATOR, description="Somebody who publishes for an audience.")
    BUSINESS = enum_value(identity.ACCOUNT_TYPE_BUSINESS, description="A company.")
    STAFF = enum_value(identity.ACCOUNT_TYPE_STAFF, description="An employee who runs the account centre.")
    OTHER = enum_value(identity.ACCOUNT_TYPE_UNSPECIFIED, description="A type newer than this gateway.")


@strawberry.enum(description="Where an account is in its life.")
class AccountStatus(OpenEnum):
    """Where an account is in its life."""

    ACTIVE = enum_value(account.ACCOUNT_STATUS_ACTIVE, description="In use.")
    CLOSING = enum_value(
        account.ACCOUNT_STATUS_CLOSING, description="In the cooling-off period before it closes; still in use."
    )
    CLOSED = enum_value(account.ACCOUNT_STATUS_CLOSED, description="Closed for good.")
    MERGED = enum_value(account.ACCOUNT_STATUS_MERGED, description="Taken over by another account.")
    SUSPENDED = enum_value(account.ACCOUNT_STATUS_SUSPENDED, description="Barred by staff.")
    OTHER = enum_value(account.ACCOUNT_STATUS_UNSPECIFIED, description="A status newer than this gateway.")


@strawberry.enum(description="A place on a page where banners are shown.")
class BannerSlot(OpenEnum):
    """A place on a page where banners are shown."""

    HOME_TOP = enum_value(banner.BANNER_SLOT_HOME_TOP, description="The top of the home page.")
    HOME_FEED = enum_value(banner.BANNER_SLOT_HOME_FEED, description="Between the items of the feed.")
    PROFILE_SIDE = enum_value(banner.BANNER_SLOT_PROFILE_SIDE, description="Beside a profile.")
    OTHER = enum_value(
        banner.BANNER_SLOT_UNSPECIFIED, description="A slot newer than this gateway; refused as an argument."
    )


@strawberry.enum(description="What somebody did.")
class ActivityKind(OpenEnum):
    """What somebody did."""

    POST = enum_value(activity.ACTIVITY_KIND_POST, description="Wrote something.")
    VIDEO = enum_value(activity.ACTIVITY_KIND_VIDEO, description="Published a video.")
    LIKE = enum_value(activity.ACTIVITY_KIND_LIKE, description="Liked something.")
    FOLLOW = enum_value(activity.ACTIVITY_KIND_FOLLOW, description="Followed somebody.")
    PURCHASE = enum_value(
        activity.ACTIVITY_KIND_PURCHASE, description="Bought something; seen by nobody but the buyer."
    )
    SIGN_IN = enum_value(
        activity.ACTIVITY_KIND_SIGN_IN, description="Signed in; seen by nobody but the account itself."
    )
    OTHER = enum_value(
        activity.ACTIVITY_KIND_UNSPECIFIED, description="A kind newer than this gateway; refused as an argument."
    )
