"""Where changing begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import strawberry

from schema.errcode import InvalidArgument, PermissionDenied, Unauthenticated
from schema.generated.account.v1 import account_pb2
from schema.graphql import arguments, ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.activity import Activity
from schema.graphql.enums import ActivityKind
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.moment import Moment, moment
from schema.graphql.ports import Commands, Context, Identity, PermissionKey
from schema.graphql.query import existing_account
from schema.graphql.viewer import Viewer


@strawberry.input(description="What to change of one's own account. What is left out or null stays as it is.")
class UpdateProfileInput:
    """What to change of one's own account."""

    version: int = strawberry.field(description="The version that the change was made from.")
    display_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The new name shown to others; 1 to 80 characters."
    )
    handle: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The new handle: 2 to 30 letters, digits or underscores, a letter first.",
    )
    avatar_url: str | None = strawberry.field(
        default=strawberry.UNSET, description="The new address of a picture; empty removes it."
    )
    bio: str | None = strawberry.field(
        default=strawberry.UNSET, description="The new words of the owner, at most 500 characters; empty removes them."
    )


@strawberry.input(description="What to publish.")
class PublishActivityInput:
    """What to publish."""

    kind: ActivityKind = strawberry.field(description="What the author did.")
    text: str = strawberry.field(description="What the author says of it; 1 to 2000 characters.")


@strawberry.type(description="A sign-in that succeeded.")
class Session:
    """A sign-in that succeeded."""

    token: str = strawberry.field(description="Shown once. Send it as `Authorization: Bearer …`.")
    expires_at: Moment = strawberry.field(description="When the session ends by itself.")
    viewer: Viewer = strawberry.field(description="Whoever is signed in now.")

    def __repr__(self) -> str:
        return f"Session({self.viewer.identity})"

    @classmethod
    def from_message(cls, message: account_pb2.SignInResponse) -> "Session":
        """The session that `message` tells of."""
        identity = Identity(message.account.id, message.account.type, message.viewer.assertion)
        return cls(token=message.token, expires_at=moment(message.expires_at), viewer=Viewer(identity=identity))


@contextmanager
def changing(context: Context) -> Iterator[Commands]:
    """The commands; whatever came of them, all that follows is read anew."""
    try:
        with arguments.named_by_argument():
            yield context.commands
    finally:
        context.renew()


async def signed_in(context: Context) -> Identity:
    """Who is asking; raises Unauthenticated for a guest."""
    viewer = await context.identity()
    if viewer.is_guest:
        raise Unauthenticated
    return viewer


async def allowed(context: Context, permission: str) -> Identity:
    """Who is asking; raises Unauthenticated for a guest, and PermissionDenied for whoever lacks the permission."""
    viewer = await signed_in(context)
    if not await context.loaders.permission.load(PermissionKey(viewer, permission)):
        raise PermissionDenied(permission)
    return viewer


AccountId = Annotated[strawberry.ID, strawberry.argument(description="Id of the account; not the viewer's own.")]


@strawberry.type(description="Where changing begins. Fields run one after the other; each sees what the last changed.")
class Mutation:
    """Where changing begins."""

    @field(description="Opens a session. BAD_CREDENTIALS never says whether handle or password is wrong.", cost=50)
    async def sign_in(
        self,
        info: Info,
        handle: Annotated[str, strawberry.argument(description="Whose account; compared without case.")],
        password: Annotated[str, strawberry.argument(description="Its password.")],
    ) -> Session:
        """Opens a session."""
        with changing(info.context) as commands:
            return Session.from_message(await commands.sign_in(handle, password))

    @field(description="Ends the session of the request's token. Whether one was open until now.", cost=10)
    async def sign_out(self, info: Info) -> bool:
        """Ends the session; there is none to end without a token."""
        token = info.context.token
        if token is None:
            return False
        with changing(info.context) as commands:
            return await commands.sign_out(token)

    @field(description="Changes the viewer's own account. VERSION_CONFLICT when it changed meanwhile.", cost=10)
    async def update_profile(
        self,
        info: Info,
        profile: Annotated[UpdateProfileInput, strawberry.argument(name="input", description="What to change.")],
    ) -> Account:
        """Changes the account, and answers it as it is then."""
        viewer = await allowed(info.context, "profile.edit")
        with changing(info.context) as commands:
            changed = await commands.update_profile(
                viewer,
                version=profile.version,
                display_name=_given(profile.display_name),
                handle=_given(profile.handle),
                avatar_url=_given(profile.avatar_url),
                bio=_given(profile.bio),
            )
        return account_of(changed, viewer)

    @field(
        description="Begins to close the viewer's account; the account, CLOSING. Until its cooling-off period is over "
        "`reopenAccount` undoes it; then it is closed for good and what is personal erased. ACCOUNT_STATE when it has "
        "begun already.",
        cost=10,
    )
    async def close_account(
        self,
        info: Info,
        reason: Annotated[str, strawberry.argument(description="Why; 1 to 500 characters, not all of them blank.")],
    ) -> Account:
        """Begins the cooling-off period, and answers the account as it is then."""
        viewer = await allowed(info.context, "account.close")
        with changing(info.context) as commands:
            return account_of(await commands.close_account(viewer, reason), viewer)

    @field(
        description="Undoes the closing of the viewer's account; the account, ACTIVE. ACCOUNT_STATE when it is not "
        "closing, or its cooling-off period is over.",
        cost=10,
    )
    async def reopen_account(self, info: Info) -> Account:
        """Ends the cooling-off period; whoever may sign in may do that, whatever else they may."""
        viewer = await signed_in(info.context)
        with changing(info.context) as commands:
            return account_of(await commands.reopen_account(viewer), viewer)

    @field(description="Follows an account; the account. To follow it again changes nothing.", cost=10)
    async def follow(self, info: Info, account_id: AccountId) -> Account:
        """Follows an account that there is."""
        viewer, target = await _viewer_and_target(info.context, account_id)
        with changing(info.context) as commands:
            await commands.follow(viewer, target.id)
        return account_of(target, viewer)

    @field(description="Follows an account no longer; the account. To do it again changes nothing.", cost=10)
    async def unfollow(self, info: Info, account_id: AccountId) -> Account:
        """Follows an account that there is no longer."""
        viewer, target = await _viewer_and_target(info.context, account_id)
        with changing(info.context) as commands:
            await commands.unfollow(viewer, target.id)
        return account_of(target, viewer)

    @field(description="Publishes an activity of the viewer.", cost=10)
    async def publish_activity(
        self,
        info: Info,
        activity: Annotated[PublishActivityInput, strawberry.argument(name="input", description="What to publish.")],
    ) -> Activity:
        """Publishes it, and answers it with its id and time."""
        viewer = await allowed(info.context, "activity.publish")
        kind = arguments.kind("kind", activity.kind)
        with changing(info.context) as commands:
            published = await commands.publish(viewer, kind.number, activity.text)
        return Activity(message=published, viewer=viewer)


def _given(value: str | None) -> str | None:
    """`value`, or None when the client left it out."""
    return None if value is strawberry.UNSET else value


async def _viewer_and_target(context: Context, account_id: str) -> tuple[Identity, account_pb2.Account]:
    viewer = await allowed(context, "activity.follow")
    arguments.not_empty("accountId", account_id)
    _of_another(account_id, viewer)
    target = await existing_account(context.loaders, account_id)
    # The id of an account that was merged into the viewer's answers the viewer's.
    _of_another(ids.encode(ids.Prefix.ACCOUNT, target.id), viewer)
    return viewer, target


def _of_another(account_id: str, viewer: Identity) -> None:
    if account_id == ids.encode(ids.Prefix.ACCOUNT, viewer.account_id):
        raise InvalidArgument("accountId", "must be the id of another account")
