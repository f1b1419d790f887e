"""Where histories and errands are kept, and the backends that errands are done in."""

from services.job.data.backends import GrpcBackends
from services.job.data.errands import SqlErrandStore
from services.job.data.ledger import SqlLedger
from services.job.data.records import SqlRecords
from services.job.data.tables import INBOX, METADATA

__all__ = ["INBOX", "METADATA", "GrpcBackends", "SqlErrandStore", "SqlLedger", "SqlRecords"]
