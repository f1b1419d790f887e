"""Where the schema meets the backends: for each field that asks one, what it does without, and how much it matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import strawberry
from strawberry.schema_directive import Location

PARTS, PROFILES, FIGURES = 300, 600, 3600
"""For how many seconds parts of a page, accounts and figures are better shown as they were than not at all."""


@strawberry.enum(description="What a field does when its backend cannot answer.")
class DegradeMode(Enum):
    """What a field does when its backend cannot answer."""

    STALE = strawberry.enum_value(
        "STALE", description="It answers what it answered last, if that is at most `maxAge` seconds old, else null."
    )
    DEFAULT = strawberry.enum_value("DEFAULT", description="It answers a fixed value.")
    NULL = strawberry.enum_value("NULL", description="It is null.")
    FAIL = strawberry.enum_value("FAIL", description="It is an error.")


@strawberry.enum(description="What an overloaded gateway leaves out first: banners, then the feed.")
class Criticality(Enum):
    """How much a field matters, the least first."""

    BANNERS = strawberry.enum_value("BANNERS", description="What is advertised; left out first.")
    FEED = strawberry.enum_value("FEED", description="What others did, and figures about them; left out next.")
    FEATURES = strawberry.enum_value("FEATURES", description="What the viewer may do; never left out.")
    IDENTITY = strawberry.enum_value("IDENTITY", description="Who it is, and what was asked by name; never left out.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="That a field is asked of a backend, and what happens when that cannot answer, or is not asked because "
    "too little time is left or too much is going on. Unless it fails, extensions.degraded tells.",
)
class Degrade:
    """How a field goes on without its backend."""

    backend: str
    mode: DegradeMode
    max_age: int | None = strawberry.directive_field(name="maxAge", default=strawberry.UNSET)
    criticality: Criticality


@dataclass(frozen=True, slots=True)
class Seam:
    """A field that asks a backend."""

    backend: str
    """Whom the field asks; the first where it asks several."""
    criticality: Criticality
    mode: DegradeMode = DegradeMode.NULL
    default: object = None
    """What the field answers without the backend, unless it fails or has something older."""
    max_age: int | None = None
    """How many seconds old the last good answer may be; for STALE, which is for fields that ask one thing."""

    @property
    def directive(self) -> Degrade:
        """The row as the schema shows it."""
        max_age = strawberry.UNSET if self.max_age is None else self.max_age
        return Degrade(backend=self.backend, mode=self.mode, max_age=max_age, criticality=self.criticality)

    @property
    def words(self) -> str:
        """The row for people, as the last sentence of the field's description; empty for a field that fails."""
        if self.mode is DegradeMode.FAIL:
            return ""
        value = "null" if self.default is None else str(self.default).lower()
        if self.max_age is not None:
            value = f"the last answer, up to {self.max_age} seconds old, else {value}"
        return f" Without the {self.backend} backend: {value}."


def _lasting(backend: str, criticality: Criticality, max_age: int) -> Seam:
    """A field whose last good answer stands in for a while; null without one."""
    return Seam(backend, criticality, DegradeMode.STALE, max_age=max_age)


def _failing(backend: str, *fields: str) -> Mapping[str, Seam]:
    """Fields that nothing can stand in for."""
    return dict.fromkeys(fields, Seam(backend, Criticality.IDENTITY, DegradeMode.FAIL))


def _parts(backend: str, *fields: str) -> Mapping[str, Seam]:
    """What the desk knows of an account beside the account: null without whoever knows it."""
    return dict.fromkeys(fields, Seam(backend, Criticality.IDENTITY))


SEAMS: Mapping[str, Seam] = {
    "Viewer.account": _lasting("account", Criticality.IDENTITY, PROFILES),
    "Viewer.can": Seam("permission", Criticality.FEATURES, DegradeMode.DEFAULT, default=False),
    "Account.follower_count": Seam("activity", Criticality.FEED),
    "Account.following_count": Seam("activity", Criticality.FEED),
    "PersonalAccount.birthday": Seam("account", Criticality.IDENTITY),
    "Activity.author": _lasting("account", Criticality.FEED, PROFILES),
    "Home.features": _lasting("permission", Criticality.FEATURES, PARTS),
    "Home.banners": _lasting("banner", Criticality.BANNERS, PARTS),
    "Home.feed": _lasting("activity", Criticality.FEED, PARTS),
    "PersonalHome.suggestions": Seam("activity", Criticality.FEED),
    "CreatorHome.audience": _lasting("activity", Criticality.FEED, FIGURES),
    "CreatorHome.own_activities": _lasting("activity", Criticality.FEED, PARTS),
    "BusinessHome.team": Seam("account", Criticality.FEATURES),
    "BusinessHome.reach": _lasting("activity", Criticality.FEED, FIGURES),
    "StaffHome.pending_closures": Seam("account", Criticality.FEATURES),
    **_failing(
        "account",
        "Query.viewer",
        "Query.account",
        "Query.account_by_handle",
        "Query.accounts",
        "Query.node",
        "Mutation.sign_in",
        "Mutation.sign_out",
        "Mutation.update_profile",
        "Mutation.close_account",
        "Mutation.reopen_account",
        "Subscription.account_changed",
    ),
    **_failing(
        "activity",
        "Mutation.follow",
        "Mutation.unfollow",
        "Mutation.publish_activity",
        "Subscription.feed_activity_added",
    ),
    **_failing("permission", "Query.admin"),
    **_failing(
        "admin",
        "Admin.accounts",
        "Admin.account",
        "Admin.changes",
        "Admin.activities",
        "Admin.merge",
        "Admin.check_merge",
        "Admin.audits",
        "AdminMutation.admin_create_account",
        "AdminMutation.admin_change_account",
        "AdminMutation.admin_close_account",
        "AdminMutation.admin_reopen_account",
        "AdminMutation.admin_suspend_account",
        "AdminMutation.admin_grant_permission",
        "AdminMutation.admin_revoke_permission",
        "AdminMutation.admin_merge_accounts",
        "AdminMutation.admin_retry_merge",
    ),
    **_parts("account", "AdminAccount.birthday", "AdminMerge.actor", "AdminChange.actor", "AdminAudit.actor"),
    **_parts("activity", "AdminAccount.followers", "AdminAccount.following", "AdminAccount.recent_activities"),
    **_parts("permission", "AdminAccount.grants"),
    **_parts("job", "AdminAccount.recent_changes", "AdminAccount.merge"),
}
"""Every such field, by the name of its resolver."""
