"""Every setting of the gateway."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.guard import Limits
from gateway.lanes import check_lanes
from gateway.rates.address import Networks, check_networks, networks
from gateway.rates.quotas import Rates
from loaders.caching import Lifetimes, Seconds, Sizes
from loaders.last_good import Room
from services.runtime import settings
from services.runtime.cache import MEMORY

ADDRESS_CONNECTIONS, ACCOUNT_CONNECTIONS = 500, 50
"""How many long connections one client may hold open in production, where nothing is set."""


class CacheSettings(BaseModel):
    """What a gateway keeps of the answers of backends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local: bool = Field(True, description="Whether a gateway keeps answers in its process.")
    remote: bool = Field(True, description="Whether gateways keep answers in the cache that they share.")
    entries: int = Field(
        10_000, ge=8, le=1_000_000, description="The most answers to one question that a gateway keeps in its process."
    )
    local_seconds: float = Field(2.0, gt=0, le=60, description="For how long.")
    remote_seconds: float = Field(30.0, gt=0, le=3600, description="How long answers stay in the shared cache.")
    absent_seconds: float = Field(
        5.0, ge=0, le=3600, description="The same for the answer that there is none; 0: they are not kept there."
    )
    session_local_seconds: float = Field(
        1.0, gt=0, le=60, description="How long a gateway takes a session for open without asking again."
    )
    # With the longest in this process less than what a viewer's proof counts for at least.
    session_remote_seconds: float = Field(
        5.0, gt=0, le=60, description="How long open sessions stay in the shared cache."
    )

    stale: bool = Field(
        True,
        description="Whether a gateway remembers the last good answers, for fields that show them when a backend is "
        "down, and shares them with the others.",
    )
    stale_entries: int = Field(
        2_000, ge=8, le=1_000_000, description="The most last good answers to one question that a gateway remembers."
    )

    @property
    def sizes(self) -> Sizes:
        """As the caches want it."""
        return Sizes(
            local=self.local,
            remote=self.remote,
            entries=self.entries,
            lifetimes=Lifetimes(
                usual=Seconds(self.local_seconds, self.remote_seconds, self.absent_seconds),
                sessions=Seconds(self.session_local_seconds, self.session_remote_seconds, 0.0),
            ),
        )


class Settings(settings.Settings):
    """What every process reads, and what only the gateway does."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, lt=65536, description="Port to listen on.")
    workers: int = Field(
        1, ge=1, le=256, description="How many processes serve the port; each keeps answers and counts for itself."
    )
    embedded: bool = Field(
        False, description="Run every backend in this process, on stores in the data folder, with demo data."
    )
    demo_accounts: int = Field(
        240, ge=60, le=1_000_000, description="How many accounts the demo data of an empty embedded store have."
    )
    production: bool = Field(
        False, description="Turn off what helps strangers: GraphiQL, introspection, and suggestions in error messages."
    )
    trusted_proxies: Annotated[str, AfterValidator(check_networks)] = Field(
        "",
        description="Networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8, ::1`; empty: nobody's.",
    )
    lanes: Annotated[str, AfterValidator(check_lanes)] = Field(
        "",
        description="Lanes that a request may ask for by `x-atrium-lane`, such as `blue, green`; in any other it is "
        "answered as usual.",
    )
    rates: Rates = Field(Rates(), description="How much one client may ask for.")
    documents: Path | None = Field(
        None,
        description="Manifest of trusted documents, or a folder of such, read again when it changes: clients may ask "
        "for them by id, by GET too, and in production nothing else is run.",
    )
    apq: bool = Field(
        False,
        description="Whether clients may register a query by its hash (automatic persisted queries), where not only "
        "trusted documents are run.",
    )
    notice_seconds: float = Field(
        2.0,
        ge=0,
        le=300,
        description="How long the gateway goes on serving after SIGTERM while `/readyz` is 503 and connections are "
        "closed after their next answer, so that balancers turn to others first.",
    )
    request_seconds: float = Field(5.0, gt=0, le=300, description="How long a request may take.")
    share_calls: bool = Field(
        True, description="Ask backends once for requests that ask the same at the same time; off: each by itself."
    )
    share_answers: bool = Field(
        True, description="Run equal queries of one viewer and one moment once; off: each by itself."
    )
    body_bytes: int = Field(65_536, ge=1024, description="The most bytes that the body of a request may have.")
    init_seconds: float = Field(
        5.0, gt=0, le=300, description="How long a WebSocket may stay open without introducing itself."
    )
    socket_operations: int = Field(20, ge=1, description="The most operations that a WebSocket may have at once.")
    address_connections: int | None = Field(
        None,
        ge=1,
        description="The most long connections (WebSockets and streams of events) that one address may hold open at a "
        f"gateway process, of N workers N times as many; unset: {ADDRESS_CONNECTIONS} in production, else any number.",
    )
    account_connections: int | None = Field(
        None,
        ge=1,
        description="The most long connections over which one account may ask at once at a gateway process, of "
        f"N workers N times as many; unset: {ACCOUNT_CONNECTIONS} in production, else any number.",
    )
    operation_bytes: int = Field(16_384, ge=1, description="The most bytes that a GraphQL document may have.")
    operation_tokens: int = Field(2000, ge=1, description="The most tokens that a GraphQL document may have.")
    operation_fields: int = Field(
        500, ge=1, description="The most fields that an operation may have once its fragments are written out."
    )
    operation_roots: int = Field(20, ge=1, description="The most fields that an operation may have at its top.")
    operation_depth: int = Field(12, ge=1, description="How deep the fields of an operation may be nested.")
    operation_aliases: int = Field(30, ge=0, description="The most aliases that an operation may use.")
    operation_fragments: int = Field(
        100, ge=0, description="How often an operation may spread fragments, those within fragments included."
    )
    operation_repeats: int = Field(
        100, ge=0, description="How many fields with arguments or fields of their own may repeat another."
    )
    operation_cost: int = Field(
        3000,
        ge=1,
        description="The most that an operation may cost, by `@cost` and `@listSize` in the schema.",
    )
    operation_directives: int = Field(20, ge=0, description="The most directives that a GraphQL document may have.")
    operations: int = Field(10, ge=1, description="The most operations that a GraphQL document may have.")

    caches: CacheSettings = Field(CacheSettings(), description="What the gateway keeps of the answers of backends.")

    @property
    def only_trusted(self) -> bool:
        """Whether only trusted documents are run."""
        return self.production and self.documents is not None

    @property
    def proxies(self) -> Networks:
        """The networks of trusted proxies."""
        return networks(self.trusted_proxies)

    @property
    def cache_sizes(self) -> Sizes:
        """What the gateway keeps where: nothing in a cache that it shares with nobody, not even its backends."""
        sizes = self.caches.sizes
        return sizes if self.embedded or self.cache != MEMORY else replace(sizes, remote=False)

    @property
    def room(self) -> Room | None:
        """How much is remembered for when a backend is down; a cache of this process alone has nothing to add."""
        shared = not self.cache.startswith(MEMORY)
        return Room(self.caches.stale_entries, shared=shared) if self.caches.stale else None

    @property
    def most_connections(self) -> tuple[int | None, int | None]:
        """How many long connections an address and an account may hold open; None for any number."""
        usual = (ADDRESS_CONNECTIONS, ACCOUNT_CONNECTIONS) if self.production else (None, None)
        return self.address_connections or usual[0], self.account_connections or usual[1]

    @property
    def limits(self) -> Limits:
        """How large an operation may be."""
        return Limits(
            bytes=self.operation_bytes,
            tokens=self.operation_tokens,
            operations=self.operations,
            directives=self.operation_directives,
            fields=self.operation_fields,
            roots=self.operation_roots,
            depth=self.operation_depth,
            aliases=self.operation_aliases,
            fragments=self.operation_fragments,
            repeats=self.operation_repeats,
            cost=self.operation_cost,
        )
