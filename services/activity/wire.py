"""The activity backend put together."""

import grpc.aio

from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from services.activity.biz import Activities, Follows
from services.activity.data import METADATA, SqlActivityStore, SqlFollowStore
from services.activity.demo import count_demo, load_demo
from services.activity.service import ActivityServicer
from services.runtime.backend import Backend, Resources


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    activities = Activities(SqlActivityStore(resources.database), resources.ids, resources.clock)
    follows = Follows(SqlFollowStore(resources.database), resources.clock)
    activity_pb2_grpc.add_ActivityServiceServicer_to_server(ActivityServicer(activities, follows), server)


BACKEND = Backend(
    name="activity",
    service=activity_pb2.DESCRIPTOR.services_by_name["ActivityService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
)
"""The backend as a process runs it."""
