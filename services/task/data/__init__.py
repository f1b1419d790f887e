"""Where roll-ups and runs are kept, who is asked, who gets reports, and who leads."""

from services.task.data.backends import GrpcBehaviour, GrpcLives, GrpcStores
from services.task.data.history import SqlHistory
from services.task.data.lead import lead_of
from services.task.data.reports import FileReports, HttpReports
from services.task.data.rollups import SqlRollupRepo
from services.task.data.tables import METADATA, ROLLUP, RUN

__all__ = [
    "METADATA",
    "ROLLUP",
    "RUN",
    "FileReports",
    "GrpcBehaviour",
    "GrpcLives",
    "GrpcStores",
    "HttpReports",
    "SqlHistory",
    "SqlRollupRepo",
    "lead_of",
]
