"""A sub-function of the account centre."""

import strawberry

from schema.generated.permission.v1 import permission_pb2
from schema.graphql.field import attribute


@strawberry.type(description="A sub-function that the viewer may use.")
class Feature:
    """A sub-function that the viewer may use."""

    message: strawberry.Private[permission_pb2.Feature]

    key: str = attribute("key", description="Unique name for programs, such as orders.")
    title: str = attribute("title", description="Name for people.")
    url: str = attribute("url", description="Where it is.")
    badge: str | None = attribute(
        "badge", optional=True, description="A short mark beside the title, such as NEW; null for none."
    )
