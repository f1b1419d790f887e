"""The messages of graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md."""

from typing import Any

import orjson

PROTOCOL = "graphql-transport-ws"
INVALID_MESSAGE = 4400
UNAUTHORIZED = 4401
BAD_PROTOCOL = 4406
INIT_TIMEOUT = 4408
ALREADY_SUBSCRIBED = 4409
SLOW_READER = 4410
"""Not of the protocol: too many messages were left lying. Connect again, and resume after the last seen id."""
TOO_MANY_CONNECTIONS = 4411
"""Not of the protocol: the client holds too many connections open."""
TOO_MANY_INITS = 4429
GONE = 1006
"""What is noted of a connection that ended without a word."""

_REASON_BYTES = 123


class Broken(Exception):
    """The client breaks the protocol, or a bound of it: the connection ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def decoded(text: str | None) -> dict[str, Any]:
    """The message in a text frame; raises Broken for anything else."""
    try:
        message = orjson.loads(text) if text is not None else None
    except orjson.JSONDecodeError as error:
        raise Broken(INVALID_MESSAGE, "a message must be JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Broken(INVALID_MESSAGE, "a message must be an object with a type")
    if not isinstance(message.get("payload"), dict | None):
        raise Broken(INVALID_MESSAGE, "payload: must be an object")
    return message


def operation_id(message: dict[str, Any]) -> str:
    """The id of the operation that a message is about."""
    found = message.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= 100:
        raise Broken(INVALID_MESSAGE, "id: must be 1 to 100 characters")
    return found


def fitting(reason: str) -> str:
    """As much of a reason as the frame that closes a connection can hold."""
    return reason.encode()[:_REASON_BYTES].decode(errors="ignore")


def encoded(kind: str, number: str | None = None, payload: Any = None) -> str:
    """A message as text."""
    message: dict[str, Any] = {"type": kind}
    if number is not None:
        message["id"] = number
    if payload is not None:
        message["payload"] = payload
    return orjson.dumps(message).decode()
