"""What a permission is: roles by account type, grants and denials by account, and the menu they open."""

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from schema.errcode import InvalidArgument, PermissionDenied

NOTHING: frozenset[str] = frozenset()
GRANT = "admin.permissions.grant"
"""What it takes to grant, to deny, and to take either back."""
NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
"""What the name of a permission looks like."""


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

    def check_staff(self) -> None:
        """Raises PermissionDenied for anybody but staff."""
        if self.role != AccountType.STAFF:
            raise PermissionDenied(GRANT)


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a viewer has a permission."""

    viewer: Viewer
    permission: str


@dataclass(frozen=True, slots=True)
class Grant:
    """An exception from its role that is made for one account."""

    permission: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes the exceptions of which account, and why."""

    actor_id: int
    account_id: int
    reason: str


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


class GrantRepo(Protocol):
    """Where the exceptions are kept. Each change tells of itself in the transaction that makes it."""

    async def is_known(self, permission: str) -> bool:
        """Whether a role has the permission, or a feature needs it."""
        ...

    async def by_account(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Grant]]:
        """The exceptions of each account that has any, by name; in one statement."""
        ...

    async def put(self, act: Act, grant: Grant) -> bool:
        """Makes the exception, instead of its opposite if there is one; False when it was there already."""
        ...

    async def take_back(self, act: Act, permission: str) -> bool:
        """Ends the exception; False when there was none."""
        ...

    async def move(self, source_id: int, target_id: int) -> int:
        """Leaves the source none; the target gets those for which it has none of its own. How many the source had."""
        ...


class Grants:
    """The exceptions of accounts, and who may change them."""

    def __init__(self, repo: GrantRepo) -> None:
        self._repo = repo

    async def by_account(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Grant]]:
        """The exceptions of each account that has any, by name."""
        return await self._repo.by_account(set(account_ids))

    async def grant(self, actor: Viewer, account_id: int, grant: Grant, reason: str) -> bool:
        """The account is granted, or denied, the permission from now on; whether that is new."""
        act = _checked(actor, account_id, grant.permission, reason)
        if not await self._repo.is_known(grant.permission):
            raise InvalidArgument("permission", "is no permission that a role or a feature knows")
        return await self._repo.put(act, grant)

    async def revoke(self, actor: Viewer, account_id: int, permission: str, reason: str) -> bool:
        """The account has what its role says from now on; whether that is new."""
        return await self._repo.take_back(_checked(actor, account_id, permission, reason), permission)

    async def move(self, source_id: int, target_id: int) -> int:
        """The target has the exceptions of the source, as far as it has none of its own; how many left the source."""
        if source_id == target_id:
            raise InvalidArgument("target_id", "must be another account than the source")
        return await self._repo.move(source_id, target_id)


def _checked(actor: Viewer, account_id: int, permission: str, reason: str) -> Act:
    actor.check_staff()
    if not NAME.fullmatch(permission):
        raise InvalidArgument("permission", "must be a dotted name, such as activity.publish")
    if not reason.strip():
        raise InvalidArgument("reason", "must not be empty")
    return Act(actor.account_id, account_id, reason.strip())


def _roles(viewers: Collection[Viewer]) -> set[int]:
    return {viewer.role for viewer in viewers}


def _account_ids(viewers: Collection[Viewer]) -> set[int]:
    return {viewer.account_id for viewer in viewers if not viewer.is_guest}
