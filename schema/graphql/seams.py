"""Where the schema meets the backends: for each field that asks one, what it does without, and how much it matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import strawberry
from strawberry.schema_directive import Location


@strawberry.enum(description="What a field does when its backend cannot answer.")
class DegradeMode(Enum):
    """What a field does when its backend cannot answer."""

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
    criticality: Criticality


@dataclass(frozen=True, slots=True)
class Seam:
    """A field that asks a backend."""

    backend: str
    """Whom the field asks; the first where it asks several."""
    criticality: Criticality
    mode: DegradeMode = DegradeMode.NULL
    default: object = None
    """What the field answers without the backend, unless it fails."""

    @property
    def directive(self) -> Degrade:
        """The row as the schema shows it."""
        return Degrade(backend=self.backend, mode=self.mode, criticality=self.criticality)

    @property
    def words(self) -> str:
        """The row for people, as the last sentence of the field's description; empty for a field that fails."""
        if self.mode is DegradeMode.FAIL:
            return ""
        value = "null" if self.default is None else str(self.default).lower()
        return f" Without the {self.backend} backend: {value}."


def _failing(backend: str, *fields: str) -> Mapping[str, Seam]:
    """Fields that nothing can stand in for."""
    return dict.fromkeys(fields, Seam(backend, Criticality.IDENTITY, DegradeMode.FAIL))


def _parts(backend: str, *fields: str) -> Mapping[str, Seam]:
    """What the desk knows of an account beside the account: null without whoever knows it."""
    return dict.fromkeys(fields, Seam(backend, Criticality.IDENTITY))


SEAMS: Mapping[str, Seam] = {
    "Viewer.account": Seam("account", Criticality.IDENTITY),
    "Viewer.can": Seam("permission", Criticality.FEATURES, DegradeMode.DEFAULT, default=False),
    "Account.follower_count": Seam("activity", Criticality.FEED),
    "Account.following_count": Seam("activity", Criticality.FEED),
    "PersonalAccount.birthday": Seam("account", Criticality.IDENTITY),
    "Activity.author": Seam("account", Criticality.FEED),
    "Home.features": Seam("permission", Criticality.FEATURES),
    "Home.banners": Seam("banner", Criticality.BANNERS),
    "Home.feed": Seam("activity", Criticality.FEED),
    "PersonalHome.suggestions": Seam("activity", Criticality.FEED),
    "CreatorHome.audience": Seam("activity", Criticality.FEED),
    "CreatorHome.own_activities": Seam("activity", Criticality.FEED),
    "BusinessHome.team": Seam("account", Criticality.FEATURES),
    "BusinessHome.reach": Seam("activity", Criticality.FEED),
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
