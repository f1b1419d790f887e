"""Happenings and errands to try things with."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.job.biz.changes import Change, ChangeKind
from services.job.biz.errands import Errand, ErrandKind, steps_named
from services.job.biz.happenings import Difference, Happening, StatusChanged, What
from services.job.biz.questions import Viewer
from services.job.biz.steps import STEPS
from tests.conftest import NOON
from tests.services.job.fakes import World

ADA, BO, CY, DEE = 1, 2, 3, 4
STAFF = Viewer(account_id=4, account_type=5)
CLOSED = StatusChanged("CLOSING", "CLOSED")


def event_id(number: int) -> str:
    return str(UUID(int=number))


def happening(what: What | None, number: int = 1, account_id: int = ADA) -> Happening:
    """The event with this number, so many minutes after noon."""
    return Happening(event_id(number), account_id, NOON + timedelta(minutes=number), 4, "because", what)


def change(number: int, account_id: int = ADA, kind: ChangeKind = ChangeKind.ATTRIBUTES) -> Change:
    """What the event with this number changed."""
    moment = NOON + timedelta(minutes=number)
    difference = Difference("bio", None, f"word {number}")
    return Change(event_id(number), account_id, kind, account_id, "because", moment, (difference,))


def merge(source_id: int = ADA, target_id: int = BO) -> Errand:
    """A merge that nobody has begun."""
    return Errand(
        kind=ErrandKind.MERGE,
        account_id=source_id,
        target_id=target_id,
        steps=steps_named(list(STEPS[ErrandKind.MERGE])),
        requested_at=NOON,
        due_at=NOON,
        actor_id=4,
        reason="they are one",
    )


def erasure(account_id: int = ADA) -> Errand:
    """An erasure that nobody has begun."""
    return replace(
        merge(account_id), kind=ErrandKind.ERASURE, target_id=0, steps=steps_named(list(STEPS[ErrandKind.ERASURE]))
    )


def busy_world() -> World:
    """ADA and BO with something of everything, some of it in common."""
    return World(
        follows={(ADA, BO), (ADA, CY), (BO, CY), (ADA, DEE), (CY, ADA), (DEE, ADA), (DEE, BO), (CY, DEE)},
        activities={10: ADA, 11: BO, 12: ADA, 13: CY, 14: ADA},
        grants={ADA: {"a.b", "c.d"}, BO: {"c.d", "e.f"}},
        sessions={"one": ADA, "two": BO, "three": ADA},
    )


MERGED = World(
    follows={(BO, CY), (BO, DEE), (CY, BO), (DEE, BO), (CY, DEE)},
    activities={10: BO, 11: BO, 12: BO, 13: CY, 14: BO},
    grants={BO: {"a.b", "c.d", "e.f"}},
    sessions={"one": BO, "two": BO, "three": BO},
    merged={ADA: (BO, 4, "they are one")},
)
"""What becomes of it when ADA is merged into BO."""
