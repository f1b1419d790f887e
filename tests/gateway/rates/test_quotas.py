import pytest
from pydantic import ValidationError

from gateway.rates import Rates

NAMES = ("account_fields", "account_cost", "address_fields", "address_cost")


@pytest.mark.parametrize("text", ["100/s burst 500", "10/minute", "1 per hour", "off"])
def test_a_rate_or_off_is_taken(text: str) -> None:
    assert Rates(account_fields=text).account_fields == text


@pytest.mark.parametrize("text", ["", "much", "0/s", "5/s burst 0", "5", "5/fortnight", "1/s, 5/minute", "-1/s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValidationError, match="must be such as `100/s burst 500` or `10/minute`, or `off`"):
        Rates(account_fields=text)


def test_outside_production_only_signing_in_is_limited() -> None:
    assert [Rates().quota(name, production=False) for name in NAMES] == [None] * 4
    assert Rates().quota("sign_ins_handle", production=False) is not None


def test_in_production_everything_is_limited_unless_it_is_off() -> None:
    rates = Rates(account_cost="off", account_fields="7/minute burst 9")
    assert rates.quota("account_cost", production=True) is None
    quota = rates.quota("account_fields", production=True)
    assert quota is not None
    assert (quota.get_limit(), quota.get_period_sec(), quota.burst) == (7, 60, 9)
    assert all(Rates().quota(name, production=True) for name in NAMES)
