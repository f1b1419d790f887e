"""Steps of a run that somebody waits for."""

import pytest

from services.task.biz import Patience, Refused, StepFailed
from services.task.service import HandSteps


class Work:
    """Fails so many times, then answers."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.problems:
            raise self.problems.pop(0)
        return "done"


NOW = Patience(attempts=32, first_pause=0)


@pytest.fixture
def retried() -> list[str]:
    return []


@pytest.fixture
def steps(retried: list[str]) -> HandSteps:
    return HandSteps("clean-up", lambda told: None, retried.append)


async def test_a_step_answers_what_its_work_answers(steps: HandSteps, retried: list[str]) -> None:
    assert await steps.do("step", Work(), NOW) == "done"
    assert retried == []


async def test_a_step_that_fails_is_tried_again_and_counted(steps: HandSteps, retried: list[str]) -> None:
    work = Work(OSError("one"), OSError("two"))
    assert await steps.do("step", work, NOW) == "done"
    assert retried == ["clean-up", "clean-up"]


async def test_the_third_attempt_is_the_last(steps: HandSteps, retried: list[str]) -> None:
    work = Work(OSError("one"), OSError("two"), OSError("three\nwith details"))
    with pytest.raises(StepFailed, match=r"^step: three$"):
        await steps.do("step", work, NOW)
    assert (work.tries, retried) == (3, ["clean-up", "clean-up"])


async def test_what_is_refused_is_not_tried_again(steps: HandSteps, retried: list[str]) -> None:
    work = Work(Refused("not wanted"))
    with pytest.raises(StepFailed, match=r"^step: not wanted$"):
        await steps.do("step", work, NOW)
    assert (work.tries, retried) == (1, [])
