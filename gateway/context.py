"""One operation: who asks, fresh loaders, and what had to be answered without its backend."""

import asyncio
import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property, lru_cache
from typing import Protocol

from gateway.documents import Prepared
from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.ports import Desk
from schema.graphql.ports import GUEST, Commands, Degradation, Identity, Loaders, PermissionKey, Push
from schema.graphql.seams import Criticality
from services.runtime.deadline import deadline_in, ends_within
from services.runtime.lane import lane

MOST_NAME_CHARACTERS = 100
MOST_TOKEN_CHARACTERS = 4096
"""The contract's bound: a longer token was given to nobody."""
LEAST_SECONDS = 0.01
"""With less time than this no backend is asked for what an answer can do without."""
EVENT_SECONDS = 5.0
"""How long backends may take to answer what is asked for one event of a subscription."""
Spares = Callable[[Criticality], errcode.AtriumError | None]
"""Says why fields of no more weight than this are not to be asked for; None when they are."""
MAY_ACT = (account_pb2.ACCOUNT_STATUS_ACTIVE, account_pb2.ACCOUNT_STATUS_CLOSING)


def nothing_spared(_criticality: Criticality) -> None:
    """Every field is asked for."""


class Clients(Protocol):
    """The backends, as `loaders.Clients` gives them."""

    def loaders(self) -> Loaders:
        """Fresh loaders for one operation."""
        ...

    def recalling(self, problem: errcode.AtriumError) -> Loaders:
        """Loaders that ask nobody: each answer is the problem, with the last good answer."""
        ...

    def commands(self) -> Commands:
        """What changes something."""
        ...

    def admin(self) -> Desk:
        """The staff's desk."""
        ...


class Seat(Protocol):
    """A long connection among those that one client may hold open."""

    def claim(self, account_id: int) -> None:
        """Notes whose it is; raises RateLimited when the account holds too many."""
        ...


class OperationContext:
    """What resolvers find in `info.context`: fits `schema.graphql.ports.Context`."""

    def __init__(
        self, clients: Clients, push: Push, authorization: str | None, address: str, spares: Spares = nothing_spared
    ) -> None:
        self._clients = clients
        self._spares = spares
        self.push = push
        self._offered = authorization is not None
        self.token = bearer_token(authorization or "")
        self.address = address
        """Where the request comes from."""
        self.account_id: int | None = None
        """The account of whoever is asking, once somebody wanted to know."""
        self._asked_for: list[Criticality] = []
        """What fields were asked for in this turn; few, and quicker to look through than enums are to hash."""
        self.seat: Seat | None = None
        """The long connection over which it was asked."""
        self.seconds = math.inf
        """How long the client waits for an answer; no matter where it waits for events."""
        self.degraded: list[Degradation] = []
        self.prepared: Prepared | None = None
        """The operation, once it is known."""
        self.operation_name = "-"
        self.viewer = "-"
        self.renew()

    @cached_property
    def loaders(self) -> Loaders:
        """The loaders of this operation; whoever joins an equal one needs none."""
        return self._clients.loaders()

    @property
    def commands(self) -> Commands:
        """What changes something."""
        return self._clients.commands()

    @property
    def admin(self) -> Desk:
        """The staff's desk."""
        return self._clients.admin()

    def spared(self, criticality: Criticality) -> errcode.AtriumError | None:
        """Why a backend is not asked for what an answer can do without: too little time, or too much to do.

        What was asked for is asked for throughout that turn of the loop: each item of a list may ask.
        """
        if criticality in self._asked_for:
            return None
        if ends_within(LEAST_SECONDS):
            return errcode.DeadlineExceeded()
        if (problem := self._spares(criticality)) is None:
            self._note_asked_for(criticality)
        return problem

    def _note_asked_for(self, criticality: Criticality) -> None:
        if not self._asked_for:
            asyncio.get_running_loop().call_soon(self._asked_for.clear)
        self._asked_for.append(criticality)

    def recalling(self, problem: errcode.AtriumError) -> "OperationContext":
        """The same operation with loaders that ask nobody, and know the last good answers."""
        recalling = self._recalling.get(type(problem))
        if recalling is None:
            recalling = self._recalling[type(problem)] = copy(self)
            recalling.loaders = self._clients.recalling(problem)
            recalling._recalling = {}  # It would know itself, so that only a collection could let go of it.
        return recalling

    def begin(self, prepared: Prepared | None) -> None:
        """Notes which operation it is; its name is of letters, digits and underscores, so it fits a log."""
        self.prepared = prepared
        self.operation_name = ((prepared and prepared.name) or "-")[:MOST_NAME_CHARACTERS]

    @property
    def whose(self) -> Hashable:
        """The same for all that ask as the same viewer in the same lane."""
        return self._offered, self.token, lane()

    def learn(self, other: "OperationContext") -> None:
        """Takes over what became known while an equal operation ran."""
        self.account_id, self.viewer, self.degraded = other.account_id, other.viewer, other.degraded

    def renew(self) -> None:
        """Puts fresh loaders in place, so that what follows is read anew."""
        self.__dict__.pop("loaders", None)
        self._recalling: dict[type[errcode.AtriumError], OperationContext] = {}

    @contextmanager
    def event(self) -> Iterator[None]:
        """What is executed inside is like an operation of its own: all is read anew, and within a time of its own."""
        self.renew()
        with deadline_in(EVENT_SECONDS):
            yield

    async def identity(self) -> Identity:
        """Who is asking. Costs one call however often it is asked, because the loader remembers."""
        identity = await self._verified()
        self.account_id = None if identity.is_guest else identity.account_id
        if self.seat is not None and self.account_id is not None:
            self.seat.claim(self.account_id)
        self.viewer = type_name(identity.account_type)
        return identity

    async def may(self, permission: str) -> bool:
        """Whether whoever is asking has a permission."""
        return await self.loaders.permission.load(PermissionKey(await self.identity(), permission))

    async def _verified(self) -> Identity:
        if self.token is not None:
            return identity_of(await self.loaders.session_by_token.load(self.token))
        if self._offered:
            raise errcode.Unauthenticated("authorization: must be Bearer and a session token")
        return GUEST


def bearer_token(authorization: str) -> str | None:
    """The token of an `Authorization` header; None when it holds none that could be ours."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    usable = scheme.lower() == "bearer" and 0 < len(token) <= MOST_TOKEN_CHARACTERS and token.isascii()
    return token if usable and token.isprintable() else None


def identity_of(session: account_pb2.VerifiedSession) -> Identity:
    """Who a session belongs to; raises Unauthenticated, TokenExpired, AccountClosed or BackendUnavailable."""
    if session.state == account_pb2.VerifiedSession.STATE_EXPIRED:
        raise errcode.TokenExpired
    if session.state == account_pb2.VerifiedSession.STATE_UNVERIFIED:
        raise errcode.BackendUnavailable("issuer")
    if session.state != account_pb2.VerifiedSession.STATE_VALID:
        raise errcode.Unauthenticated("authorization: nobody is signed in with this token")
    if session.account_status not in MAY_ACT:
        raise errcode.AccountClosed
    return Identity(session.viewer.account_id, session.viewer.account_type, session.viewer.assertion)


@lru_cache(maxsize=64)
def type_name(account_type: int) -> str:
    """The account type as GraphQL writes it; its number when it is newer than this gateway."""
    value = identity_pb2.AccountType.DESCRIPTOR.values_by_number.get(account_type)
    return value.name.removeprefix("ACCOUNT_TYPE_") if value else f"TYPE_{account_type}"
