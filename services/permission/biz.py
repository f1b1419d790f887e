"""What a permission is: roles by account type, grants and denials by account, and the menu they open."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

NOTHING: frozenset[str] = frozenset()


class AccountType(IntEnum):
    """The account types that may have a role, numbered as the contract numbers them."""

    GUEST = 1
    PERSONAL = 2
    CREATOR = 3
    BUSINESS = 4
    STAFF = 5


class Effect(StrEnum):
    """What an exception made for one account does."""

    ALLOW = "ALLOW"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever a question is asked for."""

    account_id: int
    """0 for a guest."""
    account_type: int
    """A number, not an AccountType: it may be newer than this backend, and then it has no role."""

    @property
    def is_guest(self) -> bool:
        """Whether nobody is signed in. Without an account there is no other type to claim."""
        return self.account_id == 0 or self.account_type == AccountType.GUEST

    @property
    def role(self) -> int:
        """The account type whose role the viewer has."""
        return AccountType.GUEST if self.is_guest else self.account_type


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a viewer has a permission."""

    viewer: Viewer
    permission: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A sub-function of the account centre."""

    key: str
    title: str
    url: str
    badge: str | None
    permission: str | None
    """What it takes to see it; None: it is for everybody."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is said about one viewer."""

    role: Set[str] = NOTHING
    """The permissions of the viewer's account type."""
    granted: Set[str] = NOTHING
    denied: Set[str] = NOTHING

    def allows(self, permission: str) -> bool:
        """Whether the viewer has the permission: a denial wins over role and grant, and silence means no."""
        return permission not in self.denied and (permission in self.role or permission in self.granted)

    def opens(self, feature: Feature) -> bool:
        """Whether the viewer may use the feature."""
        return feature.permission is None or self.allows(feature.permission)


@dataclass(frozen=True, slots=True)
class Rules:
    """The roles of some account types, and the exceptions of some accounts."""

    roles: Mapping[int, Set[str]]
    """The permissions of each account type; one without any is left out."""
    exceptions: Mapping[int, Mapping[Effect, Set[str]]]
    """By account id and effect; what is empty is left out."""

    def standing(self, viewer: Viewer) -> Standing:
        """What these rules say about the viewer; a guest has the guest role and nothing else."""
        exceptions = {} if viewer.is_guest else self.exceptions.get(viewer.account_id, {})
        return Standing(
            role=self.roles.get(viewer.role, NOTHING),
            granted=exceptions.get(Effect.ALLOW, NOTHING),
            denied=exceptions.get(Effect.DENY, NOTHING),
        )


class RuleRepo(Protocol):
    """Where the rules are kept. What it costs does not depend on how many types and accounts are asked for."""

    async def rules(self, account_types: Collection[int], account_ids: Collection[int]) -> Rules:
        """The roles of these account types and the exceptions of these accounts."""
        ...

    async def rules_and_features(
        self, account_types: Collection[int], account_ids: Collection[int]
    ) -> tuple[Rules, Sequence[Feature]]:
        """The same rules, and every feature in the order of the menu."""
        ...


class Permissions:
    """The one check that everything asks, for many viewers at once."""

    def __init__(self, repo: RuleRepo) -> None:
        self._repo = repo

    async def check(self, questions: Sequence[Question]) -> list[bool]:
        """Whether each viewer has each permission, in the order of the questions."""
        viewers = {question.viewer for question in questions}
        rules = await self._repo.rules(_roles(viewers), _account_ids(viewers))
        standings = {viewer: rules.standing(viewer) for viewer in viewers}
        return [standings[question.viewer].allows(question.permission) for question in questions]

    async def features(self, viewers: Sequence[Viewer]) -> list[list[Feature]]:
        """What each viewer may use, each list in the order of the menu, in the order of the viewers."""
        rules, menu = await self._repo.rules_and_features(_roles(viewers), _account_ids(viewers))
        standings = [rules.standing(viewer) for viewer in viewers]
        return [[feature for feature in menu if standing.opens(feature)] for standing in standings]


def _roles(viewers: Collection[Viewer]) -> set[int]:
    return {viewer.role for viewer in viewers}


def _account_ids(viewers: Collection[Viewer]) -> set[int]:
    return {viewer.account_id for viewer in viewers if not viewer.is_guest}
