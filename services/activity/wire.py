"""The activity backend put together."""

import grpc.aio

from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from services.activity.biz import Activities, Belongings, Follows
from services.activity.data import METADATA, OUTBOX, SqlActivityStore, SqlFollowStore, SqlHoldingStore
from services.activity.demo import count_demo, load_demo
from services.activity.service import ActivityServicer
from services.runtime.backend import Backend, Resources
from services.runtime.outbox import Outbox


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    database, clock = resources.database, resources.clock
    outbox = Outbox(OUTBOX, BACKEND.name, clock)
    servicer = ActivityServicer(
        Activities(SqlActivityStore(database, outbox), resources.ids, clock),
        Follows(SqlFollowStore(database, outbox), clock),
        Belongings(SqlHoldingStore(database, outbox)),
    )
    activity_pb2_grpc.add_ActivityServiceServicer_to_server(servicer, server)


BACKEND = Backend(
    name="activity",
    service=activity_pb2.DESCRIPTOR.services_by_name["ActivityService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
    outbox=OUTBOX,
)
"""The backend as a process runs it."""
