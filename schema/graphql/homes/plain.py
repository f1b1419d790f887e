"""The home page for an account type newer than this gateway."""

import strawberry

from schema.graphql.homes.home import Home


@strawberry.type(description="For an account of a type newer than this gateway: what every home page shows.")
class PlainHome(Home):
    """The home page for an account type newer than this gateway."""
