"""The steps of each kind of errand, in their order. Doing any of them again does no harm."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.job.biz.errands import Errand, ErrandKind
from services.job.biz.ports import Backends

COMPARISONS = 3
"""How often counters are compared before they are called wrong: people follow while we count."""


class CountersWrong(Exception):
    """The counters of an account do not agree with its rows; the message says how."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an errand."""

    name: str
    act: Callable[[Backends, Errand, int], Awaitable[int]]
    """Does at most so many rows, and answers how many it did; 0: the step is over."""
    left: Callable[[Backends, Errand], Awaitable[int]] | None = None
    """Counts the rows that are left to do; None where nobody can."""


async def _move_follows(backends: Backends, errand: Errand, limit: int) -> int:
    return await backends.move_follows(errand.account_id, errand.target_id, limit)


async def _follows_left(backends: Backends, errand: Errand) -> int:
    return (await backends.rows_of(errand.account_id)).follows


async def _move_activities(backends: Backends, errand: Errand, limit: int) -> int:
    return await backends.move_activities(errand.account_id, errand.target_id, limit)


async def _activities_left(backends: Backends, errand: Errand) -> int:
    return (await backends.rows_of(errand.account_id)).activities


async def _move_grants(backends: Backends, errand: Errand, _limit: int) -> int:
    return await backends.move_grants(errand.account_id, errand.target_id)


async def _grants_left(backends: Backends, errand: Errand) -> int:
    return await backends.grants_of(errand.account_id)


async def _move_sessions(backends: Backends, errand: Errand, _limit: int) -> int:
    return await backends.move_sessions(errand.account_id, errand.target_id)


async def _finish(backends: Backends, errand: Errand, _limit: int) -> int:
    await backends.finish_merge(errand.account_id, errand.target_id, errand.actor_id, errand.reason)
    return 0


async def _verify(backends: Backends, errand: Errand, limit: int) -> int:
    """Moves what others added to the source while it was being merged; then compares counters with rows."""
    late = await _move_follows(backends, errand, limit) + await _move_activities(backends, errand, limit)
    if not late:
        await _compare_counters(backends, errand.target_id)
    return late


async def _compare_counters(backends: Backends, account_id: int) -> None:
    for _ in range(COMPARISONS):
        counted, rows = await backends.follow_counts(account_id), await backends.rows_of(account_id)
        if counted == (rows.followers, rows.following):
            return
    raise CountersWrong(
        f"account {account_id} counts {counted[0]} followers and {counted[1]} followed, "
        f"but has {rows.followers} and {rows.following}"
    )


async def _erase(backends: Backends, errand: Errand, limit: int) -> int:
    return await backends.erase(errand.account_id, limit)


async def _rows_left(backends: Backends, errand: Errand) -> int:
    rows = await backends.rows_of(errand.account_id)
    return rows.activities + rows.follows


STEPS: dict[ErrandKind, dict[str, Step]] = {
    kind: {step.name: step for step in steps}
    for kind, steps in {
        ErrandKind.MERGE: (
            Step("follows", _move_follows, _follows_left),
            Step("activities", _move_activities, _activities_left),
            Step("grants", _move_grants, _grants_left),
            Step("sessions", _move_sessions),
            Step("finish", _finish),
            Step("verify", _verify),
        ),
        ErrandKind.ERASURE: (Step("erase", _erase, _rows_left),),
    }.items()
}
"""What each kind of errand does, by name and in order."""
