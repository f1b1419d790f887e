"""Every batch RPC declares on what its answers depend, and questions keep to it."""

from functools import partial
from typing import Any, NamedTuple, cast

import grpc.aio
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from loaders.account import AccountQuestions
from loaders.activity import ActivityQuestions
from loaders.banner import BannerQuestions
from loaders.batching import Question, declared_scope
from loaders.permission import PermissionQuestions
from schema.generated.banner.v1.banner_pb2 import BANNER_SLOT_HOME_TOP as TOP
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_CREATOR, ACCOUNT_TYPE_PERSONAL, Viewer
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_UNSPECIFIED, SCOPE_VIEWER
from schema.graphql.ports import (
    ActivityKey,
    BannersKey,
    ClosuresKey,
    FeedKey,
    Identity,
    PermissionKey,
    PrivateKey,
    SuggestionsKey,
)
from services.backends import BACKENDS
from tests.loaders.fakes import FakeChannel

POOL = descriptor_pool.Default()
RPCS: dict[str, MethodDescriptor] = {
    method.full_name: method
    for backend in BACKENDS.values()
    for method in POOL.FindServiceByName(backend.service).methods
}
BATCHES = {name: method for name, method in RPCS.items() if method.name.startswith("Batch")}
ADA, BO = Identity(1, ACCOUNT_TYPE_PERSONAL), Identity(2, ACCOUNT_TYPE_CREATOR)


def scope_of(rpc: MethodDescriptor) -> int:
    return declared_scope(rpc.containing_service.file, rpc.name)


def viewers_in(rpc: MethodDescriptor) -> bool:
    """Whether each question of a request names a viewer."""
    [questions] = rpc.input_type.fields
    asked = questions.message_type
    parts = [] if asked is None else [asked, *(field.message_type for field in asked.fields)]
    return Viewer.DESCRIPTOR in parts


@pytest.mark.parametrize("name", BATCHES)
def test_every_batch_rpc_declares_what_its_answers_depend_on(name: str) -> None:
    assert scope_of(BATCHES[name]) != SCOPE_UNSPECIFIED


@pytest.mark.parametrize("name", sorted(RPCS.keys() - BATCHES.keys()))
def test_no_other_rpc_does(name: str) -> None:
    assert scope_of(RPCS[name]) == SCOPE_UNSPECIFIED


@pytest.mark.parametrize("name", BATCHES)
def test_where_answers_depend_on_the_viewer_each_question_names_one(name: str) -> None:
    assert viewers_in(BATCHES[name]) == (scope_of(BATCHES[name]) == SCOPE_VIEWER)


class Asked(NamedTuple):
    """A question, and keys of two viewers for it."""

    question: Question[Any, Any]
    ada: Any
    bo: Any


def asked(channel: grpc.aio.Channel) -> dict[str, Asked]:
    account, permission = AccountQuestions(channel), PermissionQuestions(channel)
    activity, banner = ActivityQuestions(channel), BannerQuestions(channel)
    found = [
        Asked(account.account_by_id, 1, 2),
        Asked(account.account_by_handle, "ada", "bo"),
        Asked(account.private_attributes, PrivateKey(ADA, 7), PrivateKey(BO, 7)),
        Asked(account.team, 1, 2),
        Asked(account.pending_closures, ClosuresKey(ADA, 7), ClosuresKey(BO, 7)),
        Asked(account.session_by_token, "a", "b"),
        Asked(permission.features, ADA, BO),
        Asked(permission.permission, PermissionKey(ADA, "p"), PermissionKey(BO, "p")),
        Asked(banner.banners, BannersKey(ADA, TOP), BannersKey(BO, TOP)),
        Asked(activity.activity, ActivityKey(ADA, 7), ActivityKey(BO, 7)),
        Asked(activity.feed, FeedKey(ADA, 7, ""), FeedKey(BO, 7, "")),
        Asked(activity.own_activities, FeedKey(ADA, 7, ""), FeedKey(BO, 7, "")),
        Asked(activity.follow_counts, 1, 2),
        Asked(activity.audience, 1, 2),
        Asked(activity.suggestions, SuggestionsKey(1, 7), SuggestionsKey(2, 7)),
    ]
    all_questions = {
        id(question)
        for questions in (account, permission, activity, banner)
        for question in vars(questions).values()
        if isinstance(question, Question)
    }
    assert {id(one.question) for one in found} == all_questions
    return {one.question.name: one for one in found}


def empty_reply(rpc: MethodDescriptor, _request: object) -> object:
    return GetMessageClass(rpc.output_type)()


NAMES = tuple(asked(cast(grpc.aio.Channel, FakeChannel({}))))


@pytest.mark.parametrize("name", NAMES)
async def test_a_question_has_the_scope_of_the_one_rpc_that_it_asks(name: str) -> None:
    channel = FakeChannel({method.name: partial(empty_reply, method) for method in BATCHES.values()})
    one = asked(cast(grpc.aio.Channel, channel))[name]
    await one.question.answered([one.ada, one.bo])
    [(rpc, _)] = channel.calls
    [declared] = [scope_of(method) for method in BATCHES.values() if method.name == rpc]
    assert one.question.scope == declared


@pytest.mark.parametrize("name", NAMES)
def test_what_is_echoed_tells_viewers_apart(name: str) -> None:
    one = asked(cast(grpc.aio.Channel, FakeChannel({})))[name]
    assert one.question.echo(one.ada) != one.question.echo(one.bo)
