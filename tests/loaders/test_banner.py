from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_PERSONAL, Viewer
from schema.graphql.ports import BannersKey, Identity
from tests.loaders.conftest import MakeClients
from tests.loaders.fakes import channels

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
ADA_MESSAGE = Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL)


async def test_banners_are_told_apart_by_slot_and_keep_their_order(clients: MakeClients) -> None:
    shown = [pb.Banner(id=2), pb.Banner(id=1)]
    answer = pb.BatchListBannersResponse.Answer(viewer=ADA_MESSAGE, slot=pb.BANNER_SLOT_HOME_FEED, banners=shown)
    channel, everywhere = channels(BatchListBanners=lambda _: pb.BatchListBannersResponse(answers=[answer]))
    keys = [BannersKey(ADA, pb.BANNER_SLOT_HOME_TOP), BannersKey(ADA, pb.BANNER_SLOT_HOME_FEED)]
    assert await clients(everywhere).loaders().banners.load_many(keys) == [(), tuple(shown)]
    questions = [pb.BatchListBannersRequest.Question(viewer=ADA_MESSAGE, slot=key.slot) for key in keys]
    assert channel.calls == [("BatchListBanners", pb.BatchListBannersRequest(questions=questions))]
