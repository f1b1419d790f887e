"""The backends as the gateway asks them: questions for the life of the process, loaders for one operation."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc.aio
from redis.asyncio import Redis

from loaders import account, activity, admin, banner, permission
from loaders.account import AccountCommands, AccountQuestions
from loaders.activity import ActivityCommands, ActivityQuestions, FollowCounts
from loaders.admin import AdminDesk
from loaders.banner import BannerQuestions
from loaders.batching import K, Question, Source, V
from loaders.caching import Caches, Sizes
from loaders.last_good import Memories, Memory, Recalling, Room
from loaders.loader import Loader
from loaders.permission import PermissionQuestions
from loaders.sharing import Shared, Traffic
from schema.errcode import AtriumError
from schema.generated.account.v1.account_pb2 import Account, PrivateAttributes, VerifiedSession
from schema.generated.activity.v1.activity_pb2 import Activity, ActivityPage, Audience
from schema.generated.banner.v1.banner_pb2 import Banner
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.graphql import ports
from services.runtime.sealing import Secret, no_secret
from services.runtime.subjects import Changing, nothing_kept
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one operation; fits `ports.Loaders`."""

    account_by_id: Loader[int, Account | None]
    account_by_handle: Loader[str, Account | None]
    private_attributes: Loader[ports.PrivateKey, PrivateAttributes | None]
    team: Loader[int, tuple[int, ...]]
    pending_closures: Loader[ports.ClosuresKey, tuple[int, ...]]
    session_by_token: Loader[str, VerifiedSession]
    features: Loader[ports.Identity, tuple[Feature, ...]]
    permission: Loader[ports.PermissionKey, bool]
    banners: Loader[ports.BannersKey, tuple[Banner, ...]]
    activity: Loader[ports.ActivityKey, Activity | None]
    feed: Loader[ports.FeedKey, ActivityPage]
    own_activities: Loader[ports.FeedKey, ActivityPage]
    follow_counts: Loader[int, FollowCounts]
    audience: Loader[int, Audience]
    suggestions: Loader[ports.SuggestionsKey, tuple[int, ...]]


class Commands(AccountCommands, ActivityCommands):
    """What changes something; fits `ports.Commands`."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], changing: Changing = nothing_kept) -> None:
        AccountCommands.__init__(self, channels[account.BACKEND], changing)
        ActivityCommands.__init__(self, channels[activity.BACKEND], changing)


class MakeLoader(Protocol):
    """Makes the loader of a question for one operation."""

    def __call__(self, question: Question[K, V]) -> Loader[K, V]:
        """The loader."""
        ...


class Clients:
    """What the gateway asks of every backend."""

    def __init__(
        self,
        channels: Mapping[str, grpc.aio.Channel],
        metrics: Metrics,
        group: asyncio.TaskGroup,
        caches: Caches | None = None,
        memories: Memories | None = None,
        *,
        sharing: bool = True,
    ) -> None:
        """`channels` by backend: account, permission, banner, activity, admin. Calls are tasks of `group`.

        With `sharing` operations share them. With `caches` answers are kept, as far as these allow, and with
        `memories` remembered for when a backend is down.
        """
        self._metrics = metrics
        self._group = group
        self._caches = caches
        self._sharing = sharing
        self._memories = memories
        self._traffic = Traffic()
        self._known: dict[str, tuple[Source[Any, Any], Memory[Any, Any] | None]] = {}
        changing = caches.changing if caches else nothing_kept
        self._account = AccountQuestions(channels[account.BACKEND])
        self._permission = PermissionQuestions(channels[permission.BACKEND])
        self._banner = BannerQuestions(channels[banner.BACKEND])
        self._activity = ActivityQuestions(channels[activity.BACKEND])
        self._commands = Commands(channels, changing)
        self._admin = AdminDesk(channels[admin.BACKEND], changing)

    @property
    def caches(self) -> Caches | None:
        """What is kept of answers; None when nothing is."""
        return self._caches

    @property
    def changes_heard(self) -> int:
        """Grows with each change that was heard of."""
        return self._caches.changes_heard if self._caches else 0

    def commands(self) -> Commands:
        """What changes something; the same for every operation."""
        return self._commands

    def admin(self) -> AdminDesk:
        """The staff's desk; the same for every operation."""
        return self._admin

    def loaders(self) -> Loaders:
        """Fresh loaders for one operation."""
        return self._loaders(self._loader)

    def recalling(self, problem: AtriumError) -> Loaders:
        """Loaders that ask nobody: each answer is the problem, with the last good one that this process remembers."""

        def recall(question: Question[K, V]) -> Loader[K, V]:
            return Loader(Recalling[K, V](self._ways(question)[1], problem), self._group)

        return self._loaders(recall)

    def _loaders(self, loader: MakeLoader) -> Loaders:
        return Loaders(
            account_by_id=loader(self._account.account_by_id),
            account_by_handle=loader(self._account.account_by_handle),
            private_attributes=loader(self._account.private_attributes),
            team=loader(self._account.team),
            pending_closures=loader(self._account.pending_closures),
            session_by_token=loader(self._account.session_by_token),
            features=loader(self._permission.features),
            permission=loader(self._permission.permission),
            banners=loader(self._banner.banners),
            activity=loader(self._activity.activity),
            feed=loader(self._activity.feed),
            own_activities=loader(self._activity.own_activities),
            follow_counts=loader(self._activity.follow_counts),
            audience=loader(self._activity.audience),
            suggestions=loader(self._activity.suggestions),
        )

    def _loader(self, question: Question[K, V]) -> Loader[K, V]:
        source, memory = self._ways(question)
        return Loader(source, self._group, memory.recalled if memory else None)

    def _ways(self, question: Question[K, V]) -> tuple[Source[K, V], Memory[K, V] | None]:
        """Who is asked, and who knows what was answered last; the same for every operation."""
        known = self._known.get(question.name)
        if known is None:
            memory = self._memories.of(question) if self._memories else None
            known = self._known[question.name] = (self._source(question, memory), memory)
        return known

    def _source(self, question: Question[K, V], memory: Memory[K, V] | None) -> Source[K, V]:
        shared = Shared(
            question, self._metrics, self._group, memory=memory, traffic=self._traffic, sharing=self._sharing
        )
        return self._caches.of(question, shared) if self._caches else shared


@asynccontextmanager
async def open_clients(
    channels: Mapping[str, grpc.aio.Channel],
    metrics: Metrics,
    cache: Redis | None = None,
    sizes: Sizes | None = None,
    room: Room | None = None,
    *,
    sharing: bool = True,
    secret: Secret = no_secret,
) -> AsyncIterator[Clients]:
    """The backends behind `channels`; what is still under way at the end is cancelled.

    With a `cache` answers are kept there and in this process, in these `sizes`; with `room` for it they are remembered
    for when a backend is down. What is found in the cache counts only if it was put there with the `secret`.
    """
    async with task_group() as group:
        memories = Memories(room, cache, group, secret) if room and cache else None
        beside = [memories.heard] if memories else []
        caches = Caches(cache, sizes or Sizes(), metrics, group, beside, secret) if cache else None
        yield Clients(channels, metrics, group, caches, memories, sharing=sharing)
