"""Which answers are remembered: one row for each question that a field with the mode STALE asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from loaders.caching.rules import RULES, Kept
from schema.generated.account.v1.account_pb2 import Account
from schema.generated.activity.v1.activity_pb2 import ActivityPage, Audience
from schema.generated.banner.v1.banner_pb2 import Banner
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.graphql.ports import BannersKey, FeedKey, Identity
from schema.graphql.seams import SEAMS
from services.runtime import subjects

K = TypeVar("K")
V = TypeVar("V")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Lasting(Generic[K, V]):
    """The good answers to a question are remembered."""

    fields: tuple[str, ...]
    """The rows of SEAMS that show them."""
    pack: Callable[[K, V], bytes]
    unpack: Callable[[K, bytes], V]
    """What `pack` packed; raises DecodeError or ValueError for what is no answer to the key."""
    about: Callable[[K], tuple[str, ...]]
    """The subjects whose change makes the answer another."""
    is_good: Callable[[K, V], bool] = lambda _key, _answer: True
    """Whether it is worth remembering, and about nothing else."""

    @property
    def seconds(self) -> int:
        """How long it is of use."""
        return max(SEAMS[field].max_age or 0 for field in self.fields)


def _packed(_key: object, message: Message) -> bytes:
    return message.SerializeToString()


def _kept(question: str) -> Kept[Any, Any]:
    """The row of the caches, which know how to pack the same answers."""
    rule = RULES[question]
    assert isinstance(rule, Kept)
    return rule


def _is_account_itself(account_id: int, account: Account | None) -> bool:
    # What answers to the id of a merged account is about another account, and an id that nobody has is no answer.
    return account is not None and account.id == account_id


def _about_deeds(account_id: int) -> tuple[str, ...]:
    return (subjects.deeds(account_id), subjects.account(account_id))


def _is_first_page(key: FeedKey, page: ActivityPage) -> bool:
    # Whoever reads on is in no hurry, and there are as many further pages as anybody likes to ask for.
    return not key.after and not key.kinds and not page.cursor_refused


def _page_of(field: str) -> Lasting[FeedKey, ActivityPage]:
    return Lasting(
        (field,),
        _packed,
        lambda _key, payload: ActivityPage.FromString(payload),
        lambda key: _about_deeds(key.viewer.account_id),
        _is_first_page,
    )


LASTING: Mapping[str, Lasting[Any, Any]] = {
    "account_by_id": Lasting[int, Account | None](
        ("Viewer.account", "Activity.author"),
        _kept("account_by_id").pack,
        _kept("account_by_id").unpack,
        lambda account_id: (subjects.account(account_id),),
        _is_account_itself,
    ),
    # A menu, not a decision: what somebody may do is asked of the permission backend each time.
    "features": Lasting[Identity, tuple[Feature, ...]](
        ("Home.features",),
        _kept("features").pack,
        _kept("features").unpack,
        lambda viewer: (subjects.account(viewer.account_id),),
    ),
    "banners": Lasting[BannersKey, tuple[Banner, ...]](
        ("Home.banners",), _kept("banners").pack, _kept("banners").unpack, lambda _: ()
    ),
    "feed": _page_of("Home.feed"),
    "own_activities": _page_of("CreatorHome.own_activities"),
    "audience": Lasting[int, Audience](
        ("CreatorHome.audience", "BusinessHome.reach"),
        _packed,
        lambda _key, payload: Audience.FromString(payload),
        _about_deeds,
    ),
}
"""By the name of the question. Whether somebody has a permission is not among them: a grant may be gone."""
