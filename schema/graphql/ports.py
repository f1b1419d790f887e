"""What the GraphQL types need from the process that serves them: who is asking, loaders, commands.

The gateway's context and the room `loaders` fit these; the types here know nothing else of the world.
"""

from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

from schema.errcode import AtriumError
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.seams import Criticality

if TYPE_CHECKING:
    from schema.graphql.admin.ports import Desk

K = TypeVar("K", contravariant=True)
V = TypeVar("V", covariant=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever a question is asked for."""

    account_id: int
    """The account that is signed in; 0 for a guest."""
    account_type: "identity_pb2.AccountType.ValueType"
    """Its type by the contracts' number, also one that is newer than this process."""
    assertion: str = field(default="", compare=False, repr=False)
    """What proves both to the backends; the same account may have several."""

    @property
    def is_guest(self) -> bool:
        """Whether nobody is signed in."""
        return self.account_id == 0


GUEST = Identity(account_id=0, account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
"""Nobody is signed in."""


class PrivateKey(NamedTuple):
    """Whose private attributes, seen by whom."""

    viewer: Identity
    account_id: int


class ClosuresKey(NamedTuple):
    """How many pending closures, seen by whom."""

    viewer: Identity
    first: int


class PermissionKey(NamedTuple):
    """Which permission, of whom."""

    viewer: Identity
    permission: str


class BannersKey(NamedTuple):
    """Which slot, seen by whom."""

    viewer: Identity
    slot: "banner_pb2.BannerSlot.ValueType"


class ActivityKey(NamedTuple):
    """Which activity, seen by whom."""

    viewer: Identity
    activity_id: int


class FeedKey(NamedTuple):
    """Which page of whose list of activities."""

    viewer: Identity
    first: int
    after: str
    """The cursor of the item just before; empty for the start."""
    kinds: tuple["activity_pb2.ActivityKind.ValueType", ...] = ()
    """Only these; empty for all."""


class SuggestionsKey(NamedTuple):
    """How many accounts worth following, for whom."""

    account_id: int
    first: int


class Loader(Protocol[K, V]):
    """Answers one question for many keys; keys asked for in the same moment share one call."""

    def load(self, key: K) -> Awaitable[V]:
        """The answer for `key`; raises what the backend's failure was, an AtriumError."""
        ...

    def load_many(self, keys: Iterable[K]) -> Awaitable[Sequence[V]]:
        """The answers in the order of the keys; raises when one fails."""
        ...


class Loaders(Protocol):
    """One loader per question. What was loaded stays known: make them anew for each operation."""

    @property
    def account_by_id(self) -> Loader[int, account_pb2.Account | None]:
        """The account; None where there is none to see."""
        ...

    @property
    def account_by_handle(self) -> Loader[str, account_pb2.Account | None]:
        """The account, found without case; None where there is none to see."""
        ...

    @property
    def private_attributes(self) -> Loader[PrivateKey, account_pb2.PrivateAttributes | None]:
        """What only the account itself and staff may see; None for others."""
        ...

    @property
    def team(self) -> Loader[int, tuple[int, ...]]:
        """Ids of the accounts in a business's team, by the id of the business."""
        ...

    @property
    def pending_closures(self) -> Loader[ClosuresKey, tuple[int, ...]]:
        """Ids of the accounts in their cooling-off period; none but for staff."""
        ...

    @property
    def session_by_token(self) -> Loader[str, account_pb2.VerifiedSession]:
        """What stands behind a session token of 1 to 512 characters."""
        ...

    @property
    def features(self) -> Loader[Identity, tuple[permission_pb2.Feature, ...]]:
        """The sub-functions somebody may use, in the order of the menu."""
        ...

    @property
    def permission(self) -> Loader[PermissionKey, bool]:
        """Whether somebody has a permission."""
        ...

    @property
    def banners(self) -> Loader[BannersKey, tuple[banner_pb2.Banner, ...]]:
        """The banners to show somebody in a slot."""
        ...

    @property
    def activity(self) -> Loader[ActivityKey, activity_pb2.Activity | None]:
        """The activity; None where there is none for this viewer."""
        ...

    @property
    def feed(self) -> Loader[FeedKey, activity_pb2.ActivityPage]:
        """A page of somebody's feed; of what trends for a guest."""
        ...

    @property
    def own_activities(self) -> Loader[FeedKey, activity_pb2.ActivityPage]:
        """A page of what the viewer did."""
        ...

    @property
    def follow_counts(self) -> Loader[int, activity_pb2.BatchGetFollowCountsResponse.FollowCounts]:
        """How many follow an account and how many it follows."""
        ...

    @property
    def audience(self) -> Loader[int, activity_pb2.Audience]:
        """Figures about those who follow an account."""
        ...

    @property
    def suggestions(self) -> Loader[SuggestionsKey, tuple[int, ...]]:
        """Ids of accounts worth following, the most followed first."""
        ...


class Commands(Protocol):
    """What changes something. Each raises the AtriumError that its backend refused with."""

    async def sign_in(self, handle: str, password: str) -> account_pb2.SignInResponse:
        """Opens a session."""
        ...

    async def sign_out(self, token: str) -> bool:
        """Ends a session; whether one was open until now."""
        ...

    async def update_profile(
        self,
        viewer: Identity,
        *,
        version: int,
        display_name: str | None = None,
        handle: str | None = None,
        avatar_url: str | None = None,
        bio: str | None = None,
    ) -> account_pb2.Account:
        """Changes what is not None of the viewer's account; the account as it is then."""
        ...

    async def close_account(self, viewer: Identity, reason: str) -> account_pb2.Account:
        """Begins to close the viewer's account; the account as it is then."""
        ...

    async def reopen_account(self, viewer: Identity) -> account_pb2.Account:
        """Undoes that; the account as it is then."""
        ...

    async def follow(self, viewer: Identity, account_id: int) -> bool:
        """Makes the viewer follow the account; whether that is new."""
        ...

    async def unfollow(self, viewer: Identity, account_id: int) -> bool:
        """Ends that; whether that is new."""
        ...

    async def publish(
        self, viewer: Identity, kind: "activity_pb2.ActivityKind.ValueType", text: str
    ) -> activity_pb2.Activity:
        """Publishes an activity of the viewer."""
        ...


class Push(Protocol):
    """What is told to a subscriber as it happens, until the session with the token ends."""

    def activities(self, viewer: Identity, token: str, last_seen: int) -> AsyncGenerator[activity_pb2.Activity, None]:
        """Each new activity of the viewer's feed once, those after the one last seen first; 0 begins now."""
        ...

    def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        """One item as soon as changes are heard, then one for each time that the viewer's account may have changed."""
        ...


@dataclass(frozen=True, slots=True)
class Degradation:
    """A field that was answered without its backend, as `extensions.degraded` lists it."""

    path: list[str | int]
    """Where it is in the answer."""
    backend: str
    """The backend that could not answer."""
    mode: Literal["STALE", "DEFAULT", "NULL"]
    """What was answered instead: something older, a fixed value, or nothing."""
    code: int
    """The seven-digit code of the failure."""
    age_ms: int = 0
    """How old the answer is; 0 when it is none."""
    row: str = field(default="", compare=False)
    """The row of SEAMS that said so; for who counts, not for clients."""


class Context(Protocol):
    """One operation: what every resolver finds in `info.context`."""

    @property
    def loaders(self) -> Loaders:
        """The loaders of this operation."""
        ...

    @property
    def commands(self) -> Commands:
        """What changes something."""
        ...

    @property
    def push(self) -> Push:
        """What is told as it happens."""
        ...

    @property
    def admin(self) -> "Desk":
        """The staff's desk."""
        ...

    @property
    def token(self) -> str | None:
        """The session token of the request; None for a guest."""
        ...

    @property
    def degraded(self) -> list[Degradation]:
        """Grows by one entry for each field that was answered without its backend."""
        ...

    async def identity(self) -> Identity:
        """Who is asking: GUEST without a token; raises Unauthenticated, TokenExpired, AccountClosed, …

        It asks `loaders.session_by_token` each time, which asks the backend once, and keeps nothing itself.
        """
        ...

    def spared(self, criticality: Criticality) -> AtriumError | None:
        """Why a field that can do without its backend is not to ask it now; None when it may."""
        ...

    def recalling(self, problem: AtriumError) -> "Context":
        """The same operation with loaders that ask nobody: each answer is the problem, with the last good answer."""
        ...

    def renew(self) -> None:
        """Puts fresh loaders in place, so that what follows a change, the identity included, is read anew."""
        ...

    def event(self) -> AbstractContextManager[None]:
        """What is executed inside is like an operation of its own: all is read anew, and within a time of its own."""
        ...
