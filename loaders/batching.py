"""What all loaders share: a question is asked for many keys in one RPC, and its reply is a dict by key."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.descriptor import FileDescriptor

from schema.errcode import AtriumError, BackendUnavailable, InvalidArgument, PermissionDenied, Unauthenticated
from schema.generated.identity.v1 import identity_pb2
from schema.generated.sharing.v1 import sharing_pb2
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_UNSPECIFIED, SCOPE_VIEWER, Scope
from schema.graphql.ports import Identity

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
K_contra = TypeVar("K_contra", contravariant=True)
V_co = TypeVar("V_co", covariant=True)

MOST_KEYS = 1000
"""How many keys the contracts allow in one call, where they say nothing smaller."""
REFUSED = (Unauthenticated, PermissionDenied, InvalidArgument)
"""What a backend says to a whole call because of what is asked in it, though perhaps of one key alone."""
MOST_PARTS = 32
"""A call that was refused is made again in so many parts at most, to find the keys that are to blame."""
UNANSWERED: Any = object()
"""What is `missing` where the contract says that every key is answered: then it is BackendUnavailable for that key."""


class Source(Protocol[K_contra, V_co]):
    """Where the answers to a question come from."""

    def answers(self, keys: Sequence[K_contra]) -> Awaitable[Sequence[V_co | AtriumError]]:
        """The answers in the order of the keys, each of which is there once; an error where a key has none.

        An `async def` fits. What it raises fails all keys.
        """
        ...


def itself(key: Hashable) -> Hashable:
    """The key, for a reply that echoes it as it is."""
    return key


@dataclass(frozen=True)
class Question(Generic[K, V]):
    """A question that a backend answers for many keys in one call."""

    name: str
    """What the loader is called in ports and metrics."""
    backend: str
    ask: Callable[[list[K]], Awaitable[Mapping[Hashable, V]]]
    """One RPC; its reply by what it echoes of each key. Answers to what nobody asked do no harm."""
    missing: V
    """The answer for a key that the reply leaves out; UNANSWERED where it must not."""
    scope: Scope.ValueType = SCOPE_UNSPECIFIED
    """On what the answer depends besides the key, as the contract declares: `declared_scope` reads it."""
    echo: Callable[[K], Hashable] = itself
    """What the reply echoes of a key."""
    most: int = MOST_KEYS
    """How many keys one call may carry; more become several calls."""

    async def answered(self, keys: list[K]) -> dict[K, V | AtriumError]:
        """What the backend says to each key; the error of a call that failed, for each key that was in it.

        A call that is refused is made again in halves: of several viewers one may not be proved.
        """
        found: dict[K, V | AtriumError] = {}
        waiting, parts_left = self._told_apart(keys), MOST_PARTS
        while waiting:
            part = waiting.pop(0)
            try:
                reply = await self.ask(part)
            except AtriumError as error:
                if parts_left and len(part) > 1 and isinstance(error, REFUSED):
                    parts_left -= 2
                    waiting += part[: len(part) // 2], part[len(part) // 2 :]
                else:
                    found |= dict.fromkeys(part, self.blamed(error))
            else:
                found |= {key: self._answer(reply, key) for key in part}
        return found

    def _answer(self, reply: Mapping[Hashable, V], key: K) -> V | AtriumError:
        answer = reply.get(self.echo(key), self.missing)
        return self.unanswered() if answer is UNANSWERED else answer

    def unanswered(self) -> AtriumError:
        """What is said where the backend owes an answer."""
        return self.blamed(BackendUnavailable(self.backend))

    def blamed(self, error: AtriumError) -> AtriumError:
        """The error as an answer, saying whose failure it is.

        Its traceback ends here: it refers to whoever keeps the answer, so only a collection could let go of either.
        """
        error.backend = self.backend
        return error.with_traceback(None)

    def _told_apart(self, keys: list[K]) -> list[list[K]]:
        """The keys in as few calls as it takes for a reply to tell viewers apart: usually one."""
        if self.scope != SCOPE_VIEWER or self.echo is itself:
            return [keys]
        calls: list[dict[Hashable, K]] = []
        for key in keys:
            echo = self.echo(key)
            call = next((call for call in calls if echo not in call), None)
            if call is None:
                calls.append(call := {})
            call[echo] = key
        return [list(call.values()) for call in calls]


def declared_scope(contract: FileDescriptor, rpc: str) -> Scope.ValueType:
    """On what the answers of the RPC depend, by the option in its contract; SCOPE_UNSPECIFIED where there is none."""
    [service] = contract.services_by_name.values()
    return service.methods_by_name[rpc].GetOptions().Extensions[sharing_pb2.scope]


class Placed(Protocol):
    """An answer that tells which question it is for."""

    @property
    def question(self) -> int:
        """The place of the question in the request, from 1."""
        ...


PlacedT = TypeVar("PlacedT", bound=Placed)


def by_place(keys: Sequence[K], answers: Iterable[PlacedT]) -> dict[K, PlacedT]:
    """Answers by key, for a reply that echoes places. A key that is answered twice is not: which answer is meant?"""
    found: dict[K, PlacedT] = {}
    twice = set[K]()
    for answer in answers:
        if 0 < answer.question <= len(keys):
            key = keys[answer.question - 1]
            if key in found:
                twice.add(key)
            found[key] = answer
    return {key: answer for key, answer in found.items() if key not in twice} if twice else found


def to_viewer(identity: Identity) -> identity_pb2.Viewer:
    """The identity as the contracts carry it."""
    return identity_pb2.Viewer(
        account_id=identity.account_id, account_type=identity.account_type, assertion=identity.assertion
    )


def from_viewer(message: identity_pb2.Viewer) -> Identity:
    """The identity that `message` carries."""
    return Identity(message.account_id, message.account_type)
