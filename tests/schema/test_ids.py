import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.graphql.ids import LARGEST, Prefix, decode, encode, number_of


@given(st.sampled_from(Prefix), st.integers(min_value=1, max_value=LARGEST))
def test_what_was_encoded_is_decoded(prefix: Prefix, number: int) -> None:
    assert decode(encode(prefix, number)) == (prefix, number)


@given(st.text() | st.from_regex(r"(acc|act|ban)_[0-9]{1,21}"))
def test_what_is_decoded_was_encoded_so(text: str) -> None:
    found = decode(text)
    assert found is None or encode(*found) == text


FOREIGN = [
    "",
    "1",
    "acc",
    "acc_",
    "acc_0",
    "acc_01",
    "acc_-1",
    "acc_1 ",
    "acc_1\n",
    "ACC_1",
    "abc_1",
    "acc_١",
    "acc_1_1",
]
TOO_LARGE = [f"acc_{LARGEST + 1}", "acc_" + "9" * 5000]


@pytest.mark.parametrize("text", [*FOREIGN, *TOO_LARGE])
def test_what_nobody_encoded_is_no_id(text: str) -> None:
    assert decode(text) is None


def test_an_id_looks_as_clients_know_it() -> None:
    assert [encode(prefix, 1) for prefix in Prefix] == ["acc_1", "act_1", "ban_1"]


def test_an_id_of_another_kind_has_no_number() -> None:
    assert (number_of(Prefix.ACCOUNT, "acc_7"), number_of(Prefix.ACCOUNT, "act_7")) == (7, None)
