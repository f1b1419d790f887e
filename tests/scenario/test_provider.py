"""An identity provider outside lets its people in, by every transport alike, and nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.runtime.web import WebServer, listen
from tests.conftest import HandClock
from tests.gateway.push.client import connected
from tests.scenario.centre import Centre, open_centre
from tests.scenario.visitor import ME, PUBLISH, RENAME, Visitor
from tests.services.account.issuer import NEXT, RSA, Issuer, settings, token

Ask = Callable[[Centre, str], Any]
SUSPEND = 'mutation ($id: ID!) { adminSuspendAccount(accountId: $id, reason: "spam") { status } }'


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(RSA)


@asynccontextmanager
async def published(issuer: Issuer) -> AsyncIterator[str]:
    """Where the issuer publishes its keys."""
    listening = listen("127.0.0.1", 0)
    server = WebServer(issuer.app, listening, lifespan="off")
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        await server.stop(1)


@pytest.fixture
async def centre(issuer: Issuer, tmp_path: Path, clock: HandClock) -> AsyncIterator[Centre]:
    async with (
        published(issuer) as url,
        open_centre(tmp_path / "data", clock, provider=settings(url, retry_seconds=0.01)) as opened,
    ):
        yield opened


async def by_http(centre: Centre, text: str) -> Any:
    return await centre.visitor.ask(ME, text)


async def by_socket(centre: Centre, text: str) -> Any:
    async with connected(centre.address) as subscriber:
        await subscriber.introduce(text)
        await subscriber.subscribe("1", ME)
        message = await subscriber.receive()
    return message["payload"] if message["type"] == "next" else {"errors": message["payload"]}


async def by_events(centre: Centre, text: str) -> Any:
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {text}"}
    async with httpx.AsyncClient(base_url=f"http://{centre.address}", timeout=60) as http:
        response = await http.post("/graphql", json={"query": ME}, headers=headers)
    [line] = [line for line in response.text.splitlines() if line.startswith("data: {")]
    return json.loads(line.removeprefix("data: "))


TRANSPORTS = {"http": by_http, "socket": by_socket, "events": by_events}


def code_of(answer: Any) -> int:
    [error] = answer["errors"]
    assert (answer.get("data") or {}).get("viewer") is None
    code: int = error["extensions"]["code"]
    return code


@pytest.mark.parametrize("how", TRANSPORTS)
async def test_whom_the_provider_names_is_let_in_and_nobody_else(how: str, centre: Centre) -> None:
    ask, now = TRANSPORTS[how], centre.clock().timestamp()
    for subject in ("1", "acc_1"):
        assert (await ask(centre, token(subject, now=now)))["data"] == {"viewer": {"account": {"handle": "ada"}}}
    refused = {
        "expired": token("1", now=now - 7200),
        "not yet": token("1", now=now, nbf=now + 60),
        "for another": token("1", now=now, aud="another"),
        "by another": token("1", now=now, iss="another"),
        "by another key": token("1", NEXT, now=now),
        "for nobody": token("acc_999", now=now),
        "for no id": token("ada", now=now),
        "for an id that no store can keep": token(f"acc_{2**63}", now=now),
        "too long": token("1", now=now, more="x" * 4000),
    }
    codes = {why: code_of(await ask(centre, text)) for why, text in refused.items()}
    assert codes == {**dict.fromkeys(refused, 4010100), "expired": 4010200}


async def test_who_comes_by_a_token_from_outside_acts_as_that_account_and_no_other(centre: Centre) -> None:
    visitor, now = centre.visitor, centre.clock().timestamp()
    ada, bo = token("1", now=now), token("2", now=now)
    renamed = await visitor.data(RENAME, ada, version=1, name="Ada N.")
    assert renamed["updateProfile"] == {"displayName": "Ada N.", "version": 2}
    assert (await visitor.data(PUBLISH, bo, text="hello"))["publishActivity"]["id"].startswith("act_")
    assert await visitor.code(SUSPEND, ada, id="acc_2") == 4030100
    staff = token("4", now=now)
    assert (await visitor.data(SUSPEND, staff, id="acc_1"))["adminSuspendAccount"] == {"status": "SUSPENDED"}
    assert code_of(await visitor.ask(ME, ada)) == 4030200
    assert await visitor.code(RENAME, ada, version=2, name="Ada") == 4030200


async def test_keys_may_change_and_the_issuer_may_be_away(centre: Centre, issuer: Issuer) -> None:
    visitor, now = centre.visitor, centre.clock().timestamp()
    await lets_in(visitor, token("1", now=now))
    issuer.status = 503
    await lets_in(visitor, token("1", now=now))
    assert code_of(await visitor.ask(ME, token("1", NEXT, now=now))) == 5030100
    issuer.status, issuer.keys = 200, [NEXT]
    await lets_in(visitor, token("1", NEXT, now=now))
    assert code_of(await visitor.ask(ME, token("1", now=now))) == 4010100


async def lets_in(visitor: Visitor, text: str) -> None:
    assert (await visitor.data(ME, text))["viewer"] == {"account": {"handle": "ada"}}


async def test_accounts_may_be_named_by_their_handles(issuer: Issuer, tmp_path: Path, clock: HandClock) -> None:
    now = clock().timestamp()
    async with published(issuer) as url:
        named = settings(url, retry_seconds=0.01, account_by="handle", claim="preferred_username")
        async with open_centre(tmp_path / "data", clock, provider=named) as centre:
            await lets_in(centre.visitor, token("x", now=now, preferred_username="ADA"))
            for name in ("nobody", "", "1", "ada\u0000", "x" * 500):
                assert code_of(await centre.visitor.ask(ME, token("x", now=now, preferred_username=name))) == 4010100


async def test_without_a_provider_no_token_from_outside_is_looked_at(tmp_path: Path, clock: HandClock) -> None:
    async with open_centre(tmp_path / "data", clock) as centre:
        assert code_of(await centre.visitor.ask(ME, token("1", now=clock().timestamp()))) == 4010100
        session = await centre.visitor.sign_in("ada", "atrium-demo")
        await lets_in(centre.visitor, session)
