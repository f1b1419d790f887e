"""The door of a backend: which process calls, whether it may, and whether it speaks for those it says it does."""

from collections.abc import Collection, Iterator
from functools import cache

import grpc
import structlog
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message

from schema import errcode
from schema.generated.identity.v1 import identity_pb2
from services.runtime.channels import PROOF
from services.runtime.server import GRPC, Context
from services.runtime.trust.assertions import NotProven, Verifier

_log = structlog.get_logger(__name__)

VIEWER = identity_pb2.Viewer.DESCRIPTOR
CERTIFIED_NAMES = "x509_subject_alternative_name"


class SignedAdmission:
    """Fits `server.Admission`: believes signatures only."""

    def __init__(self, backends: Collection[str], verifier: Verifier, domain: str | None) -> None:
        """`backends` are served here. With a `domain` the certificate of a caller must be for its name there, too."""
        self._backends = backends
        self._verifier = verifier
        self._domain = domain

    async def admit(self, method: str, context: Context) -> None:
        """Returns when the caller may call the method; else aborts the call, in words for operators of processes."""
        if method.startswith(GRPC):
            return
        try:
            caller = self._verifier.caller(_proof_in(context), self._backends, method)
            self._check_certificate(caller, context)
        except NotProven as problem:
            _log.warning("caller not known", method=method, reason=str(problem))
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the caller is not known here")
        if caller not in callers_of(method):
            _log.warning("caller not allowed", method=method, caller=caller)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{caller} may not call this")

    def check_viewers(self, request: Message) -> None:
        """Raises Unauthenticated when the request is for somebody who is not proved."""
        for viewer in viewers_in(request):
            try:
                self._verifier.check_viewer(viewer)
            except NotProven as problem:
                raise errcode.Unauthenticated(f"viewer: {problem}") from problem

    def _check_certificate(self, caller: str, context: Context) -> None:
        if self._domain is None:
            return
        certified = context.auth_context().get(CERTIFIED_NAMES, ())
        # A unix socket has no certificates, but permissions.
        if f"{caller}.{self._domain}".encode() not in certified and not context.peer().startswith("unix:"):
            raise NotProven("the certificate is for another name")


def _proof_in(context: Context) -> str:
    """The proof that the call comes with; empty when there is none, or more than one: which is meant?"""
    proofs = [value for key, value in context.invocation_metadata() or () if key == PROOF]
    return proofs[0] if len(proofs) == 1 and isinstance(proofs[0], str) else ""


@cache
def callers_of(method: str) -> frozenset[str]:
    """Who may call the method with this path, as its contract says; nobody where it says nothing."""
    described = Default().FindMethodByName(method.strip("/").replace("/", "."))
    return frozenset(described.GetOptions().Extensions[identity_pb2.callers])


def viewers_in(message: Message) -> Iterator[identity_pb2.Viewer]:
    """All viewers of a message, however deep."""
    for field, is_repeated in _ways_to_viewers(message.DESCRIPTOR):
        found = getattr(message, field.name)
        for part in found if is_repeated else (found,) if message.HasField(field.name) else ():
            if field.message_type is VIEWER:
                yield part
            else:
                yield from viewers_in(part)


@cache
def _ways_to_viewers(message: Descriptor) -> tuple[tuple[FieldDescriptor, bool], ...]:
    """The fields that may hold viewers, themselves or within; and whether each is repeated."""
    return tuple(
        (field, field.is_repeated)
        for field in message.fields
        if field.message_type is not None and _may_hold_viewers(field.message_type, frozenset())
    )


def _may_hold_viewers(message: Descriptor, above: frozenset[Descriptor]) -> bool:
    if message is VIEWER:
        return True
    inner = (field.message_type for field in message.fields if field.message_type is not None)
    return any(_may_hold_viewers(part, above | {message}) for part in inner if part not in above)
