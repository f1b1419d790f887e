from enum import Enum
from typing import Any

import pytest

from schema.generated.account.v1.account_pb2 import AccountStatus as AccountStatusContract
from schema.generated.activity.v1.activity_pb2 import ActivityKind as ActivityKindContract
from schema.generated.admin.v1 import admin_pb2
from schema.generated.banner.v1.banner_pb2 import BannerSlot as BannerSlotContract
from schema.generated.identity.v1 import identity_pb2
from schema.generated.identity.v1.identity_pb2 import AccountType as AccountTypeContract
from schema.graphql.accounts import ACCOUNTS
from schema.graphql.admin.enums import AdminChangeKind, AdminMergeState
from schema.graphql.enums import AccountStatus, AccountType, ActivityKind, BannerSlot
from schema.graphql.homes import HOMES

PAIRS: list[tuple[type[Enum], Any, str]] = [
    (AccountType, AccountTypeContract, "ACCOUNT_TYPE_"),
    (AccountStatus, AccountStatusContract, "ACCOUNT_STATUS_"),
    (ActivityKind, ActivityKindContract, "ACTIVITY_KIND_"),
    (BannerSlot, BannerSlotContract, "BANNER_SLOT_"),
    (AccountStatus, admin_pb2.AccountStatus, "ACCOUNT_STATUS_"),
    (ActivityKind, admin_pb2.ActivityKind, "ACTIVITY_KIND_"),
    (AdminChangeKind, admin_pb2.ChangeKind, "CHANGE_KIND_"),
    (AdminMergeState, admin_pb2.MergeState, "MERGE_STATE_"),
]


@pytest.mark.parametrize(("ours", "contract", "prefix"), PAIRS)
def test_every_word_of_the_contract_is_a_word_of_the_schema(ours: type[Enum], contract: Any, prefix: str) -> None:
    words = {name.removeprefix(prefix): number for name, number in contract.items()}
    words["OTHER"] = words.pop("UNSPECIFIED")
    assert {each.name: each.value for each in ours} == words


@pytest.mark.parametrize(("ours", "_contract", "_prefix"), PAIRS)
def test_a_number_newer_than_this_gateway_is_other(ours: type[Enum], _contract: Any, _prefix: str) -> None:
    assert ours(99).name == "OTHER"


def test_every_account_type_but_the_guest_has_a_class() -> None:
    none = {identity_pb2.ACCOUNT_TYPE_UNSPECIFIED, identity_pb2.ACCOUNT_TYPE_GUEST}
    assert set(ACCOUNTS) == set(AccountTypeContract.values()) - none
    assert len(set(ACCOUNTS.values())) == len(ACCOUNTS)


def test_every_account_type_has_a_home() -> None:
    assert set(HOMES) == set(AccountTypeContract.values()) - {identity_pb2.ACCOUNT_TYPE_UNSPECIFIED}
    assert len(set(HOMES.values())) == len(HOMES)
