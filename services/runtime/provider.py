"""The settings of an identity provider outside, whose tokens let accounts in."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""What a provider may sign with: never a secret that two parties share."""


class Provider(BaseModel):
    """Whose tokens are believed, and how they name an account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str | None = Field(
        None, description="Issuer of JWTs that are believed beside sessions, exactly as their `iss` says; unset: none."
    )
    audience: str | None = Field(None, description="What the `aud` of such a token must name.")
    keys_url: str | None = Field(
        None,
        description="Where the issuer publishes its keys (JWKS), by https; by http on this machine only.",
        repr=False,
    )
    algorithms: str = Field(
        "RS256,ES256", description="Algorithms that are believed, after commas; none that share a secret."
    )
    claim: str = Field("sub", min_length=1, description="The claim that names the account.")
    account_by: Literal["id", "handle"] = Field(
        "id", description="What the claim holds: the `id` of an account, such as `acc_1`, or its `handle`."
    )
    skew_seconds: float = Field(
        30.0, ge=0, le=300, description="How far apart the clocks of issuer and backend may be."
    )
    fetch_seconds: float = Field(
        1.5, gt=0, description="How long fetching the keys may take: somebody may be waiting for it."
    )
    refresh_seconds: float = Field(300.0, gt=0, description="How often the keys are fetched.")
    retry_seconds: float = Field(
        10.0, gt=0, description="How soon they may be fetched again, for a token whose key is not known."
    )
    stale_seconds: float = Field(86_400.0, gt=0, description="For how long keys are used that cannot be fetched anew.")

    @property
    def algorithm_names(self) -> tuple[str, ...]:
        """The algorithms one by one."""
        return tuple(name.strip() for name in self.algorithms.split(","))

    @field_validator("algorithms")
    @classmethod
    def _only_public_keys(cls, algorithms: str) -> str:
        for name in algorithms.split(","):
            if name.strip() not in ALGORITHMS:
                raise ValueError(f"must be some of {', '.join(ALGORITHMS)}")
        return algorithms

    @field_validator("keys_url")
    @classmethod
    def _not_over_the_network_in_plaintext(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://unset")
        if parts.scheme != "https" and (parts.scheme, parts.hostname) not in (
            ("http", "127.0.0.1"),
            ("http", "::1"),
            ("http", "localhost"),
        ):
            raise ValueError("must be https://…, or http://127.0.0.1:port")
        return url

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len({self.issuer is None, self.audience is None, self.keys_url is None}) > 1:
            raise ValueError("ISSUER, AUDIENCE and KEYS_URL go together")
        return self
