"""The settings of certificates."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Tls(BaseModel):
    """What processes show and ask of each other over TCP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cert: Path | None = Field(
        None, description="Certificate of this process, PEM, with its chain; for `<name>.<domain>`, by a SAN of DNS."
    )
    key: Path | None = Field(None, description="Private key of the certificate, PEM.")
    ca: Path | None = Field(None, description="Certificates of the authorities whose certificates are believed, PEM.")
    domain: str = Field("atrium.internal", description="What the names of processes end with in certificates.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len({self.cert is None, self.key is None, self.ca is None}) > 1:
            raise ValueError("CERT, KEY and CA go together")
        return self
