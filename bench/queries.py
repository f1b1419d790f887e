"""What is asked, and as which bytes."""

import json
from functools import cache

ACCOUNT = "id handle displayName __typename"
"""What is asked of each account."""


def home(items: int) -> str:
    """The home page of a signed-in viewer, with so many items of the feed."""
    return f"""
query Home {{
  viewer {{
    type
    account {{ {ACCOUNT} }}
    home {{
      __typename
      features {{ key title url badge }}
      banners {{ id title imageUrl targetUrl }}
      feed(first: {items}) {{
        edges {{ cursor node {{ id kind text createdAt author {{ {ACCOUNT} }} }} }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}
  }}
}}
"""


ITEMS = 20
"""Items of the feed in the home query."""
HOME = home(ITEMS)
KEPT = f"""
query Kept {{
  viewer {{ type account {{ {ACCOUNT} }} home {{ __typename features {{ key title url badge }} }} }}
  accounts(ids: {json.dumps([f"acc_{number}" for number in range(1, ITEMS + 1)])}) {{ {ACCOUNT} }}
}}
"""
"""What a gateway with caches answers without a backend, once it has been asked."""
QUERIES = {"home": HOME, "kept": KEPT}
HEADERS = {"content-type": "application/json", "accept": "application/graphql-response+json"}


@cache
def body(query: str) -> bytes:
    """The body of a request for the query of this name."""
    return json.dumps({"query": QUERIES[query], "operationName": query.title()}).encode()


def request(token: str, query: str = "home") -> bytes:
    """The whole HTTP request of the viewer with this session token."""
    sent = body(query)
    headers = {**HEADERS, "host": "127.0.0.1", "authorization": f"Bearer {token}", "content-length": str(len(sent))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /graphql HTTP/1.1\r\n{lines}\r\n".encode() + sent
