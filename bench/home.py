"""The one request that is measured: the home page of a signed-in viewer with 20 items of the feed."""

import json

QUERY = """
query Home {
  viewer {
    type
    account { id handle displayName __typename }
    home {
      __typename
      features { key title url badge }
      banners { id title imageUrl targetUrl }
      feed(first: 20) {
        edges { cursor node { id kind text createdAt author { id handle displayName __typename } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
BODY = json.dumps({"query": QUERY, "operationName": "Home"}).encode()
HEADERS = {"content-type": "application/json", "accept": "application/graphql-response+json"}


def request(token: str) -> bytes:
    """The whole HTTP request of the viewer with this session token."""
    headers = {**HEADERS, "host": "127.0.0.1", "authorization": f"Bearer {token}", "content-length": str(len(BODY))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /graphql HTTP/1.1\r\n{lines}\r\n".encode() + BODY
