"""No field of a message gets lost on its way into the schema."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from strawberry.types import get_object_definition, has_object_definition

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.accounts import account_of
from schema.graphql.activity import Activity, Audience, page_of
from schema.graphql.banner import Banner
from schema.graphql.feature import Feature
from schema.graphql.mutation import Session
from tests.schema.fakes import ACCOUNTS, ADA, activity

ANYWHERE = "https://a.example"
# Whose figures these are is the question, not part of its answer; the author is asked for.
ELSEWHERE = {"Audience.account_id", "Activity.author_id", "ActivityPage.question"}


def full_account(number: int, **attributes: Any) -> account_pb2.Account:
    """The account with every attribute set that its type has."""
    found = account_pb2.Account()
    found.CopyFrom(ACCOUNTS[number])
    found.MergeFrom(account_pb2.Account(display_name="Name", avatar_url=ANYWHERE, bio="Words", **attributes))
    return found


def full_session() -> account_pb2.SignInResponse:
    opened = account_pb2.SignInResponse(token="t", account=ACCOUNTS[1])
    opened.expires_at.FromSeconds(1_767_225_600)
    return opened


def full_page() -> activity_pb2.ActivityPage:
    item = activity_pb2.ActivityPage.Item(cursor="c", activity=activity(11, 1))
    return activity_pb2.ActivityPage(items=[item], has_next_page=True, question=1)


REFUSALS = {"ActivityPage.cursor_refused"}
"""What is set only in a message that shows nothing."""
BANNER = banner_pb2.Banner(id=1, slot=banner_pb2.BANNER_SLOT_HOME_FEED, title="t", image_url="i", target_url="u")
FULL: list[tuple[Message, Callable[[Any], object]]] = [
    (full_account(1), account_of),
    (full_account(2), account_of),
    (full_account(3, business=account_pb2.BusinessAttributes(industry="trade", verified=True)), account_of),
    (full_account(4), account_of),
    (full_page(), lambda message: page_of(message, "", ADA)),
    (activity(11, 1), lambda message: Activity(message=message, viewer=ADA)),
    (
        activity_pb2.Audience(account_id=1, followers=3, new_this_week=2, activities_this_week=1),
        lambda message: Audience(message=message),
    ),
    (BANNER, lambda message: Banner(message=message)),
    (permission_pb2.Feature(key="k", title="t", url="u", badge="NEW"), lambda message: Feature(message=message)),
]


def without_each_field(message: Message) -> Iterator[tuple[str, Message]]:
    """Copies of the message, each with one field cleared, also within the messages of its contract that it holds."""
    for field, value in message.ListFields():
        yield f"{message.DESCRIPTOR.name}.{field.name}", changed(message, field.name, None)
        if is_part(message, field):
            for name, part in without_each_field(value):
                yield name, changed(message, field.name, part)


def is_part(message: Message, field: FieldDescriptor) -> bool:
    """Whether the field holds one message of the same contract."""
    held = field.message_type
    return held is not None and not field.is_repeated and held.file.package == message.DESCRIPTOR.file.package


def changed(message: Message, name: str, part: Message | None) -> Message:
    """A copy of the message with another part in this field, or with none."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField(name)
    if part is not None:
        getattr(copy, name).CopyFrom(part)
    return copy


def shown(value: object) -> object:
    """The attributes of an object, and of those that it holds, as the schema shows them; messages as they are."""
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    if not has_object_definition(value):
        return value
    fields = [field for field in get_object_definition(type(value), strict=True).fields if not field.base_resolver]
    return {field.python_name: shown(getattr(value, field.python_name)) for field in fields}


def named(value: object) -> str:
    """What a test's parameter is called."""
    return value.DESCRIPTOR.name if isinstance(value, Message) else "as"


@pytest.mark.parametrize(("message", "read"), FULL, ids=named)
def test_every_field_of_a_message_shows(message: Message, read: Callable[[Any], object]) -> None:
    whole = shown(read(message))
    assert {name for name, copy in without_each_field(message) if shown(read(copy)) == whole} <= ELSEWHERE


def unset_fields(message: Message) -> Iterator[str]:
    """Names of the fields without a value, those of another account type aside; also within parts."""
    held = message.ListFields()
    choices = [
        one for one in message.DESCRIPTOR.fields if one.containing_oneof and len(one.containing_oneof.fields) > 1
    ]
    for field in message.DESCRIPTOR.fields:
        if field not in choices and field not in [one for one, _ in held]:
            yield f"{message.DESCRIPTOR.name}.{field.name}"
    for field, value in held:
        if is_part(message, field):
            yield from unset_fields(value)


@pytest.mark.parametrize("message", [message for message, _ in FULL], ids=named)
def test_every_field_is_set_where_that_is_proved(message: Message) -> None:
    assert set(unset_fields(message)) <= REFUSALS


def test_a_session_shows_all_but_never_prints_its_token() -> None:
    session = Session.from_message(full_session())
    assert (session.token, session.expires_at) == ("t", "2026-01-01T00:00:00+00:00")
    assert session.viewer.identity == ADA
    assert repr(session) == f"Session({ADA})"
