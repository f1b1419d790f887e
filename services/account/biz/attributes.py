"""What the attributes of a new account must be, for each type."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from schema.errcode import InvalidArgument
from services.account.biz.rules import name_of
from services.account.biz.words import (
    ATTRIBUTES,
    AccountType,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    PersonalAttributes,
    StaffAttributes,
)

LONGEST = 100
"""Of a category, a company's name, an industry, a department: characters."""


def checked_attributes(kind: AccountType, attributes: Attributes | None) -> Attributes:
    """The attributes as they are kept; raises InvalidArgument when they are not those of the type, or not all there."""
    if attributes is None and kind is AccountType.PERSONAL:
        return PersonalAttributes()
    if attributes is None:
        raise InvalidArgument(kind.name.lower(), f"must be set for a {kind.name} account")
    if not isinstance(attributes, ATTRIBUTES[kind]):
        raise InvalidArgument(_TYPES[type(attributes)].name.lower(), f"must not be set for a {kind.name} account")
    return _RULES[type(attributes)](attributes)


def _creator(given: CreatorAttributes) -> Attributes:
    return replace(given, category=_optional("category", given.category))


def _business(given: BusinessAttributes) -> Attributes:
    name, industry = _name("companyName", given.company_name), _optional("industry", given.industry)
    return replace(given, company_name=name, industry=industry)


def _staff(given: StaffAttributes) -> Attributes:
    return replace(given, department=_name("department", given.department))


def _personal(given: PersonalAttributes) -> Attributes:
    return given


def _name(field: str, text: str) -> str:
    name = name_of(field, text)
    if len(name) > LONGEST:
        raise InvalidArgument(field, f"must be at most {LONGEST} characters")
    return name


def _optional(field: str, text: str | None) -> str | None:
    return _name(field, text) if text else None


_TYPES = {attributes: kind for kind, attributes in ATTRIBUTES.items()}
_RULES: dict[type[Attributes], Callable[[Any], Attributes]] = {
    PersonalAttributes: _personal,
    CreatorAttributes: _creator,
    BusinessAttributes: _business,
    StaffAttributes: _staff,
}
"""Turns what somebody typed into what is kept, for each type."""
