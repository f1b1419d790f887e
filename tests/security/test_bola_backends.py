"""Backends show and change nothing that is another's, whoever it is that the gateway asks for."""

import asyncio
from dataclasses import replace

import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.text_format import MessageToString

from loaders import open_clients
from schema.errcode import AtriumError, PermissionDenied, Unauthenticated
from schema.generated.account.v1 import account_pb2
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.activity.v1.activity_pb2 import ActivityPage
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import FeedKey, Identity
from services.runtime.telemetry import Metrics
from services.runtime.trust import NAMES
from services.runtime.trust.admission import callers_of
from tests.security.marks import Person, leaks, secret_text
from tests.security.rpcs import CONTRACTS, JSON, OWN, READS, STAFFS, call, methods, methods_at, path_of, refusal_of
from tests.security.stores import changed, kept
from tests.security.town import SECRET_KINDS, Town

pytestmark = pytest.mark.asyncio(loop_scope="package")

METHODS = dict(methods())
TARGETS = (1, 2, 5, 7, 999_999)
GUEST = {"account_type": identity_pb2.ACCOUNT_TYPE_GUEST}


async def viewers(town: Town) -> dict[Person, JSON]:
    """Everybody who is no staff, as backends know them: by the sessions, as the gateway learns it."""
    people = [one for one in town.people if not one.is_staff]
    request = account_pb2.BatchVerifySessionsRequest(tokens=[one.token for one in people])
    verified = await AccountServiceStub(town.centre.channels["account"]).BatchVerifySessions(request)
    known = [MessageToDict(one.viewer, preserving_proto_field_name=True) for one in verified.sessions]
    return {town.person(0): GUEST, **dict(zip(people, known, strict=True))}


async def ask(town: Town, name: str, words: JSON) -> str:
    """All that the backend says to it, as text: to the gateway, or to the admin backend if the gateway may not ask."""
    method, backend = METHODS[name], name.partition(".")[0]
    may_ask = callers_of(path_of(method))
    channels = town.centre.channels if "gateway" in may_ask else town.centre.desk
    messages = await call(channels[backend], method, words)
    return "".join(MessageToString(message, as_utf8=True) for message in messages)


async def refusal(town: Town, name: str, words: JSON) -> tuple[type[AtriumError], str]:
    with pytest.raises(AtriumError) as caught:
        await ask(town, name, words)
    return type(caught.value), caught.value.message


async def test_every_question_for_somebody_is_asked() -> None:
    assert sorted(METHODS) == sorted([*READS, *STAFFS, *OWN])


@pytest.mark.parametrize("name", READS)
async def test_an_answer_is_for_whoever_asks(town: Town, name: str) -> None:
    secrets = [int(one.removeprefix("act_")) for one in town.secrets.values()]
    targets = secrets if "Activities" in name else TARGETS
    for person, viewer in (await viewers(town)).items():
        for target in targets:
            told = await ask_or_nothing(town, name, READS[name](viewer, target))
            assert leaks(town.marks, person, told) == []


async def test_what_is_ones_own_is_told(town: Town) -> None:
    ada, as_ada = town.person(1), (await viewers(town))[town.person(1)]
    words = READS["account.BatchGetPrivateAttributes"](as_ada, ada.account_id)
    assert town.birthdays[1] in await ask(town, "account.BatchGetPrivateAttributes", words)
    words = READS["activity.BatchListOwnActivities"](as_ada, ada.account_id)
    assert secret_text(1, SECRET_KINDS[0]) in await ask(town, "activity.BatchListOwnActivities", words)


async def ask_or_nothing(town: Town, name: str, words: JSON) -> str:
    """What is said to it, or that somebody has to sign in."""
    try:
        return await ask(town, name, words)
    except Unauthenticated as error:
        return error.message


@pytest.mark.parametrize("name", STAFFS)
async def test_what_is_for_staff_is_refused_to_others(town: Town, name: str) -> None:
    before = kept(town.folder)
    for person, viewer in (await viewers(town)).items():
        others = [target for target in TARGETS if target != person.account_id]
        told = {await refusal(town, name, STAFFS[name](viewer, target)) for target in others}
        assert len(told) == 1
        assert {kind for kind, _ in told} <= {PermissionDenied, Unauthenticated}
    assert changed(before, kept(town.folder)) == {}


@pytest.mark.parametrize("name", METHODS)
async def test_nobody_is_asked_for_in_the_name_of_another(town: Town, name: str) -> None:
    before, known = kept(town.folder), await viewers(town)
    ada, other = known[town.person(1)], known[town.person(5)]
    staff = {"account_id": 4, "account_type": "ACCOUNT_TYPE_STAFF"}
    unproven = {name: value for name, value in other.items() if name != "assertion"}
    for forged in (unproven, staff, ada | unproven, ada | staff, ada | {"account_type": "ACCOUNT_TYPE_STAFF"}):
        words = (READS | STAFFS | OWN)[name](forged, 5)
        beside = _beside(ada, name, words)
        assert (await refusal(town, name, words))[0] is Unauthenticated
        assert (await refusal(town, name, beside))[0] is Unauthenticated
    assert changed(before, kept(town.folder)) == {}


def _beside(viewer: JSON, name: str, words: JSON) -> JSON:
    """The request after one of somebody who is proven, where it has room for two."""
    proven = (READS | STAFFS | OWN)[name](viewer, 5)
    return {part: proven[part] + asked if isinstance(asked, list) else asked for part, asked in words.items()}


@pytest.mark.parametrize("backend", CONTRACTS)
async def test_every_backend_refuses_each_process_that_its_method_does_not_name(town: Town, backend: str) -> None:
    trust, address = town.centre.trust, town.centre.sockets.of(backend)
    before, ends = kept(town.folder), {}
    async with grpc.aio.insecure_channel(address) as channel:
        for method in methods_at(backend):
            for name in sorted({*NAMES} - callers_of(path_of(method))):
                proof = trust.caller(name).proof(backend, path_of(method))
                ends[method.name, name] = await refusal_of(channel, method, proof)
            ends[method.name, "stranger"] = await refusal_of(channel, method, "-")
    allowed = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}
    assert {asked: code for asked, code in ends.items() if code not in allowed} == {}
    assert len(ends) > len(NAMES) / 2
    assert changed(before, kept(town.folder)) == {}


async def test_a_viewer_who_is_not_proved_spoils_nobodys_answer(town: Town) -> None:
    known = [ParseDict(words, identity_pb2.Viewer()) for words in (await viewers(town)).values()]
    *proved, last = (Identity(one.account_id, one.account_type, one.assertion) for one in known)
    forged = [replace(proved[1], account_id=8), replace(last, assertion="")]
    metrics = Metrics()
    async with open_clients(town.centre.channels, metrics) as clients:
        asked = [clients.loaders().feed.load(FeedKey(viewer, 3, "")) for viewer in (*forged, *proved)]
        told = await asyncio.gather(*asked, return_exceptions=True)
    assert metrics.registry.get_sample_value("atrium_loader_batch_size_sum", {"loader": "feed"}) == len(told)
    assert [type(answer) for answer in told[:2]] == [Unauthenticated] * 2
    assert {type(answer) for answer in told[2:]} == {ActivityPage}


@pytest.mark.parametrize("name", OWN)
async def test_a_guest_owns_nothing_to_change(town: Town, name: str) -> None:
    before = kept(town.folder)
    assert (await refusal(town, name, OWN[name](GUEST, 5)))[0] is Unauthenticated
    assert changed(before, kept(town.folder)) == {}
