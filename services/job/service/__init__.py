"""How jobs are called: by events, by staff over gRPC, and by themselves to go on with errands."""

from services.job.service.rpc import JobServicer
from services.job.service.runner import Runner
from services.job.service.stream import History, Push

__all__ = ["History", "JobServicer", "Push", "Runner"]
