import asyncio

from hypothesis import given
from hypothesis import strategies as st

from gateway.push.settling import MOST_AT_ONCE, Settling


@given(lateness=st.lists(st.floats(0, 0.99), min_size=1, max_size=50), asked=st.lists(st.floats(0, 60), max_size=50))
def test_whatever_is_late_by_less_than_it_settles_comes_in_order_and_once(
    lateness: list[float], asked: list[float]
) -> None:
    """Number n is due at second n, comes late, and what is settled is asked for at any times."""
    settling = Settling[int](seconds=1.0)
    arrivals = [(number + late, number) for number, late in enumerate(lateness, start=1)]
    told: list[int] = []
    for moment, number in sorted([*arrivals, *((moment, 0) for moment in asked), (1000.0, 0)]):
        if number:
            settling.put(number, number, moment)
        else:
            told += settling.take(moment)
    assert told == list(range(1, len(lateness) + 1))


def test_nothing_is_settled_before_its_time() -> None:
    settling = Settling[str](seconds=1.0)
    settling.put(2, "b", 10.0)
    assert settling.take(10.9) == []
    settling.put(1, "a", 10.9)
    settling.put(3, "c", 10.9)
    assert (settling.take(11.0), settling.take(11.8), settling.take(11.9)) == (["a", "b"], [], ["c"])


def test_only_so_many_come_at_once_and_the_others_after_them() -> None:
    settling = Settling[int](seconds=1.0)
    for number in range(1, MOST_AT_ONCE + 3):
        settling.put(number, number, 0.0)
    assert len(settling.take(1.0)) == MOST_AT_ONCE
    assert settling.take(1.0) == [MOST_AT_ONCE + 1, MOST_AT_ONCE + 2]


async def test_whoever_waits_gets_what_comes() -> None:
    settling = Settling[str](seconds=0.01)
    now = asyncio.get_running_loop().time
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(settling.settled())
        await asyncio.sleep(0)
        settling.put(1, "a", now())
    assert waiting.result() == ["a"]
