"""What events call: an account that is closed for good leaves no personal data in the audit."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2
from services.runtime.consumer import Consumer


class Erasure:
    """Listens for accounts that are closed for good."""

    def __init__(self, forget_in: Callable[[AsyncSession, int], Awaitable[None]]) -> None:
        """`forget_in` erases what tells about a person, in the transaction of the session."""
        self._forget_in = forget_in

    async def handle(self, event: event_pb2.Event, session: AsyncSession) -> None:
        """Has its effect in the transaction of the session."""
        if event.account_status_changed.after == "CLOSED":
            await self._forget_in(session, event.account_id)

    def consumer(self) -> Consumer:
        """Takes events in any order: nobody comes back from that state."""
        return Consumer("admin.erasure", self.handle, kinds=frozenset({"account_status_changed"}), ordered=False)
