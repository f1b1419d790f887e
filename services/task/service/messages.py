"""What the clock had done, told over gRPC."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.task.v1 import task_pb2, task_pb2_grpc
from services.runtime.server import Context
from services.task.biz import History, Origin, Outcome, Run

ORIGINS = {Origin.CLOCK: task_pb2.ORIGIN_CLOCK, Origin.HAND: task_pb2.ORIGIN_HAND}
OUTCOMES = {Outcome.OK: task_pb2.OUTCOME_OK, Outcome.FAILED: task_pb2.OUTCOME_FAILED}


class TaskServicer(task_pb2_grpc.TaskServiceServicer):
    """Answers with the history of runs."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def ListRuns(  # noqa: N802
        self, request: task_pb2.ListRunsRequest, context: Context
    ) -> task_pb2.ListRunsResponse:
        """The last runs, newest first."""
        runs = await self._history.latest(request.first, request.task or None)
        return task_pb2.ListRunsResponse(runs=[to_message(run) for run in runs])


def to_message(run: Run) -> task_pb2.Run:
    """The run as others read it."""
    return task_pb2.Run(
        id=run.id,
        task=run.task,
        period=run.period,
        origin=ORIGINS[run.origin],
        started_at=_timestamp(run.started_at),
        ended_at=_timestamp(run.ended_at) if run.ended_at else None,
        outcome=OUTCOMES[run.outcome] if run.outcome else task_pb2.OUTCOME_UNSPECIFIED,
        told=run.told,
    )


def _timestamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made
