"""What the clock had done, over gRPC; and what tasks ask of other backends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc.aio
import pytest

from schema.errcode import InvalidArgument, Overloaded
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.task.v1 import task_pb2, task_pb2_grpc
from services.runtime.channels import open_channel
from services.runtime.server import create_server
from services.runtime.settings import Schedules, Settings
from services.runtime.telemetry import Metrics
from services.task.biz import Count, Origin, Outcome, Period, Portion, Refused, Run, Span
from services.task.data import METADATA, GrpcBehaviour, GrpcLives
from services.task.data.backends import kind_name
from services.task.service.messages import ORIGINS, OUTCOMES, to_message
from services.task.wire import BACKEND, history_of
from tests.conftest import NOON, MakeResources, Serve
from tests.open_doors import Anybody, Stranger
from tests.services.task.fakes import AccountBackend, ActivityBackend

RUN = Run("a", "clean-up", "2026-03-01", Origin.HAND, NOON, NOON + timedelta(minutes=1), Outcome.OK, "runs: 3")
HOUR = Period(Span.HOUR, datetime(2026, 3, 2, 11, tzinfo=UTC))


def test_no_field_of_a_run_is_forgotten() -> None:
    message = to_message(RUN)
    assert {field.name for field, _ in message.ListFields()} == set(message.DESCRIPTOR.fields_by_name)


def test_a_run_that_goes_on_has_neither_end_nor_outcome() -> None:
    message = to_message(replace(RUN, ended_at=None, outcome=None))
    assert not message.HasField("ended_at")
    assert message.outcome == task_pb2.OUTCOME_UNSPECIFIED


def test_every_origin_and_outcome_of_a_run_has_its_value() -> None:
    assert set(ORIGINS) == set(Origin)
    assert set(OUTCOMES) == {Outcome.OK, Outcome.FAILED}
    assert set(ORIGINS.values()) == set(task_pb2.Origin.values()) - {0}
    assert set(OUTCOMES.values()) == set(task_pb2.Outcome.values()) - {0}


async def test_the_last_runs_are_listed_newest_first(make_resources: MakeResources, serve: Serve) -> None:
    resources = await make_resources(METADATA)
    settings = Settings(schedules=Schedules(enabled=False))
    channel = grpc.aio.insecure_channel("127.0.0.1:9")
    lent = replace(resources, settings=settings, channels={"account": channel, "activity": channel})
    history = history_of(lent)
    await history.begun("a", "clean-up", "2026-03-01", Origin.HAND)
    await history.begun("b", "end-closures", "2026-03-01T11", Origin.CLOCK)
    await history.ended("a", Outcome.FAILED, "no")
    stub: task_pb2_grpc.TaskServiceAsyncStub = task_pb2_grpc.TaskServiceStub(await serve(BACKEND, lent))
    runs = (await stub.ListRuns(task_pb2.ListRunsRequest(first=5))).runs
    assert [(run.id, run.outcome) for run in runs] == [("b", 0), ("a", task_pb2.OUTCOME_FAILED)]
    of_one = await stub.ListRuns(task_pb2.ListRunsRequest(task="clean-up", first=5))
    assert [run.id for run in of_one.runs] == ["a"]
    with pytest.raises(InvalidArgument):
        await stub.ListRuns(task_pb2.ListRunsRequest(first=0))
    await channel.close()


@asynccontextmanager
async def channel_to(backend: ActivityBackend | AccountBackend) -> AsyncIterator[grpc.aio.Channel]:
    server = create_server(Metrics(), Anybody())
    backend.serve_on(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel("activity", f"127.0.0.1:{port}", Metrics(), Stranger()) as channel:
        yield channel
    await server.stop(None)


async def test_behaviour_is_asked_for_by_period_page_by_page() -> None:
    activity = ActivityBackend()
    async with channel_to(activity) as channel:
        first = await GrpcBehaviour(channel).counted(HOUR, 0)
        last = await GrpcBehaviour(channel).counted(HOUR, 2)
    assert (first.counts, first.more) == ([Count(1, "POST", 10)], True)
    assert (last.counts, last.more) == ([Count(3, "POST", 12)], False)
    assert activity.asked == [("2026-03-02T11", 0), ("2026-03-02T11", 2)]


async def test_what_is_wrong_by_itself_is_told_from_what_fails_just_now() -> None:
    activity = ActivityBackend()
    activity.failures = [InvalidArgument("since", "is odd"), Overloaded()]
    async with channel_to(activity) as channel:
        with pytest.raises(Refused, match="since: is odd"):
            await GrpcBehaviour(channel).counted(HOUR, 0)
        with pytest.raises(Overloaded):
            await GrpcBehaviour(channel).counted(HOUR, 0)


async def test_sessions_and_closures_are_dealt_with_in_portions() -> None:
    account = AccountBackend()
    async with channel_to(account) as channel:
        assert await GrpcLives(channel).purge_sessions(NOON) == Portion(5000, more=True)
        assert await GrpcLives(channel).end_closures() == Portion(2, more=False)
    purge, end = account.asked
    assert isinstance(purge, account_pb2.PurgeSessionsRequest)
    assert purge.before.ToDatetime(UTC) == NOON
    assert isinstance(end, account_pb2.EndClosuresRequest)


def test_a_kind_is_called_as_in_the_contract_and_a_newer_one_by_its_number() -> None:
    assert kind_name(activity_pb2.ACTIVITY_KIND_SIGN_IN) == "SIGN_IN"
    assert kind_name(77) == "77"
