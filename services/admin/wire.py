"""The admin backend put together."""

from collections.abc import Sequence

import grpc.aio

from schema.generated.admin.v1 import admin_pb2, admin_pb2_grpc
from services.admin.biz import Accounts, Activities, Desk, Grants, History, Merges, Overview
from services.admin.data import (
    INBOX,
    METADATA,
    GrpcAccounts,
    GrpcActivities,
    GrpcJobs,
    GrpcPermissions,
    SqlAuditLog,
    forget_in,
)
from services.admin.service import AdminServicer, Erasure, Office
from services.runtime.backend import Backend, Resources
from services.runtime.consumer import Consumer


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    admin_pb2_grpc.add_AdminServiceServicer_to_server(AdminServicer(office(resources)), server)


def office(resources: Resources) -> Office:
    """All that staff can do, through the other backends."""
    channels, log = resources.channels, SqlAuditLog(resources.database)
    accounts, permissions = GrpcAccounts(channels["account"]), GrpcPermissions(channels["permission"])
    activities, jobs = GrpcActivities(channels["activity"]), GrpcJobs(channels["job"])
    desk = Desk(permissions, log, resources.clock)
    return Office(
        accounts=Accounts(desk, accounts),
        overview=Overview(desk, accounts, permissions, activities, jobs),
        grants=Grants(desk, accounts, permissions),
        merges=Merges(desk, accounts, permissions, activities, jobs),
        activities=Activities(desk, activities),
        history=History(desk, jobs, log),
    )


def consumers(_resources: Resources) -> Sequence[Consumer]:
    """What it listens to."""
    return [Erasure(forget_in).consumer()]


BACKEND = Backend(
    name="admin",
    service=admin_pb2.DESCRIPTOR.services_by_name["AdminService"].full_name,
    metadata=METADATA,
    attach=attach,
    inbox=INBOX,
    asks=("account", "permission", "activity", "job"),
    consumers=consumers,
)
"""The backend as a process runs it."""
