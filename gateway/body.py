"""What a request asks for: its body or its address, read within the limits and checked before anything runs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import lru_cache
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request

from gateway.negotiation import MOST_REMEMBERED
from schema import errcode

FIELDS: tuple[tuple[str, type, str], ...] = (
    ("query", str, "a string"),
    ("documentId", str, "a string"),
    ("variables", dict, "an object"),
    ("operationName", str, "a string"),
    ("extensions", dict, "an object"),
)
"""What the JSON object may hold, each also null or left out."""
PLAIN_PARAMETERS = ("query", "documentId", "operationName")
"""What stands in an address as it is; the rest is JSON."""
NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|\{0+\})")

ENDLESS_NUMBER = re.compile(r"[0-9]{4300}")
"""Python refuses to read such a number; graphql-core does not expect that."""


class Refusal(Exception):
    """A request that is not a GraphQL request: the status to answer, and the error that says why."""

    def __init__(self, status: int, error: errcode.AtriumError, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})
        if error.retry_after:
            self.headers["retry-after"] = str(error.retry_after)


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request as the specification describes it."""

    query: str = field(repr=False)
    variables: dict[str, Any] = field(repr=False)
    name: str | None
    reads_only: bool = False
    """Whether it came in a way that promises to change nothing."""
    document_id: str | None = None
    """What the document is known by; the query may be empty then."""


async def read_operation(request: Request, most_bytes: int) -> Operation:
    """The operation in the request's body; raises Refusal."""
    check_content(request.headers)
    return parse_operation(await _read(request, most_bytes))


def check_content(headers: Headers) -> None:
    """Refuses every body that is not JSON in plain UTF-8."""
    problem = _problem_of(headers.get("content-type", ""), headers.get("content-encoding", "identity"))
    if problem is not None:
        raise Refusal(415, errcode.InvalidOperation(problem))


@lru_cache(maxsize=MOST_REMEMBERED)
def _problem_of(content_type: str, encoding: str) -> str | None:
    content = Message()
    content["content-type"] = content_type
    if not content_type or content.get_content_type() != "application/json":
        return "content-type: must be application/json"
    if str(content.get_param("charset", "utf-8")).lower() not in ("utf-8", "utf8"):
        return "content-type: the charset must be utf-8"
    return None if encoding.lower() == "identity" else "content-encoding: must be left out"


async def _read(request: Request, most_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and len(announced) < 20:
        _check_size(int(announced), most_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body), most_bytes)
    return bytes(body)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise Refusal(413, errcode.OperationTooLarge("body bytes", size, most), {"connection": "close"})


def parse_operation(body: bytes) -> Operation:
    """The operation that the JSON text holds; raises Refusal."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(f"the body is not JSON: {error.msg}") from error
    if not isinstance(document, dict):
        raise _malformed("the body must be a JSON object; batches are not served")
    # The bytes are searched first because hardly any request holds such an escape.
    if b"\\u" in body:
        check_texts(document)
    return operation_from(document)


def parse_query(parameters: Mapping[str, str]) -> Operation:
    """The operation that the query of an address holds, which may only read; raises Refusal."""
    document: dict[str, Any] = {name: parameters[name] for name in PLAIN_PARAMETERS if name in parameters}
    for name in ("variables", "extensions"):
        if parameters.get(name):
            document[name] = _parsed(name, parameters[name])
    check_texts(document)
    return replace(operation_from(document), reads_only=True)


def _parsed(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _malformed(f"{name}: is not JSON: {error.msg}") from error


def operation_from(document: dict[str, Any]) -> Operation:
    """The operation that a JSON object asks for; raises Refusal."""
    for name, kind, words in FIELDS:
        if not isinstance(document.get(name), kind | None):
            raise _malformed(f"{name}: must be {words}")
    query, document_id = document.get("query") or "", document.get("documentId") or _persisted(document)
    if not query and not document_id:
        raise _malformed("query: must be given and not empty")
    if ENDLESS_NUMBER.search(query):
        raise _malformed("query: a number has at most 4299 digits")
    variables = document.get("variables") or {}
    return Operation(query, variables, document.get("operationName"), document_id=document_id)


def _persisted(document: dict[str, Any]) -> str | None:
    """The id of the document as Apollo's clients tell it."""
    told = (document.get("extensions") or {}).get("persistedQuery")
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("version") != 1 or not isinstance(told.get("sha256Hash"), str):
        raise _malformed("extensions.persistedQuery: must be an object with version 1 and sha256Hash")
    return str(told["sha256Hash"]) or None


def _malformed(message: str) -> Refusal:
    return Refusal(400, errcode.InvalidOperation(message))


def check_texts(document: dict[str, Any]) -> None:
    """Refuses the NUL character, written in JSON or in GraphQL, naming where it is."""
    query = document.get("query")
    places = [place for place, text in _texts(document) if "\0" in text]
    if isinstance(query, str) and NUL_ESCAPE.search(query):
        places.append("query")
    if places:
        raise _malformed(f"{places[0]}: the NUL character is not allowed")


def _texts(document: object) -> Iterator[tuple[str, str]]:
    """Every string in a JSON value and its place, names included; a loop, because the value may be nested deeply."""
    waiting = [("", document)]
    while waiting:
        place, value = waiting.pop()
        match value:
            case str() as text:
                yield place, text
            case dict() as fields:
                waiting += [(place or "the body", name) for name in fields]
                waiting += [(f"{place}.{name}".lstrip("."), field) for name, field in fields.items()]
            case list() as items:
                waiting += [(place, item) for item in items]
