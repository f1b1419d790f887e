"""What all loaders share: the keys asked for in one moment become one RPC, its reply a dict, the answers a list."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from schema.errcode import AtriumError, BackendUnavailable
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from services.runtime.telemetry import Metrics, span

K = TypeVar("K")
V = TypeVar("V")
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


def loader(question: Question[K, V], metrics: Metrics) -> DataLoader[K, V]:
    """A loader that knows nothing yet. A call that fails, fails every key of it."""

    async def answer(keys: list[K]) -> Sequence[V | BaseException]:
        metrics.loader_batch.labels(question.name).observe(len(keys))
        with span(f"load {question.name}", {"atrium.keys": len(keys)}):
            try:
                found = await question.ask(keys)
            except AtriumError as error:
                error.backend = question.backend
                raise
        return [found.get(question.echo(key), question.missing) for key in keys]

    return DataLoader(answer, max_batch_size=question.most)


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
