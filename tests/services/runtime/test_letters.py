"""Events that were set aside are tried again, parked in the end, replayed or dropped by hand; never out of order."""

from datetime import timedelta

import pytest

from schema.errcode import BackendUnavailable
from services.runtime.backend import Resources
from services.runtime.bus import Message
from services.runtime.consumer import Consumer, Intake
from services.runtime.letters import ATTEMPTS, POLL_SECONDS, Letter, Letters, NotFirst, Retrying, State
from services.runtime.telemetry import Metrics
from tests.conftest import NOON, HandClock, MakeResources
from tests.services.runtime.events import INBOX, METADATA, Effects, applied, message

DAY = timedelta(days=1)


class Desk:
    """A consumer, its letters, and what happens to them."""

    def __init__(self, resources: Resources, clock: HandClock, *, ordered: bool = True) -> None:
        self.effects = Effects()
        self.metrics = Metrics()
        self.clock = clock
        self.database = resources.database
        consumer = Consumer("job.test", self.effects, ordered=ordered)
        self.intake = Intake(consumer, INBOX, resources.database, clock, self.metrics)
        self.letters = Letters([consumer], INBOX, resources.database, clock)
        self.retrying = Retrying(self.letters, self.metrics)

    async def states(self) -> list[tuple[int, State]]:
        return [(letter.id, letter.state) for letter in await self.letters.all()]

    async def letter(self, number: int) -> Letter:
        found = await self.letters.get(number)
        assert found is not None
        return found

    async def retry_all(self) -> None:
        """Tries whatever is due until nothing is."""
        while await self.retrying.work() == 0:
            pass

    async def exhaust(self) -> None:
        """Tries again and again until everything that fails is parked."""
        for _ in range(ATTEMPTS):
            self.clock.advance(days=1)
            await self.retry_all()


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def desk(resources: Resources, clock: HandClock) -> Desk:
    return Desk(resources, clock)


async def test_a_letter_is_applied_once_it_can_be_and_those_behind_it_follow(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError("not yet")
    await desk.intake.take([message(1, 1), message(1, 2), message(1, 3), message(2, 1)])
    await desk.retry_all()
    assert await applied(desk.database) == [(2, 1)]
    desk.effects.refuses.clear()
    desk.clock.advance(seconds=0.4)
    await desk.retry_all()
    assert await applied(desk.database) == [(2, 1)]
    desk.clock.advance(seconds=0.1)
    await desk.retry_all()
    assert await applied(desk.database) == [(2, 1), (1, 1), (1, 2), (1, 3)]
    assert await desk.letters.all() == []
    await desk.intake.take([message(1, 1), message(1, 4)])
    assert (await applied(desk.database))[-2:] == [(1, 3), (1, 4)]


async def test_each_attempt_waits_longer_and_the_last_one_parks(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError("never")
    await desk.intake.take([message(1, 1)])
    waits = []
    while (letter := await desk.letter(1)).next_at:
        waits.append((letter.next_at - desk.clock.now).total_seconds())
        desk.clock.now = letter.next_at
        desk.effects.refuses[1, 1] = ValueError(f"never, {len(waits)}")
        assert await desk.retrying.work() == POLL_SECONDS
    assert waits == [0.5, 2, 8, 32]
    assert (letter.state, letter.attempts, letter.reason) == (State.PARKED, ATTEMPTS, "ValueError: never, 4")
    desk.effects.refuses.clear()
    desk.clock.advance(days=365)
    await desk.retry_all()
    assert await desk.states() == [(1, State.PARKED)]
    assert await applied(desk.database) == []


async def test_a_backend_that_is_down_is_not_the_fault_of_the_event(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = BackendUnavailable("permission")
    await desk.intake.take([message(1, 1)])
    await desk.exhaust()
    await desk.exhaust()
    letter = await desk.letter(1)
    assert (letter.state, letter.attempts) == (State.RETRYING, 1 + 2 * ATTEMPTS)
    assert letter.next_at == desk.clock.now + timedelta(minutes=1)


async def test_letters_of_one_account_do_not_wait_for_those_of_another(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = desk.effects.refuses[2, 1] = ValueError()
    await desk.intake.take([message(1, 1), message(2, 1), message(2, 2)])
    del desk.effects.refuses[2, 1]
    await desk.exhaust()
    assert await applied(desk.database) == [(2, 1), (2, 2)]
    assert await desk.states() == [(1, State.PARKED)]


async def test_without_an_order_each_letter_is_on_its_own(resources: Resources, clock: HandClock) -> None:
    desk = Desk(resources, clock, ordered=False)
    desk.effects.refuses[1, 1] = desk.effects.refuses[1, 2] = ValueError()
    await desk.intake.take([message(1, 1), message(1, 2)])
    await desk.exhaust()
    assert await desk.states() == [(1, State.PARKED), (2, State.PARKED)]
    del desk.effects.refuses[1, 2]
    assert await desk.letters.replay(await desk.letter(2)) == {2: None}
    assert await applied(desk.database) == [(1, 2)]


async def test_a_replay_applies_what_was_held_back_too(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = desk.effects.refuses[1, 3] = ValueError("no")
    await desk.intake.take([message(1, number) for number in (1, 2, 3, 4)])
    await desk.exhaust()
    assert await desk.states() == [(1, State.PARKED), (2, State.HELD), (3, State.HELD), (4, State.HELD)]
    del desk.effects.refuses[1, 1]
    outcomes = await desk.letters.replay(await desk.letter(1))
    assert outcomes == {1: None, 2: None, 3: "ValueError: no"}
    assert await applied(desk.database) == [(1, 1), (1, 2)]
    assert await desk.states() == [(3, State.RETRYING), (4, State.HELD)]


async def test_a_replay_that_fails_leaves_the_letter_parked_with_the_new_reason(desk: Desk) -> None:
    await desk.intake.take([Message("stranger", 1, b"\xff\xff")])
    assert await desk.letters.replay(await desk.letter(1)) == {1: "Unreadable: malformed: the bytes are no event"}
    letter = await desk.letter(1)
    assert (letter.state, letter.attempts) == (State.PARKED, 1)


async def test_a_letter_cannot_be_replayed_before_those_in_front_of_it(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError()
    await desk.intake.take([message(1, 1), message(1, 2)])
    with pytest.raises(NotFirst, match=r"^letter 1 of the same account comes first$"):
        await desk.letters.replay(await desk.letter(2))
    assert await applied(desk.database) == []
    assert len(await desk.letters.all()) == 2


async def test_a_letter_that_is_dropped_lets_the_others_go(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError()
    await desk.intake.take([message(1, 1), message(1, 2)])
    await desk.exhaust()
    letter = await desk.letter(1)
    assert await desk.letters.drop(letter)
    assert not await desk.letters.drop(letter)
    await desk.retry_all()
    assert await applied(desk.database) == [(1, 2)]
    await desk.intake.take([message(1, 1)])
    assert await applied(desk.database) == [(1, 2)]


async def test_a_letter_that_another_process_applied_has_no_second_effect(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError()
    await desk.intake.take([message(1, 1)])
    desk.effects.refuses.clear()
    letter = await desk.letter(1)
    assert [await desk.letters.retry(letter), await desk.letters.retry(letter)] == [None, None]
    assert await applied(desk.database) == [(1, 1)]


async def test_letters_of_a_consumer_that_is_no_more_stay(desk: Desk, resources: Resources) -> None:
    desk.effects.refuses[1, 1] = ValueError()
    await desk.intake.take([message(1, 1)])
    desk.clock.advance(days=1)
    others = Letters([Consumer("job.other", desk.effects)], INBOX, resources.database, resources.clock)
    assert await others.due() == []
    assert len(await others.all()) == 1


async def test_how_many_wait_for_what_can_be_watched(desk: Desk) -> None:
    def watched() -> dict[str, float]:
        [family] = desk.metrics.letters.collect()
        return {sample.labels["state"]: sample.value for sample in family.samples}

    desk.effects.refuses[1, 1] = ValueError()
    await desk.intake.take([message(1, 1), message(1, 2), Message("stranger", 2, b"\xff\xff")])
    await desk.retrying.work()
    assert watched() == {"parked": 1, "retrying": 1, "held": 1}
    for letter in await desk.letters.all():
        await desk.letters.drop(letter)
    await desk.retrying.work()
    assert watched() == {"parked": 0, "retrying": 0, "held": 0}


async def test_a_letter_tells_all_about_its_event(desk: Desk) -> None:
    desk.effects.refuses[1, 1] = ValueError("no")
    await desk.intake.take([message(1, 1)])
    assert await desk.letters.get(2) is None
    first_retry = NOON + timedelta(seconds=0.5)
    assert await desk.letter(1) == Letter(1, "job.test", message(1, 1), "ValueError: no", 1, NOON, first_retry)
