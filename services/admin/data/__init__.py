"""The backends that the desk asks, over gRPC, and its audit in a SQL database."""

from services.admin.data.accounts import GrpcAccounts
from services.admin.data.audits import INBOX, METADATA, SqlAuditLog, audit_table, forget_in
from services.admin.data.backends import GrpcActivities, GrpcJobs, GrpcPermissions

__all__ = [
    "INBOX",
    "METADATA",
    "GrpcAccounts",
    "GrpcActivities",
    "GrpcJobs",
    "GrpcPermissions",
    "SqlAuditLog",
    "audit_table",
    "forget_in",
]
