"""Whatever is asked, changed and lost in whatever order: nobody is told what was answered to somebody else, what is too
old, or what was before a change.
"""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.last_good.memory import Since
from loaders.last_good.rules import LASTING
from schema.errcode import LastGood
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_PERSONAL, ACCOUNT_TYPE_STAFF
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.graphql.ports import Identity
from services.runtime import subjects
from services.runtime.lane import in_lane
from services.runtime.tasks import task_group
from tests.loaders.caching.town import Clock
from tests.loaders.last_good.town import FakeCache, Process

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
ASKERS = [("", ADA), ("blue", ADA), ("", Identity(1, ACCOUNT_TYPE_STAFF)), ("", Identity(11, ACCOUNT_TYPE_PERSONAL))]
"""Lane and viewer."""
PROCESSES = range(2)
LONGEST = LASTING["features"].seconds
PLACES = st.tuples(st.sampled_from(PROCESSES), st.sampled_from(ASKERS))
STEPS = st.one_of(
    st.tuples(st.just("ask"), PLACES),
    st.tuples(st.just("answer"), st.integers(0, 2)),
    st.tuples(st.just("learn"), PLACES),
    st.tuples(st.just("change"), st.sampled_from(PROCESSES), st.sampled_from([1, 11]), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 5.0, 40.0, LONGEST])),
    st.tuples(st.just("outage"), st.booleans()),
    st.tuples(st.just("recall_all")),
)


@dataclass
class Asked:
    """A question on its way; its answer says which one it is."""

    process: int
    lane: str
    viewer: Identity
    since: Since
    at: float


class Town:
    """Two gateways, and what they were told."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.clock = Clock()
        self.cache = FakeCache(self.clock)
        self.processes = [
            Process("features", self.cache.redis, group, self.clock, ahead=1000.0 * number) for number in PROCESSES
        ]
        self.asked: list[Asked] = []
        self.open: list[int] = []
        self.changed: list[tuple[int, float, set[int]]] = []
        """Which account changed, when, and which processes can know."""

    async def ask(self, place: tuple[int, tuple[str, Identity]]) -> None:
        process, (lane, viewer) = place
        self.open.append(len(self.asked))
        self.asked.append(Asked(process, lane, viewer, self.processes[process].memory.now(), self.clock()))

    async def answer(self, number: int) -> None:
        if number >= len(self.open):
            return
        serial = self.open.pop(number)
        asked = self.asked[serial]
        with in_lane(asked.lane):
            await self.processes[asked.process].learn(asked.viewer, (Feature(key=str(serial)),), asked.since)

    async def learn(self, place: tuple[int, tuple[str, Identity]]) -> None:
        await self.ask(place)
        await self.answer(len(self.open) - 1)

    async def change(self, changer: int, account_id: int, is_heard: bool) -> None:
        subject = subjects.account(account_id)
        self.clock.now += 0.01
        await self.processes[changer].change(subject)
        if is_heard:
            self.processes[1 - changer].heard.note([subject])
        is_known = is_heard or not self.cache.is_down
        self.changed.append((account_id, self.clock(), set(PROCESSES) if is_known else {changer}))
        self.clock.now += 0.01

    async def recall_all(self) -> None:
        for process in PROCESSES:
            for lane, viewer in ASKERS:
                with in_lane(lane):
                    self.check(lane, viewer, self.processes[process].memory.here(viewer))
                    found = await self.processes[process].recall(viewer)
                self.check(lane, viewer, found)
                if not self.cache.is_down:
                    self.check_changes(process, viewer, found)

    def check(self, lane: str, viewer: Identity, kept: LastGood | None) -> None:
        if kept:
            asked = self.asked[int(kept.answer[0].key)]
            assert (asked.lane, asked.viewer) == (lane, viewer)
            assert self.clock() - asked.at - 0.01 <= kept.age <= LONGEST

    def check_changes(self, process: int, viewer: Identity, kept: LastGood | None) -> None:
        if kept:
            at = self.asked[int(kept.answer[0].key)].at
            changes = [moment for who, moment, known in self.changed if who == viewer.account_id and process in known]
            assert at > max(changes, default=0.0)

    async def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    async def outage(self, is_down: bool) -> None:
        self.cache.is_down = is_down


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_an_answer_is_told_only_to_whoever_it_was_for_while_it_is_so(steps: list[tuple[str, ...]]) -> None:
    async def run() -> None:
        async with task_group() as group:
            town = Town(group)
            for name, *how in steps:
                await getattr(town, name)(*how)
            await town.recall_all()

    asyncio.run(run())
