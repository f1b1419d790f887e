from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.body import Operation, Refusal, check_content, parse_operation


def refused(body: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        parse_operation(body)
    assert (caught.value.status, caught.value.error.code) == (400, 4000200)
    return caught.value.error.message


def status_of(check: Callable[[], object]) -> int | None:
    try:
        check()
    except Refusal as refusal:
        return refusal.status
    return None


def test_an_operation_is_read_from_json() -> None:
    body = b'{"query": "{ a }", "variables": {"x": [1]}, "operationName": "A", "extensions": {}, "more": 1}'
    assert parse_operation(body) == Operation("{ a }", {"x": [1]}, "A")


def test_everything_but_the_query_may_be_null_or_missing() -> None:
    plain = Operation("{ a }", {}, None)
    assert parse_operation(b'{"query": "{ a }"}') == plain
    assert parse_operation(b'{"query": "{ a }", "variables": null, "operationName": null, "extensions": null}') == plain


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"query": 1}', "query: must be a string"),
        (b'{"query": null}', "query: must be given and not empty"),
        (b'{"query": ""}', "query: must be given and not empty"),
        (b"{}", "query: must be given and not empty"),
        (b'{"query": "{a}", "variables": "{}"}', "variables: must be an object"),
        (b'{"query": "{a}", "variables": []}', "variables: must be an object"),
        (b'{"query": "{a}", "operationName": 3}', "operationName: must be a string"),
        (b'{"query": "{a}", "extensions": []}', "extensions: must be an object"),
        (b'[{"query": "{a}"}]', "the body must be a JSON object; batches are not served"),
        (b"null", "the body must be a JSON object; batches are not served"),
        (b'"{a}"', "the body must be a JSON object; batches are not served"),
        (b'{"query": "{a}", "variables": {"x": "\\u0000"}}', "variables.x: the NUL character is not allowed"),
        (b'{"query": "{a}", "variables": {"x": [{"\\u0000": 1}]}}', "variables.x: the NUL character is not allowed"),
        (b'{"query": "{a(x: \\"\\\\u0000\\")}"}', "query: the NUL character is not allowed"),
        (b'{"query": "{a(x: \\"\\\\u{000}\\")}"}', "query: the NUL character is not allowed"),
    ],
)
def test_a_wrong_shape_is_refused_naming_the_field(body: bytes, message: str) -> None:
    assert refused(body) == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b'{"query": "{a}", "variables": {"x": NaN}}',
        b'{"query": "{a}", "variables": {"x": Infinity}}',
        b'{"query": "{a}", "variables": {"x": %s}}' % (b"9" * 5000),
        b'{"query": "\xff"}',
        b'{"query": "\x00"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{a}", "variables": {"x": %s}}' % (b"[" * 100_000),
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refused(body).startswith("the body is not JSON: ")


def test_a_backslash_before_a_u_in_a_document_is_no_nul() -> None:
    assert parse_operation(b'{"query": "{a(x: \\"\\\\\\\\u0000\\")}"}').query == '{a(x: "\\\\u0000")}'


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda junk: b'{"query": "{a}", ' + junk + b"}"))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    assert status_of(lambda: parse_operation(body)) in (None, 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": "Application/JSON; charset=UTF-8"},
        {"content-type": 'application/json;charset="utf8"', "content-encoding": "identity"},
    ],
)
def test_plain_json_is_taken(headers: dict[str, str]) -> None:
    check_content(Headers(headers))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "content-type: must be application/json"),
        ({"content-type": ""}, "content-type: must be application/json"),
        ({"content-type": "text/plain"}, "content-type: must be application/json"),
        ({"content-type": "application/graphql"}, "content-type: must be application/json"),
        ({"content-type": "application/x-www-form-urlencoded"}, "content-type: must be application/json"),
        ({"content-type": "multipart/form-data; boundary=x"}, "content-type: must be application/json"),
        ({"content-type": "application/json; charset=latin-1"}, "content-type: the charset must be utf-8"),
        ({"content-type": "application/json; charset*=x''y"}, "content-type: the charset must be utf-8"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, "content-encoding: must be left out"),
    ],
)
def test_every_other_content_is_refused(headers: dict[str, str], message: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_content(Headers(headers))
    assert (caught.value.status, caught.value.error.code, caught.value.error.message) == (415, 4000200, message)


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=80))
def test_no_content_type_does_more_than_be_refused(text: str) -> None:
    assert status_of(lambda: check_content(Headers({"content-type": text}))) in (None, 415)


def test_an_operation_does_not_show_what_is_asked_with() -> None:
    operation = Operation('{ signIn(password: "hunter2") }', {"password": "hunter2"}, "SignIn")
    assert repr(operation) == "Operation(name='SignIn', reads_only=False, document_id=None)"
