"""How many long connections, sockets and streams of events, one client holds open at this process."""

from collections import Counter

from schema import errcode

RETRY_SECONDS = 10
"""After how long a client is told to come back that holds too many connections open: meanwhile it may close some."""


class TooManyConnections(errcode.RateLimited):
    """A client opens one connection more than it may hold open."""

    def __init__(self, whose: str, most: int) -> None:
        errcode.AtriumError.__init__(self, f"too many connections of this {whose}: it may hold {most} open")
        self.retry_after = RETRY_SECONDS


class Connections:
    """Counts the connections of each client, by its address and by its account."""

    def __init__(self, address_most: int | None = None, account_most: int | None = None) -> None:
        """None: any number."""
        self.addresses = Holders("address", address_most)
        self.accounts = Holders("account", account_most)

    def take(self, address: str) -> "Seat":
        """A seat for one more connection from the address, to be left once; raises TooManyConnections."""
        self.addresses.add(address)
        return Seat(self, address)


class Seat:
    """One connection."""

    def __init__(self, connections: Connections, address: str) -> None:
        self._connections = connections
        self._address = address
        self._accounts = set[int]()

    def claim(self, account_id: int) -> None:
        """Notes that the connection is the account's; raises TooManyConnections. Doing so again changes nothing."""
        if account_id not in self._accounts:
            self._connections.accounts.add(account_id)
            self._accounts.add(account_id)

    def leave(self) -> None:
        """The connection is closed."""
        self._connections.addresses.remove(self._address)
        for account_id in self._accounts:
            self._connections.accounts.remove(account_id)


class Holders:
    """How many connections each address, or each account, holds open."""

    def __init__(self, kind: str, most: int | None) -> None:
        self._kind = kind
        self._most = most
        self._open = Counter[object]()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, holder: object) -> None:
        """One more; raises TooManyConnections."""
        if self._most is not None and self._open[holder] >= self._most:
            raise TooManyConnections(self._kind, self._most)
        self._open[holder] += 1

    def remove(self, holder: object) -> None:
        """One less."""
        self._open[holder] -= 1
        if not self._open[holder]:
            del self._open[holder]
