"""The permission backend put together."""

import grpc.aio

from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.permission.biz import Grants, Permissions
from services.permission.data import METADATA, SqlGrantRepo, SqlRuleRepo, outbox_table
from services.permission.demo import count_demo, load_demo
from services.permission.service import PermissionServicer
from services.runtime.backend import Backend, Resources
from services.runtime.outbox import Outbox


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    permissions = Permissions(SqlRuleRepo(resources.database))
    grants = Grants(SqlGrantRepo(resources.database, Outbox(outbox_table, BACKEND.name, resources.clock)))
    permission_pb2_grpc.add_PermissionServiceServicer_to_server(PermissionServicer(permissions, grants), server)


BACKEND = Backend(
    name="permission",
    service=permission_pb2.DESCRIPTOR.services_by_name["PermissionService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
    outbox=outbox_table,
)
"""The backend as a process runs it."""
