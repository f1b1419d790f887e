"""What is told of a change: to the history, to other backends, to whoever listens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from services.account.biz.words import Account, AccountStatus


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change made of one attribute."""

    field: str
    """Its name in the contract, such as `creator.verified`."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """An account was opened."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Attributes of an account changed."""

    differences: tuple[Difference, ...]
    """In the order of the attributes' names."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """An account came into another state of its life."""

    before: AccountStatus


@dataclass(frozen=True, slots=True)
class MergeStarted:
    """The account named in it is about to be merged into another; it is barred from now on."""

    target_id: int


@dataclass(frozen=True, slots=True)
class Merged:
    """The account was merged into another, or the one it was merged into was merged itself."""

    target_id: int


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to an account, who did it and why."""

    what: Opened | Changed | StatusChanged | MergeStarted | Merged
    actor_id: int = 0
    """0 when nobody did but the centre itself."""
    reason: str = ""


_TOLD = ("avatar_url", "bio", "display_name", "handle")
"""The attributes of every account that can change and that everybody may know."""


def changed(before: Account, after: Account) -> Changed:
    """What differs between two states of an account; of private attributes only that they differ."""
    found = [*_differences(before, after, _TOLD), *_differences_of_attributes(before, after)]
    return Changed(tuple(sorted(found, key=lambda difference: difference.field)))


def _differences_of_attributes(before: Account, after: Account) -> Iterator[Difference]:
    was, now_is = before.attributes.private, after.attributes.private
    private = {field.name for field in fields(was)}
    public = [field.name for field in fields(before.attributes) if field.name not in private]
    yield from _differences(before.attributes, after.attributes, public, f"{after.type.name.lower()}.")
    yield from (Difference(name, None, None) for name in private if getattr(was, name) != getattr(now_is, name))


def _differences(before: object, after: object, names: Iterable[str], prefix: str = "") -> Iterator[Difference]:
    for name in names:
        was, now_is = getattr(before, name), getattr(after, name)
        if was != now_is:
            yield Difference(prefix + name, _told(was), _told(now_is))


def _told(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value
