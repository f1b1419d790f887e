"""What is sent by those who mean no good: documents made to hurt, and bytes that are no request."""

import json
from collections.abc import Mapping

from chaos.asked import post, raw

BRACES = "{ viewer " * 900
CHAIN = "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(240))
DOUBLING = "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100))
FIELDS = "handle displayName followerCount followingCount avatarUrl createdAt __typename id"
OVERLAPPING = "{ viewer { " + "account { id handle displayName } " * 400 + "} }"
CONFLICTS = "{ " + " ".join(f'a: account(id: "acc_{n}") {{ id }}' for n in range(150)) + " }"
ALIASES = "{ " + " ".join(f'a{n}: account(id: "acc_{n}") {{ id }}' for n in range(200)) + " }"
NAMES = "mutation { " + " ".join(f's{n}: signIn(handle: "ada", password: "{n}") {{ token }}' for n in range(100)) + " }"
WIDE = "{ " + " ".join(f'a{n}: account(id: "acc_{n}") {{ {FIELDS} }}' for n in range(20)) + " }"
LONG = "{ viewer { home { feed(first: 100) { edges { cursor node { id text author { " + FIELDS + " } } } } } } }"

QUERIES: Mapping[str, str] = {
    "deep braces": BRACES,
    "a chain of fragments": CHAIN,
    "doubling fragments": DOUBLING,
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "overlapping fields": OVERLAPPING,
    "conflicting fields": CONFLICTS,
    "many aliases": ALIASES,
    "many sign-ins": NAMES,
    "many tokens": "{ " + "a " * 30_000 + "}",
    "many comments": "#\n" * 20_000 + "{ a }",
    "many directives": "{ __typename " + "@a" * 1900 + " }",
    "many variables": "query Q(" + " ".join(f"$v{n}: Int" for n in range(400)) + ") { __typename }",
    "many operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(300)),
    "all of introspection": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "as wide as is allowed": WIDE,
    "as long as is allowed": LONG,
}
"""Documents that cost a careless gateway seconds."""
BODIES: Mapping[str, str] = {
    "null": "null",
    "a number": "1",
    "a list": "[]",
    "many requests in one": json.dumps([{"query": "{ __typename }"}] * 50),
    "nothing": "",
    "half of it": '{"query": "{ __typename',
    "deep JSON": "[" * 30_000,
    "a huge number": '{"query": "{ a }", "variables": {"n": ' + "9" * 5000 + "}}",
    "not a number": '{"query": "{ a }", "variables": {"n": NaN}}',
    "half a pair": '{"query": "{ account(id: \\"\\ud800\\") { id } }"}',
    "a nul": json.dumps({"query": '{ account(id: "\\u0000") { id } }'}),
    "a large body": '{"query": "' + "a" * 200_000 + '"}',
    "variables of a wrong shape": '{"query": "{ __typename }", "variables": [1]}',
    "an object for a query": '{"query": {"a": 1}}',
}
"""What is no GraphQL over HTTP, although it comes as JSON."""
HEADERS: Mapping[str, Mapping[str, str]] = {
    "plain text": {"content-type": "text/plain"},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "a file": {"content-type": "multipart/form-data; boundary=x"},
    "another charset": {"content-type": "application/json; charset=utf-16"},
    "compressed": {"content-encoding": "gzip"},
    "no answer will do": {"accept": "image/png"},
    "a token that is none": {"authorization": "Bearer " + "x" * 5000},
    "no time": {"x-request-timeout-ms": "-1"},
    "large headers": {"x-large": "x" * 65_536},
    "many headers": {f"x-{number}": "x" for number in range(2000)},
}
"""Headers around a harmless query."""
BYTES: Mapping[str, str] = {
    "no HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no method": "NOTHING / HTTP/1.1\r\nhost: x\r\n\r\n",
    "no length": "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n",
    "a wrong length": "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
    "two lengths": "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "a mutation by GET": "GET /graphql?query=mutation%7BsignOut%7D HTTP/1.1\r\nhost: x\r\n\r\n",
    "a path upwards": "GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n",
    "a long path": "GET /" + "a" * 20_000 + " HTTP/1.1\r\nhost: x\r\n\r\n",
}
"""Requests that are none."""


def documents() -> list[str]:
    """The documents, as requests."""
    return [post({"query": query}) for query in QUERIES.values()]


def bad_input() -> dict[str, str]:
    """Everything that is bad, by name, as it is sent."""
    asked = {f"query: {name}": post({"query": query}) for name, query in QUERIES.items()}
    told = {f"body: {name}": raw(body, {}) for name, body in BODIES.items()}
    around = {f"headers: {name}": raw('{"query": "{ __typename }"}', headers) for name, headers in HEADERS.items()}
    return {**asked, **told, **around, **{f"bytes: {name}": sent for name, sent in BYTES.items()}}
