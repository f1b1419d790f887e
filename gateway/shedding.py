"""What a gateway leaves out, and then refuses, when it has more to do than it can."""

import time
from collections.abc import Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.middleware import ENDPOINT, Exchange
from schema.errcode import AtriumError, Overloaded
from schema.graphql.seams import Criticality
from services.runtime.shedding import Limiter
from services.runtime.telemetry import Metrics

LEFT_OUT: Mapping[Criticality, float] = {Criticality.BANNERS: 0.6, Criticality.FEED: 0.8}
"""From which part of the limit on fields are not asked for any more; at the whole limit requests are refused."""

TELL_SECONDS = 1.0
"""How often the log says how many requests were refused."""
_log = structlog.get_logger(__name__)


class Brownout:
    """Says which fields an overloaded gateway answers without asking for them."""

    def __init__(self, limiter: Limiter, metrics: Metrics) -> None:
        self._limiter = limiter
        self._metrics = metrics

    def spares(self, criticality: Criticality) -> AtriumError | None:
        """Overloaded when fields of no more weight than this are left out; None when they are asked for."""
        pressure = self._limiter.pressure
        if not pressure or pressure < LEFT_OUT.get(criticality, 1e9):
            return None
        self._metrics.shed.labels(criticality.name.lower()).inc()
        return Overloaded()


class Shedding:
    """Refuses operations before anything of them is read, when those that were taken on are as many as can be answered.

    An operation counts from when it is here until its answer begins: whoever takes long to send a body, and what is
    streamed afterwards, takes no turn of others. It stands before
    everything else, so that a refusal costs next to nothing: of so many not each has a line in the log.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, metrics: Metrics) -> None:
        self._app = app
        self._limiter = limiter
        self._metrics = metrics
        self._untold = 0
        self._tell_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] != ENDPOINT:
            return await self._app(scope, receive, send)
        entered = self._limiter.enter()
        if entered is None:
            return await self._refuse(scope, receive, send)
        since, counted, complete = entered, True, False

        async def receive_apart() -> Message:
            nonlocal since, complete
            if complete or not counted:
                return await receive()
            self._limiter.leave(since, answered=False)
            try:
                message = await receive()
            finally:
                since = self._limiter.resume()
            complete = not message.get("more_body", False)
            return message

        async def send_and_leave(message: Message) -> None:
            nonlocal counted
            if counted:
                counted = False
                self._limiter.leave(since, answered=True)
            await send(message)

        try:
            return await self._app(scope, receive_apart, send_and_leave)
        finally:
            if counted:
                self._limiter.leave(since, answered=False)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = Overloaded()
        self._metrics.shed.labels("request").inc()
        self._metrics.requests.labels(str(error.code), "-").observe(0)
        self._tell()
        await Exchange(scope, send).fail(error, receive)

    def _tell(self) -> None:
        self._untold += 1
        if (now := time.monotonic()) >= self._tell_at:
            _log.warning("requests refused", count=self._untold, code=Overloaded.code)
            self._untold, self._tell_at = 0, now + TELL_SECONDS
