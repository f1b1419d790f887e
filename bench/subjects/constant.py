"""The floor: the same bytes to everybody, under the same server. Nothing can be faster than this.

`python -m bench.subjects.constant PORT FILE`
"""

import sys
from pathlib import Path

from starlette.types import Receive, Scope, Send

from bench.subjects.serving import serve

CONTENT_TYPE = b"application/graphql-response+json; charset=utf-8"


class Constant:
    """Reads each request to its end and answers the bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._headers = [(b"content-type", CONTENT_TYPE), (b"content-length", str(len(body)).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


if __name__ == "__main__":
    serve(Constant(Path(sys.argv[2]).read_bytes()), int(sys.argv[1]))
