"""What jobs ask of other backends, over gRPC."""

from collections.abc import Mapping

import grpc.aio
import pytest

from schema import errcode
from services.job.biz.ports import Rows
from services.job.data import GrpcBackends
from services.runtime.channels import open_channels
from services.runtime.telemetry import Metrics
from tests.conftest import free_port
from tests.open_doors import Stranger
from tests.services.job.examples import ADA, BO
from tests.services.job.fakes import World

Channels = Mapping[str, grpc.aio.Channel]


async def test_rows_and_counters_are_told_by_direction(channels: Channels, world: World) -> None:
    backends = GrpcBackends(channels)
    world.miscounted[ADA] = 2
    assert await backends.rows_of(ADA) == Rows(activities=3, followers=2, following=3)
    assert await backends.follow_counts(ADA) == (4, 3)
    assert [await backends.grants_of(account_id) for account_id in (ADA, BO, 99)] == [2, 2, 0]


async def test_data_moves_from_source_to_target(channels: Channels, world: World) -> None:
    backends = GrpcBackends(channels)
    assert [await backends.move_follows(ADA, BO, 3) for _ in range(3)] == [3, 2, 0]
    assert [await backends.move_activities(ADA, BO, 2) for _ in range(3)] == [2, 1, 0]
    assert [await backends.move_grants(ADA, BO) for _ in range(2)] == [2, 0]
    assert [await backends.move_sessions(ADA, BO) for _ in range(2)] == [2, 0]
    assert (await world.rows_of(ADA), ADA in world.grants) == (Rows(0, 0, 0), False)
    assert set(world.sessions.values()) == {BO}
    await backends.finish_merge(ADA, BO, 4, "they are one")
    assert world.merged == {ADA: (BO, 4, "they are one")}


async def test_rows_are_erased_in_portions(channels: Channels) -> None:
    assert [await GrpcBackends(channels).erase(ADA, 5) for _ in range(3)] == [5, 3, 0]


async def test_a_backend_that_is_away_is_an_error_of_the_catalogue() -> None:
    addresses = dict.fromkeys(("account", "activity", "permission"), f"127.0.0.1:{free_port()}")
    async with open_channels(addresses, Metrics(), Stranger()) as channels:
        with pytest.raises(errcode.BackendUnavailable, match="the activity backend is unavailable"):
            await GrpcBackends(channels).move_follows(ADA, BO, 1)
