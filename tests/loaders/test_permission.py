from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_GUEST, ACCOUNT_TYPE_PERSONAL, Viewer
from schema.generated.permission.v1 import permission_pb2 as pb
from schema.graphql.ports import GUEST, Identity, PermissionKey
from tests.loaders.conftest import MakeClients
from tests.loaders.fakes import channels

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
ADA_MESSAGE = Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL)
GUEST_MESSAGE = Viewer(account_id=0, account_type=ACCOUNT_TYPE_GUEST)


async def test_features_are_told_apart_by_viewer(clients: MakeClients) -> None:
    answer = pb.BatchListFeaturesResponse.Answer
    orders, help_page = pb.Feature(key="orders"), pb.Feature(key="help")
    reply = pb.BatchListFeaturesResponse(
        answers=[answer(viewer=GUEST_MESSAGE, features=[help_page]), answer(viewer=ADA_MESSAGE, features=[orders])]
    )
    channel, everywhere = channels(BatchListFeatures=lambda _: reply)
    found = await clients(everywhere).loaders().features.load_many([ADA, GUEST, ADA])
    assert found == [(orders,), (help_page,), (orders,)]
    assert channel.calls == [("BatchListFeatures", pb.BatchListFeaturesRequest(viewers=[ADA_MESSAGE, GUEST_MESSAGE]))]


async def test_a_permission_that_is_not_answered_is_denied(clients: MakeClients) -> None:
    answer = pb.BatchCheckPermissionsResponse.Answer(viewer=ADA_MESSAGE, permission="activity.publish", allowed=True)
    channel, everywhere = channels(BatchCheckPermissions=lambda _: pb.BatchCheckPermissionsResponse(answers=[answer]))
    keys = [PermissionKey(ADA, "activity.publish"), PermissionKey(GUEST, "activity.publish")]
    assert await clients(everywhere).loaders().permission.load_many(keys) == [True, False]
    ask = pb.BatchCheckPermissionsRequest.Question
    questions = [ask(viewer=viewer, permission="activity.publish") for viewer in (ADA_MESSAGE, GUEST_MESSAGE)]
    assert channel.calls == [("BatchCheckPermissions", pb.BatchCheckPermissionsRequest(questions=questions))]
