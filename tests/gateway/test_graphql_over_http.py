"""What the audits of graphql-http ask of a server (https://github.com/graphql/graphql-http), under their numbers."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx

from tests.gateway.conftest import House

JSON, GRAPHQL = "application/json", "application/graphql-response+json"
TYPENAME, UNKNOWN = {"query": "{ __typename }"}, {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}
TYPE = {"query": "query Type($name: String!) { __type(name: $name) { name } }", "variables": {"name": "sometype"}}
NAMED = {"query": "query Query { __typename }", "operationName": "Query"}
NOT_COERCED = {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}
EXTENDED = TYPENAME | {"extensions": {"some": "value"}}
FINE, REFUSED = {200}, {400}
CLIENT_ERROR = range(400, 500)
NO_STRINGS, NO_MAPS = ({"obj": "ect"}, 0, False, ["array"]), ("string", 0, False, ["array"])


@dataclass(frozen=True)
class Audit:
    """What is sent, and what must come back."""

    body: Any = None
    statuses: Collection[int] = frozenset(FINE)
    accept: str | None = None
    kind: str | None = JSON
    """Type of the content; None for none."""
    get: dict[str, str] | None = None
    """What stands in the address, for a GET."""
    answered_as: str = ""
    fine: bool = False
    """Whether there must be no errors."""
    without_data: bool = False

    async def ask(self, http: httpx.AsyncClient) -> httpx.Response:
        """The response."""
        headers = {"accept": self.accept} if self.accept else {}
        if self.get is not None:
            return await http.get("/graphql", params=self.get, headers=headers)
        if self.kind:
            headers["content-type"] = self.kind
        return await http.post("/graphql", content=self._content(), headers=headers)

    def _content(self) -> bytes:
        """The body as JSON; a text as it is."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return b"" if self.body is None else text.encode()

    def problem(self, response: httpx.Response) -> str:
        """What is not as it should be; empty for nothing."""
        answer = response.json()
        wrong = {
            f"status {response.status_code}": response.status_code not in self.statuses,
            response.headers["content-type"]: self.answered_as not in response.headers["content-type"],
            "errors": self.fine and "errors" in answer,
            "data": self.without_data and "data" in answer,
        }
        return ", ".join(name for name, is_wrong in wrong.items() if is_wrong)


def each(number: str, parameter: str, values: Collection[Any]) -> dict[str, Audit]:
    """A value of a wrong type for a parameter."""
    return {f"{number}{at}": Audit(TYPENAME | {parameter: one}, REFUSED) for at, one in enumerate(values)}


AUDITS = {
    "22EB": Audit(TYPENAME, accept=GRAPHQL, answered_as=GRAPHQL),
    "4655": Audit(TYPENAME, accept=JSON, answered_as=JSON),
    "47DE": Audit(TYPENAME, accept="*/*", answered_as=JSON),
    "80D8": Audit(TYPENAME, answered_as=JSON),
    "82A3": Audit(TYPENAME, answered_as="charset=utf-8"),
    "BF61": Audit({"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}, kind=f"{JSON}; charset=utf-8"),
    "78D5, 2C94, 03D4": Audit(TYPENAME),
    "5A70": Audit(get=TYPENAME),
    "9C48": Audit(get={"query": "mutation { __typename }"}, statuses=CLIENT_ERROR, accept=GRAPHQL),
    "9ABE": Audit(TYPENAME, CLIENT_ERROR, kind=None),
    "A5BF": Audit(None, REFUSED),
    "423L": Audit({"notquery": "{ __typename }"}, REFUSED, accept=GRAPHQL),
    **each("LKJ", "query", NO_STRINGS),
    "34A2": Audit(TYPENAME, accept=GRAPHQL),
    "13EE": Audit(TYPENAME, accept=JSON, fine=True),
    **each("6C0", "operationName", NO_STRINGS),
    "8161": Audit(NAMED, accept=GRAPHQL),
    "B8B3": Audit(NAMED, accept=JSON, fine=True),
    **{
        f"{number}{at}": Audit(TYPENAME | {name: None}, accept=accept, fine=True)
        for number, accept in (("94B", GRAPHQL), ("022", JSON))
        for at, name in enumerate(("variables", "operationName", "extensions"))
    },
    **each("476", "variables", NO_MAPS),
    "2EA1": Audit(TYPE, accept=GRAPHQL),
    "28B9": Audit(TYPE, accept=JSON, fine=True),
    "D6D5": Audit(get={"query": str(TYPE["query"]), "variables": '{"name": "sometype"}'}, accept=GRAPHQL, fine=True),
    "6A70": Audit(get={"query": str(TYPE["query"]), "variables": '{"name": "sometype"}'}, accept=JSON, fine=True),
    **each("58B", "extensions", NO_MAPS),
    "428F": Audit(EXTENDED, accept=GRAPHQL),
    "1B7A": Audit(EXTENDED, accept=JSON, fine=True),
    "B6DC, BCF8": Audit('{ "not a JSON', REFUSED, accept=JSON),
    "B7N8": Audit('{ "not a JSON', REFUSED, accept=GRAPHQL),
    "8764, 3E3A": Audit({"qeury": "{ __typename }"}, REFUSED),
    "572B": Audit({"query": "{"}, accept=JSON),
    "FDE2": Audit(UNKNOWN, accept=JSON),
    "7B9B": Audit(NOT_COERCED, accept=JSON),
    "865D, 556A, D586": Audit({"query": "{"}, REFUSED, accept=GRAPHQL, without_data=True),
    "51FE, 74FF, 5E5B": Audit(UNKNOWN, REFUSED, accept=GRAPHQL, without_data=True),
    "86EE": Audit(NOT_COERCED, REFUSED, accept=GRAPHQL),
}


async def test_all_audits_pass(house: House) -> None:
    assert sum(len(numbers.split(", ")) for numbers in AUDITS) == 61
    problems = {numbers: audit.problem(await audit.ask(house.http)) for numbers, audit in AUDITS.items()}
    assert {numbers: found for numbers, found in problems.items() if found} == {}


async def test_in_production_nothing_is_left_out_but_introspection_and_operations_in_addresses(house_with: Any) -> None:
    async with house_with(production=True) as house:
        problems = {numbers: audit.problem(await audit.ask(house.http)) for numbers, audit in AUDITS.items()}
    assert {numbers for numbers, found in problems.items() if found} == {"5A70", "2EA1", "28B9", "D6D5", "6A70"}
