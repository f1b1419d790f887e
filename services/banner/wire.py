"""The banner backend put together."""

import grpc.aio

from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from services.banner.biz import Banners
from services.banner.data import METADATA, RedisCounters, SqlBannerRepo
from services.banner.demo import count_demo, load_demo
from services.banner.service import BannerServicer
from services.runtime.backend import Backend, Resources


def attach(server: grpc.aio.Server, resources: Resources) -> None:
    """Builds the backend on the resources and adds its servicer to the server."""
    banners = Banners(SqlBannerRepo(resources.database), RedisCounters(resources.cache), resources.clock)
    banner_pb2_grpc.add_BannerServiceServicer_to_server(BannerServicer(banners), server)


BACKEND = Backend(
    name="banner",
    service=banner_pb2.DESCRIPTOR.services_by_name["BannerService"].full_name,
    metadata=METADATA,
    attach=attach,
    load_demo=load_demo,
    count_demo=count_demo,
)
"""The backend as a process runs it."""
