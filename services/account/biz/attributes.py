"""What the attributes of an account must be, for each type, when it is opened and when they change."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import Any

from schema.errcode import InvalidArgument
from services.account.biz.rules import name_of
from services.account.biz.words import (
    ATTRIBUTES,
    Account,
    AccountChange,
    AccountType,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    PersonalAttributes,
    StaffAttributes,
)

LONGEST = 100
"""Of a category, a company's name, an industry, a department: characters."""
EARLIEST_BIRTHDAY = date(1900, 1, 1)
_ARGUMENTS = {
    "verified": "verified",
    "category": "category",
    "company_name": "companyName",
    "industry": "industry",
    "department": "department",
    "birthday": "birthday",
}
"""The attributes of a change that only accounts of some types have, and what refusals call them."""


def checked_attributes(kind: AccountType, attributes: Attributes | None) -> Attributes:
    """The attributes as they are kept; raises InvalidArgument when they are not those of the type, or not all there."""
    if attributes is None and kind is AccountType.PERSONAL:
        return PersonalAttributes()
    if attributes is None:
        raise InvalidArgument(kind.name.lower(), f"must be set for a {kind.name} account")
    if not isinstance(attributes, ATTRIBUTES[kind]):
        raise InvalidArgument(_TYPES[type(attributes)].name.lower(), f"must not be set for a {kind.name} account")
    return _RULES[type(attributes)](attributes)


def set_own(change: AccountChange) -> dict[str, Any]:
    """What the change sets of the attributes that only accounts of some types have, by name."""
    return {name: value for name in _ARGUMENTS if (value := getattr(change, name)) is not None}


def attributes_after(account: Account, change: AccountChange, today: date) -> Attributes:
    """The account's attributes after the change; raises InvalidArgument for the first that cannot be so."""
    wanted, known = set_own(change), {field.name for field in fields(account.attributes)}
    for name in wanted:
        if name not in known:
            raise InvalidArgument(_ARGUMENTS[name], f"must not be set for a {account.type.name} account")
    if "birthday" in wanted:
        wanted["birthday"] = _birthday(wanted["birthday"], today)
    return checked_attributes(account.type, replace(account.attributes, **wanted))


def _birthday(text: str, today: date) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument("birthday", "must be a day such as 1990-12-31, or empty") from error
    if not EARLIEST_BIRTHDAY <= day <= today:
        raise InvalidArgument("birthday", f"must be between {EARLIEST_BIRTHDAY} and today")
    return day


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
