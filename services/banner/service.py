"""The banner contract over gRPC: messages in, the chosen banners out."""

from collections.abc import Iterable

from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from services.banner.biz import Banner, Banners, Question, Viewer
from services.runtime.server import Context


class BannerServicer(banner_pb2_grpc.BannerServiceServicer):
    """Answers batches; each answer echoes its question, so that a caller can index the reply by it."""

    def __init__(self, banners: Banners) -> None:
        self._banners = banners

    async def BatchListBanners(  # noqa: N802
        self, request: banner_pb2.BatchListBannersRequest, context: Context
    ) -> banner_pb2.BatchListBannersResponse:
        """One answer for each question that has something to show, in the order of the request."""
        chosen = await self._banners.choose(map(question_from_message, request.questions))
        answers = [answer_to_message(*pair) for pair in chosen.items()]
        return banner_pb2.BatchListBannersResponse(answers=answers)


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """The viewer of a request; the number of a type newer than this contract is kept."""
    return Viewer(account_id=message.account_id, account_type=message.account_type)


def viewer_to_message(viewer: Viewer) -> identity_pb2.Viewer:
    """The viewer as the caller wrote it."""
    account_type = identity_pb2.AccountType.ValueType(viewer.account_type)
    return identity_pb2.Viewer(account_id=viewer.account_id, account_type=account_type)


def question_from_message(message: banner_pb2.BatchListBannersRequest.Question) -> Question:
    """A question of a request."""
    return Question(viewer=viewer_from_message(message.viewer), slot=message.slot)


def answer_to_message(question: Question, banners: Iterable[Banner]) -> banner_pb2.BatchListBannersResponse.Answer:
    """What to show for one question."""
    return banner_pb2.BatchListBannersResponse.Answer(
        viewer=viewer_to_message(question.viewer),
        slot=banner_pb2.BannerSlot.ValueType(question.slot),
        banners=map(banner_to_message, banners),
    )


def banner_to_message(banner: Banner) -> banner_pb2.Banner:
    """The banner as callers see it: weight and cap stay inside."""
    return banner_pb2.Banner(
        id=banner.id,
        slot=banner_pb2.BannerSlot.ValueType(banner.slot),
        title=banner.title,
        image_url=banner.image_url,
        target_url=banner.target_url,
    )
