"""The settings of the rate limits."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from throttled import Quota
from throttled.exceptions import DataError
from throttled.rate_limiter.quota_parser import parse

OFF = "off"
IN_PRODUCTION = {
    "account_fields": "50/s burst 1000",
    "account_cost": "5000/s burst 100000",
    "address_fields": "500/s burst 10000",
    "address_cost": "50000/s burst 1000000",
}
"""What holds in production where nothing is set. Behind one address there may be many people."""


def check_rate(text: str) -> str:
    """The text as it is when it is one rate or `off`; else a ValueError that says what one looks like."""
    if text != OFF and _parsed(text) is None:
        raise ValueError("must be such as `100/s burst 500` or `10/minute`, or `off`")
    return text


def _parsed(text: str) -> Quota | None:
    try:
        quotas = parse(text)
    except DataError:
        return None
    return quotas[0] if len(quotas) == 1 and quotas[0].burst > 0 else None


Rate = Annotated[str, AfterValidator(check_rate)]


def _told(what: str, name: str) -> str:
    return f"{what}; unset: `{IN_PRODUCTION[name]}` in production, else `off`."


class Rates(BaseModel):
    """How much one client may ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_fields: Rate | None = Field(
        None, description=_told("How many root fields one account may ask for", "account_fields")
    )
    account_cost: Rate | None = Field(
        None, description=_told("What all that one account asks for may cost", "account_cost")
    )
    address_fields: Rate | None = Field(
        None, description=_told("How many root fields may be asked for from one address", "address_fields")
    )
    address_cost: Rate | None = Field(
        None, description=_told("What all that is asked for from one address may cost", "address_cost")
    )
    sign_ins_address: Rate = Field(
        "1/s burst 100", description="How often somebody may try to sign in from one address."
    )
    sign_ins_handle: Rate = Field(
        "20/minute burst 20", description="How often somebody may try to sign in as one account."
    )

    def quota(self, name: str, *, production: bool) -> Quota | None:
        """What one of them allows; None where nothing is limited."""
        told: str | None = getattr(self, name)
        text = told or (IN_PRODUCTION.get(name, OFF) if production else OFF)
        return None if text == OFF else _parsed(text)
