"""Every setting of the gateway."""

from pydantic import Field

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
    request_seconds: float = Field(5.0, gt=0, le=300, description="How long a request may take.")
    body_bytes: int = Field(65_536, ge=1024, description="The most bytes that the body of a request may have.")
    operation_tokens: int = Field(2000, ge=1, description="The most tokens that a GraphQL document may have.")
    operation_depth: int = Field(12, ge=1, description="How deep the fields of an operation may be nested.")
    operation_aliases: int = Field(30, ge=0, description="The most aliases that an operation may use.")
