"""The permission backend put together."""

import grpc.aio

from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.permission.biz import Permissions
from services.permission.data import METADATA, SqlRuleRepo
from services.permission.demo import count_demo, load_demo
from services.permission.service import PermissionServicer
from services.runtime.backend import Backend, Resources


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    permissions = Permissions(SqlRuleRepo(resources.database))
    permission_pb2_grpc.add_PermissionServiceServicer_to_server(PermissionServicer(permissions), server)


BACKEND = Backend(
    name="permission",
    service=permission_pb2.DESCRIPTOR.services_by_name["PermissionService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
)
"""The backend as a process runs it."""
