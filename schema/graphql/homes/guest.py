"""The home page of somebody who is not signed in."""

import strawberry

from schema.graphql.homes.home import Home


@strawberry.type(description="For somebody not signed in: public features, public banners, the trending feed.")
class GuestHome(Home):
    """The home page of somebody who is not signed in."""
