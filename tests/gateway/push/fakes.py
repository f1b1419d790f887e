"""What push asks beside the cache, and messages as the backends publish them."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.operations import Answer
from gateway.push.hub import News
from gateway.push.listeners import SlowReader
from schema.errcode import BackendUnavailable, InvalidArgument, Unauthenticated
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.event.v1 import event_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity

EPOCH = 1_767_225_600


def activity(number: int, author_id: int = 2, second: int = 0) -> activity_pb2.Activity:
    """Done so many seconds after EPOCH."""
    done = activity_pb2.Activity(
        id=number, author_id=author_id, kind=activity_pb2.ACTIVITY_KIND_POST, text=f"activity {number}"
    )
    done.created_at.FromSeconds(EPOCH + second)
    return done


def event(account_id: int, second: int = 0, **what: object) -> bytes:
    found = event_pb2.Event(id=str(UUID(int=account_id)), account_id=account_id, source="test", sequence=1)
    found.occurred_at.FromSeconds(EPOCH + second)
    for name, fields in what.items():
        getattr(found, name).SetInParent()
        for field, value in dict(fields).items():  # type: ignore[call-overload]
            setattr(getattr(found, name), field, value)
    return found.SerializeToString()


def published(number: int, author_id: int = 2) -> bytes:
    return event(author_id, activity_published={"activity_id": number, "kind": "POST"})


class World:
    """Activities that there are, and who follows whom; fails, refuses and hesitates when told to."""

    def __init__(self, *numbers: int) -> None:
        self.activities = {number: activity(number) for number in numbers}
        self.following: dict[int, list[int]] = {1: [2]}
        self.down = False
        self.refuses = False
        self.hold: asyncio.Event | None = None
        self.reads: list[Sequence[int]] = []
        self.pages: list[int] = []
        self.asked = self.asking = self.most_asking = self.looked = 0

    def publish(self, *numbers: int, author_id: int = 2, second: int = 0) -> None:
        self.activities |= {number: activity(number, author_id, second) for number in numbers}

    def news(self, number: int) -> News:
        return News(event_pb2.Event.FromString(published(number)), self.activities[number])

    async def public(self, ids: Sequence[int]) -> dict[int, activity_pb2.Activity]:
        self.reads.append(ids)
        if self.down:
            raise BackendUnavailable("activity")
        return {number: self.activities[number] for number in ids if number in self.activities}

    async def followees(self, account_id: int) -> Sequence[int]:
        self.asked += 1
        self.asking += 1
        self.most_asking = max(self.asking, self.most_asking)
        if self.hold:
            await self.hold.wait()
        self.asking -= 1
        if self.down:
            raise BackendUnavailable("activity")
        if self.refuses:
            raise InvalidArgument("account_ids", "must be others")
        return self.following.get(account_id, [])

    async def newest(self, viewer: Identity, first: int) -> Sequence[activity_pb2.Activity]:
        newest = sorted(self.activities.values(), key=lambda found: -found.id)
        self.looked += 1
        return [found for found in newest if found.author_id in self.following[viewer.account_id]][:first]

    async def feed_since(
        self, viewer: Identity, after_id: int, limit: int
    ) -> tuple[Sequence[activity_pb2.Activity], bool]:
        self.pages.append(after_id)
        newer = [
            found
            for number, found in sorted(self.activities.items())
            if number > after_id and found.author_id in self.following[viewer.account_id]
        ]
        return newer[:limit], len(newer) > limit


class Silent:
    """Push where nothing happens."""

    async def activities(
        self, viewer: Identity, token: str, last_seen: int
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        await asyncio.Event().wait()
        yield activity(0)

    async def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        await asyncio.Event().wait()
        yield None


class Doorman:
    """Knows who is signed in: everybody but those who were thrown out."""

    def __init__(self) -> None:
        self.out: set[str] = set()
        self.asked: list[list[str]] = []
        self.down = False
        self._asking = asyncio.Event()

    async def was_asked(self, times: int) -> None:
        """Returns once it was asked so often."""
        while len(self.asked) < times:
            self._asking.clear()
            await self._asking.wait()

    async def __call__(self, tokens: Sequence[str]) -> Mapping[str, account_pb2.VerifiedSession]:
        self.asked.append(list(tokens))
        self._asking.set()
        if self.down:
            raise BackendUnavailable("account")
        return {token: self._session(token) for token in tokens}

    def _session(self, token: str) -> account_pb2.VerifiedSession:
        if token in self.out:
            return account_pb2.VerifiedSession(state=account_pb2.VerifiedSession.STATE_UNKNOWN)
        return account_pb2.VerifiedSession(
            state=account_pb2.VerifiedSession.STATE_VALID,
            viewer=identity_pb2.Viewer(
                account_id=1,
                account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL,
                assertion=f"proved {len(self.asked)}",
            ),
            account_status=account_pb2.ACCOUNT_STATUS_ACTIVE,
        )


class Stage:
    """Answers what the query says: `wait`, `slow`, `refuse`, or so many numbers."""

    def __init__(self) -> None:
        self.asked: list[tuple[Operation, str | None]] = []
        self.running = 0
        self.changed = asyncio.Event()

    async def __call__(self, operation: Operation, context: OperationContext) -> AsyncGenerator[Answer, None]:
        self.asked.append((operation, context.token))
        with self._counted():
            match operation.query:
                case "wait":
                    await asyncio.Event().wait()
                case "slow":
                    yield Answer({"errors": []}, SlowReader())
                case "refuse":
                    yield Answer({"errors": [{"message": "no"}]}, Unauthenticated())
                case "flood":
                    while True:
                        yield Answer({"data": {"text": "x" * 100_000}}, has_data=True)
                case count:
                    for number in range(int(count)):
                        yield Answer({"data": {"number": number}}, has_data=True)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        self.running += by
        self.changed.set()

    async def until_running(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.running != count:
                self.changed.clear()
                await self.changed.wait()
