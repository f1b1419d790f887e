"""What is told of a change, and what is not."""

from dataclasses import replace
from datetime import date

import pytest

from services.account.biz import (
    Account,
    Attributes,
    BusinessAttributes,
    Changed,
    CreatorAttributes,
    Difference,
    PersonalAttributes,
    StaffAttributes,
    changed,
)
from tests.services.account.examples import ADA, BO, CORP, SAM


def test_each_attribute_that_differs_is_told_in_the_order_of_names() -> None:
    after = replace(ADA, handle="lady", display_name="Countess", avatar_url=None, bio=None)
    assert changed(ADA, after) == Changed(
        (
            Difference("avatar_url", "https://cdn.example/1.png", None),
            Difference("bio", "Reads.", None),
            Difference("display_name", "Ada", "Countess"),
            Difference("handle", "Ada_L", "lady"),
        )
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (BO, CreatorAttributes("Films", verified=False), [Difference("creator.verified", "true", "false")]),
        (BO, CreatorAttributes(None, verified=True), [Difference("creator.category", "Films", None)]),
        (
            CORP,
            BusinessAttributes("Corp plc", "Print"),
            [
                Difference("business.company_name", "Corp Ltd", "Corp plc"),
                Difference("business.industry", "Printing", "Print"),
                Difference("business.verified", "true", "false"),
            ],
        ),
        (SAM, StaffAttributes("Legal"), [Difference("staff.department", "Care", "Legal")]),
        (ADA, PersonalAttributes(date(1991, 1, 1)), [Difference("birthday", None, None)]),
    ],
)
def test_attributes_of_a_type_are_told_by_their_names_in_the_contract_private_ones_without_values(
    before: Account, after: Attributes, told: list[Difference]
) -> None:
    assert changed(before, replace(before, attributes=after)) == Changed(tuple(told))


def test_what_stays_or_is_told_otherwise_is_no_difference() -> None:
    assert changed(ADA, replace(ADA, version=9, merging_into=4)) == Changed(())
