"""What all loaders share: the keys asked for in one moment become one RPC, its reply a dict, the answers a list."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from schema.errcode import AtriumError, BackendUnavailable
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from services.runtime.telemetry import Metrics, span

K = TypeVar("K")
V = TypeVar("V")
K_contra = TypeVar("K_contra", contravariant=True)
V_co = TypeVar("V_co", covariant=True)
Found = TypeVar("Found")

MOST_KEYS = 1000
"""How many keys the contracts allow in one call, where they say nothing smaller."""


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
    """The answer for a key that the reply leaves out."""
    echo: Callable[[K], Hashable] = itself
    """What the reply echoes of a key."""
    most: int = MOST_KEYS
    """How many keys one call may carry; more become several calls."""


class Source(Protocol[K_contra, V_co]):
    """Where the answers to a question come from."""

    def answers(self, keys: Sequence[K_contra]) -> Awaitable[Sequence[V_co | AtriumError]]:
        """The answers in the order of the keys, each of which is there once; an error where a key has none.

        An `async def` fits. What it raises fails all keys.
        """
        ...


class Backend(Generic[K, V]):
    """Asks the backend of a question, in as many calls as the keys need; a `Source`."""

    def __init__(self, question: Question[K, V], metrics: Metrics) -> None:
        self._question = question
        self._metrics = metrics

    async def answers(self, keys: Sequence[K]) -> Sequence[V | AtriumError]:
        """The answers in the order of the keys. A call that fails, fails the keys in it."""
        most = self._question.most
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(self._call(keys[start : start + most])) for start in range(0, len(keys), most)]
        return [answer for call in calls for answer in call.result()]

    async def _call(self, keys: Sequence[K]) -> Sequence[V | AtriumError]:
        question = self._question
        self._metrics.loader_batch.labels(question.name).observe(len(keys))
        with span(f"load {question.name}", {"atrium.keys": len(keys)}):
            try:
                found = await question.ask(list(keys))
            except AtriumError as error:
                error.backend = question.backend
                return [error] * len(keys)
        return [found.get(question.echo(key), question.missing) for key in keys]


def in_order(backend: str, keys: Sequence[K], answers: Sequence[Found]) -> Mapping[Hashable, Found]:
    """Answers by key for a reply that echoes no key but keeps their order; BackendUnavailable when it does not."""
    if len(answers) != len(keys):
        raise BackendUnavailable(backend)
    return dict(zip(keys, answers, strict=True))


def to_viewer(identity: Identity) -> identity_pb2.Viewer:
    """The identity as the contracts carry it."""
    return identity_pb2.Viewer(account_id=identity.account_id, account_type=identity.account_type)


def from_viewer(message: identity_pb2.Viewer) -> Identity:
    """The identity that `message` carries."""
    return Identity(message.account_id, message.account_type)
