"""How the task backend is called: by a clock, by people at the shell, and over gRPC."""

from services.task.service.hand import HandSteps
from services.task.service.messages import TaskServicer
from services.task.service.scheduler import Scheduler

__all__ = ["HandSteps", "Scheduler", "TaskServicer"]
