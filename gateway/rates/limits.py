"""Who may ask for how much: every operation is counted before it runs, whichever way it came."""

import hashlib
from collections.abc import Callable, Sequence

from cachebox import LRUCache
from graphql import StringValueNode, ValueNode, VariableNode

from gateway.documents import Prepared
from gateway.guard.formula import Variables
from gateway.rates.meter import Meter, Spending
from gateway.rates.quotas import Rates
from schema import errcode

SIGN_IN, HANDLE = "signIn", "handle"
"""The field that passwords can be tried with, and the argument that says whose."""
REFUSED_COST = 50
"""What it costs to find out that a document cannot be run."""
MOST_SESSIONS = 100_000
"""Of so many sessions it is remembered whose they are."""
Tell = Callable[[Spending], None]


class RateLimits:
    """Counts what each client asks for: what it asks at once beside how much of it, by address and by account."""

    def __init__(self, rates: Rates, tell: Tell | None = None, *, production: bool) -> None:
        """`tell` is called when other processes are to hear what a client used."""

        def meter(name: str) -> Meter | None:
            quota = rates.quota(name, production=production)
            return Meter(name, quota, tell) if quota else None

        self._address = (meter("address_fields"), meter("address_cost"))
        self._account = (meter("account_fields"), meter("account_cost"))
        self._limits_everything = any((*self._address, *self._account))
        self._sign_ins_address = meter("sign_ins_address")
        self._sign_ins_handle = meter("sign_ins_handle")
        self._accounts: LRUCache[str, int] = LRUCache(MOST_SESSIONS)

    async def admit(self, prepared: Prepared, variables: Variables, address: str, token: str | None) -> None:
        """Raises RateLimited when this operation is more than the client may ask for now; nothing has run then."""
        if self._limits_everything:
            amounts = (len(prepared.roots), prepared.cost(variables))
            await _use(self._address, address, amounts)
            if token is not None:
                await _use(self._account, self._account_of(token), amounts)
        if SIGN_IN in prepared.roots:
            await self._admit_sign_ins(prepared.arguments(SIGN_IN, HANDLE), variables, address)

    async def count_refused(self, address: str) -> None:
        """Counts what could not be run: to find out takes time as well. Raises RateLimited like `admit`."""
        await _use(self._address, address, (1, REFUSED_COST))

    async def _admit_sign_ins(self, handles: Sequence[ValueNode | None], variables: Variables, address: str) -> None:
        """Each attempt counts, however many stand in one operation."""
        await _use([self._sign_ins_address], address, [len(handles)])
        for handle in handles:
            await _use([self._sign_ins_handle], _digest(_text(handle, variables).casefold()), [1])

    def learn(self, token: str, account_id: int) -> None:
        """Has all sessions of an account count together; until then each counts by itself."""
        if self._limits_everything:
            self._accounts[_digest(token)] = account_id

    def _account_of(self, token: str) -> str:
        digest = _digest(token)
        return str(self._accounts.get(digest, digest))


async def _use(meters: Sequence[Meter | None], key: str, amounts: Sequence[int]) -> None:
    for meter, amount in zip(meters, amounts, strict=True):
        if meter and amount and (wait := await meter.use(key, amount)):
            raise errcode.RateLimited(wait)


def _text(value: ValueNode | None, variables: Variables) -> str:
    if isinstance(value, VariableNode):
        return str(variables.get(value.name.value))
    return value.value if isinstance(value, StringValueNode) else ""


def _digest(text: str) -> str:
    """Stands for a text that is a secret, or of any length."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()
