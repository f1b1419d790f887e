"""The account backend with its demo, and who asks it."""

from typing import Any

import pytest

from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from services.account.wire import BACKEND
from services.runtime.backend import Demo, Resources
from tests.conftest import MakeResources, Serve


@pytest.fixture
async def filled(make_resources: MakeResources) -> Resources:
    """The stores with sixty accounts of the demo."""
    made = await make_resources(BACKEND.metadata)
    await BACKEND.load_demo(made, Demo(accounts=60, report=lambda _rows: None))
    return made


@pytest.fixture
async def service(filled: Resources, serve: Serve) -> Any:
    """The account service on these stores."""
    return AccountServiceStub(await serve(BACKEND, filled))
