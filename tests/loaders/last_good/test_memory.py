"""What is remembered, for how long, for whom, and what makes it forgotten."""

from dataclasses import replace
from typing import Any

import pytest

from loaders.last_good.memory import SHELVE_SECONDS
from loaders.last_good.recalling import Recalling
from loaders.last_good.shelf import PREFIX
from schema.errcode import BackendUnavailable, LastGood, Overloaded
from schema.generated.activity.v1.activity_pb2 import ActivityPage
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_PERSONAL, ACCOUNT_TYPE_STAFF
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.graphql.ports import FeedKey, Identity
from services.runtime import subjects
from services.runtime.cache import TIMEOUT_SECONDS
from services.runtime.lane import in_lane
from tests.loaders.caching.town import Clock
from tests.loaders.last_good.conftest import MakeProcess
from tests.loaders.last_good.town import FakeCache

ADA, BO = Identity(1, ACCOUNT_TYPE_PERSONAL), Identity(2, ACCOUNT_TYPE_PERSONAL)
OLD, NEW = (Feature(key="old"),), (Feature(key="new"),)


async def test_the_last_good_answer_comes_with_the_error_and_its_age(process: MakeProcess, clock: Clock) -> None:
    here = process(cache=None)
    await here.learn(ADA, OLD)
    clock.now += 5
    await here.learn(ADA, NEW)
    clock.now += 7
    error = BackendUnavailable("permission")
    found = await here.memory.recalled({ADA: error, BO: error})
    assert list(found) == [ADA]
    assert (found[ADA].last_good, found[ADA].code) == (LastGood(NEW, 7.0), error.code)
    assert error.last_good is None, "whoever shares the error knows nothing of it"


async def test_what_failed_is_not_remembered_and_forgets_nothing(process: MakeProcess) -> None:
    here = process(cache=None)
    await here.learn(ADA, OLD)
    await here.learn(ADA, BackendUnavailable("permission"))
    assert await here.recall(ADA) == LastGood(OLD, 0.0)


async def test_an_answer_ends_with_its_time(process: MakeProcess, clock: Clock) -> None:
    here = process(cache=None)
    await here.learn(ADA, OLD)
    clock.now += 300
    assert await here.recall(ADA) == LastGood(OLD, 300.0)
    clock.now += 0.5
    assert await here.recall(ADA) is None


async def test_an_age_counts_from_when_the_backend_was_asked(process: MakeProcess, clock: Clock) -> None:
    here = process(cache=None)
    since = here.memory.now()
    clock.now += 3
    await here.learn(ADA, OLD, since)
    assert await here.recall(ADA) == LastGood(OLD, 3.0)


async def test_what_one_process_learned_another_finds(process: MakeProcess, clock: Clock, shelf: FakeCache) -> None:
    here, there = process(), process(ahead=50_000.0)
    await here.learn(ADA, OLD)
    clock.now += 10
    found = await there.recall(ADA)
    assert found is not None
    assert found.answer == OLD
    assert found.age == pytest.approx(10 + TIMEOUT_SECONDS, abs=0.01)
    shelf.is_down = True
    again = await there.recall(ADA)
    assert again is not None, "it is remembered from then on"
    assert again.answer == OLD


async def test_the_younger_answer_counts(process: MakeProcess, clock: Clock) -> None:
    here, there = process(), process()
    await there.learn(ADA, OLD)
    clock.now += 20
    await here.learn(ADA, NEW)
    found = await there.recall(ADA)
    assert found is not None
    assert found.answer == NEW
    clock.now += 1
    await there.learn(ADA, OLD)
    assert await there.recall(ADA) == LastGood(OLD, 0.0)


async def test_an_answer_is_for_its_lane_and_for_whoever_asked(process: MakeProcess) -> None:
    here, there = process(), process()
    with in_lane("blue"):
        await here.learn(ADA, OLD)
        assert here.memory.here(ADA) is not None
        for one in (here, there):
            assert await one.recall(ADA) is not None
            assert await one.recall(BO) is None
            assert await one.recall(Identity(1, ACCOUNT_TYPE_STAFF)) is None
        assert here.memory.here(ADA) is not None
    assert await here.recall(ADA) is None
    assert await there.recall(ADA) is None


async def test_what_proves_the_viewer_is_no_part_of_the_question_and_written_nowhere(
    process: MakeProcess, shelf: FakeCache
) -> None:
    here, there = process("feed"), process("feed")
    page = ActivityPage(items=[ActivityPage.Item(cursor="c")])
    await here.learn(FeedKey(replace(ADA, assertion="a secret"), 20, ""), page)
    found = await there.recall(FeedKey(replace(ADA, assertion="another"), 20, ""))
    assert found is not None
    assert found.answer == page
    assert [name for name, entry in shelf.entries.items() if "secret" in name or b"secret" in entry[0]] == []


async def test_what_changed_since_it_was_asked_for_is_not_answered_any_more(process: MakeProcess, clock: Clock) -> None:
    here, there = process(), process(ahead=7.0)
    for one in (here, there):
        await one.learn(ADA, OLD)
        await one.learn(BO, OLD)
    clock.now += 1
    await here.change(subjects.account(1))
    clock.now += 1
    assert await here.recall(ADA) is None
    assert await there.recall(ADA) is None, "though it was not told"
    assert await there.recall(BO) is not None


async def test_what_was_asked_for_before_a_change_and_answered_after_it_is_not_remembered(
    process: MakeProcess, clock: Clock
) -> None:
    here, there = process(), process()
    asked_here, asked_there = here.memory.now(), there.memory.now()
    clock.now += 1
    await here.change(subjects.account(1))
    clock.now += 1
    await here.learn(ADA, OLD, asked_here)
    await there.learn(ADA, OLD, asked_there)
    for one in (here, there, process()):
        assert await one.recall(ADA) is None


async def test_an_answer_that_comes_late_takes_the_place_of_none_that_is_still_so(process: MakeProcess) -> None:
    here = process(cache=None)
    asked = here.memory.now()
    here.heard.note([subjects.account(1)])
    await here.learn(ADA, NEW)
    await here.learn(ADA, OLD, asked)
    assert await here.recall(ADA) == LastGood(NEW, 0.0)


async def test_what_is_learned_after_a_change_is_shared_at_once(process: MakeProcess, clock: Clock) -> None:
    here, there = process(), process()
    await here.learn(ADA, OLD)
    clock.now += 1
    await here.change(subjects.account(1))
    clock.now += 1
    await here.learn(ADA, NEW)
    found = await there.recall(ADA)
    assert found is not None
    assert found.answer == NEW


async def test_a_change_that_the_cache_was_not_told_of_is_known_where_it_was_made(
    process: MakeProcess, clock: Clock, shelf: FakeCache
) -> None:
    here = process()
    await here.learn(ADA, OLD)
    clock.now += 1
    shelf.is_down = True
    await here.change(subjects.account(1))
    shelf.is_down = False
    clock.now += 1
    assert shelf.left(PREFIX + "/viewer/features/[1,2]") > 0
    assert await here.recall(ADA) is None


async def test_after_a_gap_only_the_shelf_is_believed(process: MakeProcess, shelf: FakeCache) -> None:
    here = process()
    await here.learn(ADA, OLD)
    here.heard.note_gap()
    assert here.memory.here(ADA) is None
    assert await here.recall(ADA) is not None
    assert here.memory.here(ADA) is not None


async def test_a_dead_cache_costs_what_others_know(process: MakeProcess, shelf: FakeCache) -> None:
    here, there = process(), process()
    shelf.is_down = True
    await here.learn(ADA, OLD)
    assert await here.recall(ADA) == LastGood(OLD, 0.0)
    assert await there.recall(ADA) is None
    shelf.is_down = False
    await here.learn(BO, OLD)
    assert await there.recall(BO) is not None


async def test_an_answer_that_comes_again_and_again_is_put_on_the_shelf_now_and_then(
    process: MakeProcess, clock: Clock, shelf: FakeCache
) -> None:
    here = process()
    for _ in range(100):
        await here.learn(ADA, OLD)
    assert shelf.trips == 1
    clock.now += SHELVE_SECONDS
    await here.learn(ADA, NEW)
    assert shelf.trips == 2


async def test_what_was_not_answered_lately_makes_room(process: MakeProcess) -> None:
    here = process(cache=None, most=8)
    for number in range(9):
        await here.learn(Identity(number, ACCOUNT_TYPE_PERSONAL), OLD)
    assert await here.recall(Identity(0, ACCOUNT_TYPE_PERSONAL)) is None
    assert await here.recall(Identity(8, ACCOUNT_TYPE_PERSONAL)) is not None


async def test_whoever_is_not_to_ask_gets_what_is_remembered_without_a_call(
    process: MakeProcess, shelf: FakeCache
) -> None:
    here, there = process(), process()
    await here.learn(ADA, OLD)
    trips, problem = shelf.trips, Overloaded()
    answers = {one: Recalling(one.memory, problem).answers([ADA, BO]).result() for one in (here, there)}
    assert [error.last_good for error in answers[here]] == [LastGood(OLD, 0.0), None]
    assert [error.last_good for error in answers[there]] == [None, None]
    assert {type(error) for found in answers.values() for error in found} == {Overloaded}
    assert problem.last_good is None
    assert shelf.trips == trips
    assert [error.last_good for error in await Recalling[Identity, Any](None, problem).answers([ADA])] == [None]
