import asyncio

from gateway.push.sessions import MOST_AT_ONCE, Sessions
from schema.errcode import AtriumError, Unauthenticated
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from tests.gateway.push.fakes import Doorman


class Told:
    def __init__(self) -> None:
        self.errors: list[AtriumError] = []
        self.ended = asyncio.Event()

    def end(self, error: AtriumError) -> None:
        self.errors.append(error)
        self.ended.set()


async def test_all_sessions_are_verified_together_and_only_who_was_thrown_out_is_told(doorman: Doorman) -> None:
    sessions, tokens = Sessions(doorman), [f"t{number}" for number in range(MOST_AT_ONCE + 2)]
    told = {token: Told() for token in tokens}
    doorman.out = {"t1"}
    with sessions.watched("t0", told["t0"]), sessions.watched("t1", told["t1"]):
        await sessions.verify(tokens)
    assert [len(asked) for asked in doorman.asked] == [MOST_AT_ONCE, 2]
    assert (told["t0"].errors, [type(error) for error in told["t1"].errors]) == ([], [Unauthenticated])


async def test_sessions_are_verified_now_and_then(doorman: Doorman) -> None:
    sessions, told = Sessions(doorman, every=0.01), Told()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(sessions.serve())
        with sessions.watched("t", told):
            await doorman.was_asked(3)
            assert told.errors == []
            doorman.out = {"t"}
            await told.ended.wait()
        await sessions.stop(0)


async def test_a_backend_that_is_down_ends_no_session_and_is_asked_again(doorman: Doorman) -> None:
    sessions, told = Sessions(doorman), Told()
    doorman.out, doorman.down = {"t"}, True
    with sessions.watched("t", told):
        await sessions.verify(["t"])
        assert told.errors == []
        doorman.down = False
        await sessions.verify(["t"])
    assert [type(error) for error in told.errors] == [Unauthenticated]


async def test_a_viewer_is_known_as_the_backend_proved_it_last(doorman: Doorman) -> None:
    sessions, first = Sessions(doorman), Identity(1, identity_pb2.ACCOUNT_TYPE_PERSONAL, "first")
    with sessions.watched("t", Told()):
        await sessions.verify(["t", "u"])
        assert [sessions.latest(token, first).assertion for token in ("t", "u")] == ["proved 1", "first"]
        await sessions.verify(["t"])
        assert sessions.latest("t", first).assertion == "proved 2"
    assert sessions.latest("t", first) is first
