"""One call to a backend, from its deadline to its error."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from prometheus_client import Histogram

from schema import errcode
from services.runtime.channels.breaker import Breaker
from services.runtime.channels.hedging import MOST_SENT, Hedging, first_to_answer
from services.runtime.channels.silence import Attempt, Silence
from services.runtime.channels.tally import Call, CallTally, call_tally
from services.runtime.deadline import time_left
from services.runtime.errors import from_grpc
from services.runtime.lane import lane
from services.runtime.telemetry import Metrics, traceparent

CALL_SECONDS = 5.0
"""How long a call may take where nobody set a deadline."""
FAIR_SECONDS = 0.5
"""A call that was given less time than this and did not make it says nothing of its backend."""
HURRIED = (grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
UNHEARD = (*HURRIED, grpc.StatusCode.UNAVAILABLE)
"""The codes that need nobody on the other side to be said."""
UNANSWERED = (errcode.BackendUnavailable, errcode.DeadlineExceeded, errcode.Overloaded, errcode.Internal)
"""The errors that say a backend could not answer; any other is an answer."""
Metadata = tuple[tuple[str, str | bytes], ...]
Send = Callable[..., Call]


class Backend:
    """What the calls to one backend share."""

    def __init__(
        self,
        name: str,
        most_in_flight: int,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
        connects_in_vain: Callable[[], bool] = lambda: False,
    ) -> None:
        """`connects_in_vain` tells whether there is no connection to any server, and the last attempt failed."""
        self.name = name
        self._connects_in_vain = connects_in_vain
        self.reached = True
        """Whether the last call arrived, or may have done so."""
        self.monotonic = monotonic
        self.most_in_flight = most_in_flight
        self.in_flight = 0
        self.silence = Silence(monotonic)
        self.metrics = metrics

    @property
    def unreachable(self) -> bool:
        """Whether a call would fail for want of a connection. gRPC tries on by itself, beside the calls."""
        return not self.reached and self._connects_in_vain()

    def refuse(self, error: errcode.AtriumError, reason: str) -> errcode.AtriumError:
        """The error for a call that is not sent, which is counted."""
        self.metrics.rpcs_refused.labels(self.name, reason).inc()
        return error


class Method:
    """A method that answers one message by one message, to be called as a stub calls it."""

    __slots__ = ("_backend", "_breaker", "_hedging", "_name", "_ok", "_send")

    def __init__(self, backend: Backend, name: str, send: Send, breaker: Breaker, hedging: Hedging | None) -> None:
        """`send` begins a call; `hedging` is None for what must not be sent twice, or to one server only."""
        self._backend = backend
        self._name = name
        self._send = send
        self._breaker = breaker
        self._hedging = hedging
        self._ok: Histogram | None = None

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - what gRPC's own is given.
        metadata: Metadata = (),
        **options: Any,
    ) -> Any:
        """The reply; raises an AtriumError.

        DeadlineExceeded, BackendUnavailable or Overloaded, unsent, when there is no time, hope or room for it.
        """
        seconds = time_left(default=CALL_SECONDS, cap=timeout)
        self._check(seconds)
        if parent := traceparent():
            metadata = (*metadata, ("traceparent", parent))
        if name := lane():
            metadata = (*metadata, ("lane", name))
        options |= {"timeout": seconds, "metadata": metadata}
        backend, attempt, heard = self._backend, Attempt(), False
        backend.in_flight += 1
        backend.silence.sent(attempt)
        try:
            reply = await self._reply(request, options, attempt)
            heard = True
            backend.reached = True
        except grpc.aio.AioRpcError as failure:
            heard = failure.code() not in UNHEARD
            backend.reached = failure.code() is not grpc.StatusCode.UNAVAILABLE
            raise self._explained(failure, backend.monotonic() - attempt.sent_at) from failure
        except asyncio.CancelledError:
            self._failed(grpc.StatusCode.CANCELLED, backend.monotonic() - attempt.sent_at)
            if attempt.given_up:
                raise errcode.BackendUnavailable(backend.name) from None
            raise
        finally:
            backend.in_flight -= 1
            backend.silence.over(attempt, heard=heard)
        self._answered(backend.monotonic() - attempt.sent_at)
        return reply

    def _check(self, seconds: float) -> None:
        """Raises what keeps the call from being sent."""
        backend = self._backend
        if seconds <= 0:
            raise backend.refuse(errcode.DeadlineExceeded(), "deadline")
        if backend.unreachable:
            raise backend.refuse(errcode.BackendUnavailable(backend.name), "unreachable")
        if backend.in_flight >= backend.most_in_flight:
            raise backend.refuse(errcode.Overloaded(), "in flight")
        if not backend.silence.allows():
            raise backend.refuse(errcode.BackendUnavailable(backend.name), "silent")
        if not self._breaker.allows():
            raise backend.refuse(errcode.BackendUnavailable(backend.name), "breaker")

    async def _reply(self, request: Any, options: dict[str, Any], attempt: Attempt) -> Any:
        tally = call_tally.get() or CallTally()
        calls, hedging = attempt.calls, self._hedging
        calls.append(self._begin(request, options, tally))
        try:
            while hedging and len(calls) < MOST_SENT and (waited := await hedging.takes_long(*calls)):
                options["timeout"] -= waited
                calls.append(self._begin(request, options, tally))
            return await (calls[0] if len(calls) == 1 else await first_to_answer(*calls))
        finally:
            for call in calls:
                call.cancel()  # Does nothing to one that is over.
                tally.release(call)

    def _begin(self, request: Any, options: dict[str, Any], tally: CallTally) -> Call:
        call = self._send(request, **options)
        tally.add()
        tally.hold(call)
        return call

    def _answered(self, seconds: float) -> None:
        self._breaker.accepted()
        if self._ok is None:
            self._ok = self._series(grpc.StatusCode.OK)
        self._ok.observe(seconds)
        if self._hedging is not None:
            self._hedging.took(seconds)

    def _explained(self, failure: grpc.aio.AioRpcError, seconds: float) -> errcode.AtriumError:
        error = from_grpc(failure, self._backend.name)
        if isinstance(error, UNANSWERED):
            self._failed(failure.code(), seconds)
        else:
            self._breaker.accepted()
            self._series(failure.code()).observe(seconds)
        return error

    def _failed(self, code: grpc.StatusCode, seconds: float) -> None:
        """Holds a failure against the backend, unless it had no fair chance: its caller may have been in a hurry."""
        if code not in HURRIED or seconds >= FAIR_SECONDS:
            self._breaker.failed()
        self._series(code).observe(seconds)

    def _series(self, code: grpc.StatusCode) -> Histogram:
        backend = self._backend
        return backend.metrics.rpcs_sent.labels(backend.name, self._name, code.name)
