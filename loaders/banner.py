"""What is asked of the banner backend."""

from collections.abc import Hashable, Mapping
from functools import partial

import grpc.aio

from loaders.batching import Question, declared_scope, from_viewer, to_viewer
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1.banner_pb2_grpc import BannerServiceStub
from schema.graphql.ports import BannersKey

BACKEND = "banner"
_scope = partial(declared_scope, pb.DESCRIPTOR)


class BannerQuestions:
    """The questions to the banner backend."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = BannerServiceStub(channel)
        self.banners = Question[BannersKey, tuple[pb.Banner, ...]](
            "banners",
            BACKEND,
            self._banners,
            missing=(),
            scope=_scope("BatchListBanners"),
        )

    async def _banners(self, keys: list[BannersKey]) -> Mapping[Hashable, tuple[pb.Banner, ...]]:
        ask = pb.BatchListBannersRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), slot=key.slot) for key in keys]
        reply = await self._stub.BatchListBanners(pb.BatchListBannersRequest(questions=questions))
        return {BannersKey(from_viewer(answer.viewer), answer.slot): tuple(answer.banners) for answer in reply.answers}
