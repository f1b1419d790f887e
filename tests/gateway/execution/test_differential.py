"""Plans answer what graphql-core answers, over schemas, documents and faults made up by chance."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from graphql.execution.incremental import IncrementalExecutor

from gateway.execution import CompiledExecutor, Plans
from gateway.execution.executor import CompiledExecution
from gateway.execution.running import Execution
from tests.gateway.execution.differential import cases, compare
from tests.gateway.execution.fuzz import run

DOCUMENTS = 1250
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Lets what graphql-core leaves behind end here, not in another test."""
    yield
    gc.collect()


@pytest.mark.parametrize("seed", [1_000_000, 2_000_000, 3_000_000, 4_000_000])
async def test_plans_differ_from_graphql_core_in_nothing(seed: int) -> None:
    count, failures = await run(seed, seconds=120, documents=DOCUMENTS)
    assert failures == []
    assert count == DOCUMENTS


async def test_most_of_the_documents_run_plans() -> None:
    plans = Plans()

    class Counted(CompiledExecutor):
        pass

    Counted.plans = plans
    for case in cases(5, 100):
        await compare(case, Counted)
    assert (plans.compiled, plans.hits) == (100, 100)
    assert plans.interpreted.keys() <= {"async iterable"}


class ForgetsErrors(CompiledExecution, IncrementalExecutor):
    """Loses an error where null may stand."""

    def build_response(self, data: dict[str, Any] | None) -> Any:
        del self.collected_errors.errors[1:]
        return super().build_response(data)


class SwapsKeys(CompiledExecution, IncrementalExecutor):
    """Answers the fields of the root in another order."""

    def build_response(self, data: dict[str, Any] | None) -> Any:
        return super().build_response(data and dict(reversed(data.items())))


class TellsIntegersForBooleans(CompiledExecution, IncrementalExecutor):
    """Answers `1` for `true`."""

    def build_response(self, data: dict[str, Any] | None) -> Any:
        return super().build_response({key: 1 if value is True else value for key, value in (data or {}).items()})


@pytest.mark.parametrize("broken", [ForgetsErrors, SwapsKeys, TellsIntegersForBooleans])
async def test_a_planted_bug_is_found(broken: type[CompiledExecution]) -> None:
    found = [case for case in cases(7, 200) if await compare(case, broken)]
    assert len(found) > 0


async def test_a_planted_bug_in_null_propagation_is_found() -> None:
    class Nulls(Execution):
        def fail(self, error: Exception, field: Any, place: Any) -> Any:
            return super().fail(error, field, (*place[:4], False))

    class Broken(CompiledExecutor):
        execution_class = Nulls

    found = [case for case in cases(7, 200) if await compare(case, Broken)]
    assert len(found) > 0
