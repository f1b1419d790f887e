"""The backends as the gateway asks them: questions for the life of the process, loaders for one operation."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc.aio
from strawberry.dataloader import DataLoader

from loaders import account, activity, admin, banner, permission
from loaders.account import AccountCommands, AccountQuestions
from loaders.activity import ActivityCommands, ActivityQuestions, FollowCounts
from loaders.admin import AdminDesk
from loaders.banner import BannerQuestions
from loaders.batching import loader
from loaders.permission import PermissionQuestions
from schema.generated.account.v1.account_pb2 import Account, PrivateAttributes, VerifiedSession
from schema.generated.activity.v1.activity_pb2 import Activity, ActivityPage, Audience
from schema.generated.banner.v1.banner_pb2 import Banner
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.graphql import ports
from services.runtime.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one operation; fits `ports.Loaders`."""

    account_by_id: DataLoader[int, Account | None]
    account_by_handle: DataLoader[str, Account | None]
    private_attributes: DataLoader[ports.PrivateKey, PrivateAttributes | None]
    team: DataLoader[int, tuple[int, ...]]
    pending_closures: DataLoader[ports.ClosuresKey, tuple[int, ...]]
    session_by_token: DataLoader[str, VerifiedSession]
    features: DataLoader[ports.Identity, tuple[Feature, ...]]
    permission: DataLoader[ports.PermissionKey, bool]
    banners: DataLoader[ports.BannersKey, tuple[Banner, ...]]
    activity: DataLoader[ports.ActivityKey, Activity | None]
    feed: DataLoader[ports.FeedKey, ActivityPage]
    own_activities: DataLoader[ports.FeedKey, ActivityPage]
    follow_counts: DataLoader[int, FollowCounts | None]
    audience: DataLoader[int, Audience | None]
    suggestions: DataLoader[ports.SuggestionsKey, tuple[int, ...]]


class Commands(AccountCommands, ActivityCommands):
    """What changes something; fits `ports.Commands`."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        AccountCommands.__init__(self, channels[account.BACKEND])
        ActivityCommands.__init__(self, channels[activity.BACKEND])


class Clients:
    """What the gateway asks of every backend."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        """`channels` by backend: account, permission, banner, activity, admin."""
        self._account = AccountQuestions(channels[account.BACKEND])
        self._permission = PermissionQuestions(channels[permission.BACKEND])
        self._banner = BannerQuestions(channels[banner.BACKEND])
        self._activity = ActivityQuestions(channels[activity.BACKEND])
        self._commands = Commands(channels)
        self._admin = AdminDesk(channels[admin.BACKEND])

    def commands(self) -> Commands:
        """What changes something; the same for every operation."""
        return self._commands

    def admin(self) -> AdminDesk:
        """The staff's desk; the same for every operation."""
        return self._admin

    def loaders(self, metrics: Metrics) -> Loaders:
        """Fresh loaders for one operation, which record their batch sizes in `metrics`."""
        return Loaders(
            account_by_id=loader(self._account.account_by_id, metrics),
            account_by_handle=loader(self._account.account_by_handle, metrics),
            private_attributes=loader(self._account.private_attributes, metrics),
            team=loader(self._account.team, metrics),
            pending_closures=loader(self._account.pending_closures, metrics),
            session_by_token=loader(self._account.session_by_token, metrics),
            features=loader(self._permission.features, metrics),
            permission=loader(self._permission.permission, metrics),
            banners=loader(self._banner.banners, metrics),
            activity=loader(self._activity.activity, metrics),
            feed=loader(self._activity.feed, metrics),
            own_activities=loader(self._activity.own_activities, metrics),
            follow_counts=loader(self._activity.follow_counts, metrics),
            audience=loader(self._activity.audience, metrics),
            suggestions=loader(self._activity.suggestions, metrics),
        )
