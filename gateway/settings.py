"""Every setting of the gateway."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.guard import Limits
from gateway.lanes import check_lanes
from gateway.rates.address import Networks, check_networks, networks
from gateway.rates.quotas import Rates
from services.runtime import settings


class Settings(settings.Settings):
    """What every process reads, and what only the gateway does."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, lt=65536, description="Port to listen on.")
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
    request_seconds: float = Field(5.0, gt=0, le=300, description="How long a request may take.")
    share_calls: bool = Field(
        True, description="Ask backends once for requests that ask the same at the same time; off: each by itself."
    )
    body_bytes: int = Field(65_536, ge=1024, description="The most bytes that the body of a request may have.")
    init_seconds: float = Field(
        5.0, gt=0, le=300, description="How long a WebSocket may stay open without introducing itself."
    )
    socket_operations: int = Field(20, ge=1, description="The most operations that a WebSocket may have at once.")
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

    @property
    def only_trusted(self) -> bool:
        """Whether only trusted documents are run."""
        return self.production and self.documents is not None

    @property
    def proxies(self) -> Networks:
        """The networks of trusted proxies."""
        return networks(self.trusted_proxies)

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
