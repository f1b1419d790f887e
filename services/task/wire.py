"""The task backend put together."""

import grpc.aio

from schema.generated.task.v1 import task_pb2, task_pb2_grpc
from services.runtime.backend import Attached, Backend, Resources
from services.runtime.settings import Addresses
from services.task.biz import Outcome, Reports, Rollup, Runs, all_tasks
from services.task.data import (
    METADATA,
    FileReports,
    GrpcBehaviour,
    GrpcLives,
    GrpcStores,
    HttpReports,
    SqlHistory,
    SqlRollupRepo,
    lead_of,
)
from services.task.service import Scheduler, TaskServicer
from services.task.service.durable import Durable
from services.task.service.scheduler import ScheduledRuns


def attach(server: grpc.aio.Server, resources: Resources) -> Attached:
    """Builds the backend on the resources and adds its servicer to the server; the schedules run beside it."""
    runs = runs_of(resources)
    task_pb2_grpc.add_TaskServiceServicer_to_server(TaskServicer(history_of(resources)), server)
    if not resources.settings.schedules.enabled:
        return Attached()
    return Attached(servers=[scheduler_of(resources, runs)])


def history_of(resources: Resources) -> SqlHistory:
    """What is known of runs."""
    return SqlHistory(resources.database, resources.clock)


def runs_of(resources: Resources) -> Runs:
    """The tasks on these resources, each ready to be run."""

    def counted(task: str, outcome: Outcome) -> None:
        resources.metrics.task_runs.labels(task, outcome.value).inc()

    history = history_of(resources)
    tasks = all_tasks(
        GrpcBehaviour(resources.channels["activity"]),
        SqlRollupRepo(resources.database),
        reports_of(resources),
        GrpcLives(resources.channels["account"]),
        GrpcStores(resources.channels),
        history,
    )
    return Runs(tasks, history, counted)


def reports_of(resources: Resources) -> Reports:
    """Where reports go, as the settings say."""
    url = resources.settings.report_url
    if url is None:
        return FileReports(resources.settings.data / "reports")
    from services.runtime.http import open_http  # Its library costs a start much; few starts need it.

    return HttpReports(url, open_http)


def scheduler_of(resources: Resources, runs: Runs) -> Scheduler:
    """The clock that runs the tasks."""
    crons = resources.settings.schedules.by_task()
    schedules = Durable(schedule_url(resources), crons, ScheduledRuns(runs), runs.retried)
    rollups = [name for name, task in runs.tasks.items() if isinstance(task, Rollup) and name in crons]
    return Scheduler(lead_of(resources.database.engine), schedules, history_of(resources), resources.clock, rollups)


def schedule_url(resources: Resources) -> str:
    """Where schedules and steps are kept: beside the store of the backend."""
    url = resources.database.engine.url
    if url.get_backend_name() == "sqlite":
        # A file of its own: whoever writes to one of them does not wait for the other.
        return f"sqlite:///{url.database}.schedule"
    return url.render_as_string(hide_password=False)


BACKEND = Backend(
    name="task",
    service=task_pb2.DESCRIPTOR.services_by_name["TaskService"].full_name,
    metadata=METADATA,
    attach=attach,
    asks=tuple(Addresses.model_fields),
)
"""The backend as a process runs it."""
