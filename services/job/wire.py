"""The job service put together."""

import uuid
from collections.abc import Sequence

import grpc.aio

from schema.generated.job.v1 import job_pb2, job_pb2_grpc
from services.job.biz.questions import Questions
from services.job.biz.worker import ErrandWorker
from services.job.data import INBOX, METADATA, GrpcBackends, SqlErrandStore, SqlLedger, SqlRecords
from services.job.service import History, JobServicer, Push, Runner
from services.runtime.backend import Attached, Backend, Resources
from services.runtime.consumer import Consumer


def attach(server: grpc.aio.Server, resources: Resources) -> Attached:
    """Builds the service on the resources and adds its servicer to the server; errands are done beside it."""
    database, clock = resources.database, resources.clock
    job_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(Questions(SqlRecords(database), clock)), server)
    store = SqlErrandStore(database)
    worker = ErrandWorker(store, GrpcBackends(resources.channels), clock, holder=str(uuid.uuid4()))
    return Attached(servers=[Runner(worker, store, clock, database.news)])


def consumers(resources: Resources) -> Sequence[Consumer]:
    """What it listens to."""
    return [History(SqlLedger).consumer(), Push(resources.cache).consumer()]


BACKEND = Backend(
    name="job",
    service=job_pb2.DESCRIPTOR.services_by_name["JobService"].full_name,
    metadata=METADATA,
    attach=attach,
    inbox=INBOX,
    asks=("account", "activity", "permission"),
    consumers=consumers,
)
"""The service as a process runs it."""
