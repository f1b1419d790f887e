"""Which answers are kept and how long: one row for each question that the gateway asks.

For whom, the scope of its RPC says, as its contract declares it; scope and lane are part of every key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loaders.batching import Question, from_viewer
from schema.generated.account.v1 import account_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.generated.sharing.v1.sharing_pb2 import Scope
from schema.graphql.ports import BannersKey, Identity
from services.runtime import subjects

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long an answer is kept."""

    local: float
    """In this process."""
    remote: float
    """In the shared cache, counted from when its source was asked; 0 for not at all."""
    absent: float
    """In the shared cache, when the answer is that there is none; 0 for not at all."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long answers are kept, by what they are about."""

    usual: Seconds = Seconds(local=2.0, remote=30.0, absent=5.0)
    sessions: Seconds = Seconds(local=1.0, remote=5.0, absent=0.0)

    @property
    def longest(self) -> float:
        """The longest that anything is kept in the shared cache."""
        return max(kept for each in (self.usual, self.sessions) for kept in (each.remote, each.absent))


@dataclass(frozen=True)
class Kept(Generic[K, V]):
    """The answers to a question are kept."""

    name: Callable[[K], str]
    """What a key is called in the shared cache, among those of its question."""
    pack: Callable[[K, V], bytes]
    unpack: Callable[[K, bytes], V]
    """What `pack` packed; raises DecodeError or ValueError for what is no answer to the key."""
    about: Callable[[K, V], tuple[str, ...]]
    """The subjects whose change makes the answer another."""
    is_absent: Callable[[V], bool] = lambda value: not value
    version: Callable[[V], int] = lambda _: 1
    concerns: Callable[[K], bool] | None = None
    """Whether the answer to this key may be kept at all; None: to any may."""
    ends_at: Callable[[V], float] = lambda _: float("inf")
    """When the answer is another by itself, in seconds since 1970."""
    seconds: Callable[[Lifetimes], Seconds] = lambda lifetimes: lifetimes.usual


@dataclass(frozen=True, slots=True)
class NotKept:
    """The answers to a question are not kept."""

    why: str


def scope_of(question: Question[Any, Any]) -> str:
    """On what the answers to a question depend, as keys have it: public, lane or viewer."""
    return Scope.Name(question.scope).removeprefix("SCOPE_").lower()


def _pack_account(_key: object, account: account_pb2.Account | None) -> bytes:
    return account.SerializeToString() if account else b""


def _unpack_account(_key: object, payload: bytes) -> account_pb2.Account | None:
    return account_pb2.Account.FromString(payload) if payload else None


def _version_of(account: account_pb2.Account | None) -> int:
    return account.version if account else 0


def _about_id(account_id: int, account: account_pb2.Account | None) -> tuple[str, ...]:
    # The id of a merged account answers the account that took over.
    ids = {account_id, account.id} if account else {account_id}
    return tuple(map(subjects.account, ids))


def _about_handle(handle: str, account: account_pb2.Account | None) -> tuple[str, ...]:
    own = subjects.handle(handle)
    return (own, subjects.account(account.id)) if account else (own,)


def _unproved(viewer: Identity) -> identity_pb2.Viewer:
    """The viewer as entries name it: a proof is of use to others, and to nobody who reads an answer."""
    return identity_pb2.Viewer(account_id=viewer.account_id, account_type=viewer.account_type)


def _pack_features(viewer: Identity, features: tuple[permission_pb2.Feature, ...]) -> bytes:
    answer = permission_pb2.BatchListFeaturesResponse.Answer(viewer=_unproved(viewer), features=features)
    return answer.SerializeToString()


def _unpack_features(viewer: Identity, payload: bytes) -> tuple[permission_pb2.Feature, ...]:
    answer = permission_pb2.BatchListFeaturesResponse.Answer.FromString(payload)
    if from_viewer(answer.viewer) != viewer:
        raise ValueError("of another viewer")
    return tuple(answer.features)


def _pack_banners(key: BannersKey, banners: tuple[banner_pb2.Banner, ...]) -> bytes:
    viewer = _unproved(key.viewer)
    answer = banner_pb2.BatchListBannersResponse.Answer(viewer=viewer, slot=key.slot, banners=banners)
    return answer.SerializeToString()


def _unpack_banners(key: BannersKey, payload: bytes) -> tuple[banner_pb2.Banner, ...]:
    answer = banner_pb2.BatchListBannersResponse.Answer.FromString(payload)
    if BannersKey(from_viewer(answer.viewer), answer.slot) != key:
        raise ValueError("of another viewer or slot")
    return tuple(answer.banners)


def _is_no_session(session: account_pb2.VerifiedSession) -> bool:
    return session.state != account_pb2.VerifiedSession.STATE_VALID


def _about_session(token: str, session: account_pb2.VerifiedSession) -> tuple[str, ...]:
    own = subjects.session(token)
    return (own,) if _is_no_session(session) else (own, subjects.account(session.viewer.account_id))


def _end_of_session(session: account_pb2.VerifiedSession) -> float:
    return float("inf") if _is_no_session(session) else session.expires_at.ToMicroseconds() / 1e6


RULES: Mapping[str, Kept[Any, Any] | NotKept] = {
    "account_by_id": Kept[int, account_pb2.Account | None](
        str, _pack_account, _unpack_account, _about_id, version=_version_of
    ),
    "account_by_handle": Kept[str, account_pb2.Account | None](
        subjects.small, _pack_account, _unpack_account, _about_handle, version=_version_of
    ),
    "features": Kept[Identity, tuple[permission_pb2.Feature, ...]](
        lambda viewer: str(viewer.account_id),
        _pack_features,
        _unpack_features,
        lambda viewer, _: (subjects.account(viewer.account_id),),
    ),
    # What an account is shown counts towards its daily caps. What a guest is shown depends on nothing but the slot.
    "banners": Kept[BannersKey, tuple[banner_pb2.Banner, ...]](
        lambda key: f"guest/{int(key.slot)}",
        _pack_banners,
        _unpack_banners,
        lambda _key, _banners: (),
        concerns=lambda key: key.viewer.is_guest,
    ),
    "session_by_token": Kept[str, account_pb2.VerifiedSession](
        subjects.token_hash,
        lambda _token, session: session.SerializeToString(),
        lambda _token, payload: account_pb2.VerifiedSession.FromString(payload),
        _about_session,
        is_absent=_is_no_session,
        ends_at=_end_of_session,
        seconds=lambda lifetimes: lifetimes.sessions,
    ),
    "permission": NotKept("what somebody may do is decided anew each time"),
    "private_attributes": NotKept("few may see them, and few ask"),
    "team": NotKept("no event tells that it changed"),
    "pending_closures": NotKept("staff decides by it"),
    "activity": NotKept("whether it may be seen changes without an event"),
    "feed": NotKept("differs from viewer to viewer and with every activity"),
    "own_activities": NotKept("what somebody has just done is to be seen"),
    "follow_counts": NotKept("whoever has just followed is to be counted"),
    "audience": NotKept("changes with every follower"),
    "suggestions": NotKept("whoever has just been followed is to be left out"),
}
"""By the name of the question."""
