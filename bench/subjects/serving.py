"""The server under every subject: the one under the gateway, with the same options."""

from typing import Literal

from starlette.types import ASGIApp

from services.runtime import lifecycle
from services.runtime.web import WebServer, listen


def serve(app: ASGIApp, port: int, lifespan: Literal["on", "off"] = "off") -> None:
    """Serves the app on the loopback address until a signal ends it."""

    async def main() -> int:
        listening = listen("127.0.0.1", port)
        server = WebServer(app, listening, http="httptools", ws="none", lifespan=lifespan, proxy_headers=False)
        return await lifecycle.run(server, readiness=lifecycle.Readiness(), drain_seconds=0.5)

    raise SystemExit(lifecycle.launch(main))
