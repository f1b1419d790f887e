"""Answers that a client, or a cache on its way, may keep: by their tag it learns that what it has still holds."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from gateway.lanes import HEADER as LANE

PUBLIC = "public"
VARY = f"accept, {LANE}"
"""What else a cache on the way has to tell requests apart by: another lane is answered by other services."""


def conditional(request: Request, response: Response) -> Response:
    """The response with its tag where it may be kept; 304 without a body where the client has it already."""
    if request.method != "GET" or not response.headers["cache-control"].startswith(PUBLIC):
        return response
    tag = f'"{hashlib.blake2b(bytes(response.body), digest_size=16).hexdigest()}"'
    response.headers.update({"etag": tag, "vary": VARY})
    if not _holds(",".join(request.headers.getlist("if-none-match")), tag):
        return response
    kept = {name: response.headers[name] for name in ("etag", "vary", "cache-control")}
    return Response(status_code=304, headers=kept)


def _holds(told: str, tag: str) -> bool:
    tags = {each.strip().removeprefix("W/") for each in told.split(",")}
    return tag in tags or "*" in tags
