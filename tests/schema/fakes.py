"""A small world to ask: five accounts, three activities, and one fake for each port."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from strawberry.types.execution import ExecutionResult

from schema.errcode import AtriumError, BackendUnavailable, LastGood
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.ports import GUEST, Degradation, Identity
from schema.graphql.schema import create_schema
from schema.graphql.seams import Criticality

NEWER: Any = 9
"""An account type that no contract names yet."""
ADA = Identity(1, identity_pb2.ACCOUNT_TYPE_PERSONAL)
BO = Identity(2, identity_pb2.ACCOUNT_TYPE_CREATOR)
CORP = Identity(3, identity_pb2.ACCOUNT_TYPE_BUSINESS)
SAM = Identity(4, identity_pb2.ACCOUNT_TYPE_STAFF)
NEW = Identity(6, NEWER)
ACTIVE = account_pb2.ACCOUNT_STATUS_ACTIVE
SCHEMA = create_schema()
PERMISSIONS = {"activity.publish", "activity.follow", "profile.edit", "account.close"}
"""What everybody who is signed in may do here."""


def account(viewer: Identity, handle: str, **attributes: Any) -> account_pb2.Account:
    found = account_pb2.Account(
        id=viewer.account_id, type=viewer.account_type, handle=handle, status=ACTIVE, version=1, **attributes
    )
    found.created_at.FromSeconds(1_767_225_600)
    return found


ACCOUNTS = {
    1: account(ADA, "ada", display_name="Ada"),
    2: account(BO, "bo", creator=account_pb2.CreatorAttributes(category="music", verified=True)),
    3: account(CORP, "corp", business=account_pb2.BusinessAttributes(company_name="Corp Ltd")),
    4: account(SAM, "sam", staff=account_pb2.StaffAttributes(department="support")),
    6: account(NEW, "new"),
}


def activity(number: int, author_id: int) -> activity_pb2.Activity:
    done = activity_pb2.Activity(id=number, author_id=author_id, kind=activity_pb2.ACTIVITY_KIND_POST, text="hello")
    done.created_at.FromSeconds(1_767_225_600)
    return done


def page(*authors: int) -> activity_pb2.ActivityPage:
    """A page of one activity by each author, with more to come."""
    done = [activity(number, author) for number, author in enumerate(authors, start=11)]
    items = [activity_pb2.ActivityPage.Item(cursor=f"c{one.id}", activity=one) for one in done]
    return activity_pb2.ActivityPage(items=items, has_next_page=bool(items))


class FakeLoader:
    """Answers each key by a function, at once or in the loop's next turn; remembers the keys; fails when told to."""

    def __init__(self, answer: Callable[[Any], Any], later: bool = False) -> None:
        self._answer = answer
        self.later = later
        self.keys: list[Any] = []
        self.failure: AtriumError | None = None

    def load(self, key: Any) -> asyncio.Future[Any]:
        self.keys.append(key)
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self.later:
            loop.call_soon(self._settle, future, key)
        else:
            self._settle(future, key)
        return future

    def _settle(self, future: asyncio.Future[Any], key: Any) -> None:
        if future.cancelled():
            return
        if self.failure is None:
            future.set_result(self._answer(key))
        else:
            future.set_exception(self.failure)
            future.exception()  # It may be nobody's business.

    async def load_many(self, keys: Iterable[Any]) -> list[Any]:
        return [await self.load(key) for key in keys]


class FakeLoaders:
    """One fake per question."""

    def __init__(self) -> None:
        by_handle = {each.handle: each for each in ACCOUNTS.values()}
        born = account_pb2.PrivateAttributes(birthday="1990-12-31")
        counts = activity_pb2.BatchGetFollowCountsResponse.FollowCounts
        self.account_by_id = FakeLoader(ACCOUNTS.get)
        self.account_by_handle = FakeLoader(by_handle.get)
        self.private_attributes = FakeLoader(lambda key: born if key.viewer in (ADA, SAM) else None)
        self.team = FakeLoader(lambda _: (4, 5, 1))
        self.pending_closures = FakeLoader(lambda key: (2, 5)[: key.first])
        self.session_by_token = FakeLoader(lambda _: account_pb2.VerifiedSession())
        self.features = FakeLoader(lambda _: (permission_pb2.Feature(key="orders", title="Orders", url="/orders"),))
        self.permission = FakeLoader(lambda key: key.permission in PERMISSIONS)
        self.banners = FakeLoader(lambda key: (banner_pb2.Banner(id=7, slot=key.slot, title="Buy"),))
        self.activity = FakeLoader(lambda key: activity(11, 1) if key.activity_id == 11 else None)
        self.feed = FakeLoader(lambda _: page(2, 5, 2))
        self.own_activities = FakeLoader(lambda _: page(2))
        self.follow_counts = FakeLoader(lambda one: counts(account_id=one, followers=10 * one, following=one))
        self.audience = FakeLoader(
            lambda one: activity_pb2.Audience(account_id=one, followers=3, new_this_week=2, activities_this_week=1)
        )
        self.suggestions = FakeLoader(lambda key: (2, 5, 4)[: key.first])


class FakeCommands:
    """Remembers what it was told; refuses when told to."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.refusal: AtriumError | None = None

    def _tell(self, *what: Any) -> None:
        self.told.append(what)
        if self.refusal:
            raise self.refusal

    async def sign_in(self, handle: str, password: str) -> account_pb2.SignInResponse:
        self._tell("sign_in", handle, password)
        opened = account_pb2.SignInResponse(token="secret-token", account=ACCOUNTS[2])
        opened.expires_at.FromSeconds(1_767_225_600)
        return opened

    async def sign_out(self, token: str) -> bool:
        self._tell("sign_out", token)
        return True

    async def update_profile(self, viewer: Identity, **changes: Any) -> account_pb2.Account:
        self._tell("update_profile", viewer, changes)
        return account(viewer, "ada", display_name="Countess")

    async def close_account(self, viewer: Identity, reason: str) -> account_pb2.Account:
        self._tell("close_account", viewer, reason)
        closing = account(viewer, "ada")
        closing.status = account_pb2.ACCOUNT_STATUS_CLOSING
        return closing

    async def reopen_account(self, viewer: Identity) -> account_pb2.Account:
        self._tell("reopen_account", viewer)
        return account(viewer, "ada")

    async def follow(self, viewer: Identity, account_id: int) -> bool:
        self._tell("follow", viewer, account_id)
        return True

    async def unfollow(self, viewer: Identity, account_id: int) -> bool:
        self._tell("unfollow", viewer, account_id)
        return True

    async def publish(self, viewer: Identity, kind: Any, text: str) -> activity_pb2.Activity:
        self._tell("publish", viewer, kind, text)
        return activity(12, viewer.account_id)


class FakeContext:
    """One operation of `viewer`, or of a token that is refused."""

    def __init__(self, viewer: Identity = GUEST, refusal: AtriumError | None = None) -> None:
        self.viewer = viewer
        self.refusal = refusal
        self.token = None if viewer.is_guest else "secret-token"
        self.loaders = FakeLoaders()
        self.commands = FakeCommands()
        self.admin: Any = None
        """The staff's desk; a test that asks it brings one."""
        self.degraded: list[Degradation] = []
        self.renewals = 0
        self.last_good: dict[str, LastGood] = {}
        """What was answered before, by loader."""
        self.sparing: AtriumError | None = None
        """Why fields that can do without their backend are not to ask it."""

    async def identity(self) -> Identity:
        if self.refusal:
            raise self.refusal
        return self.viewer

    def spared(self, _criticality: Criticality) -> AtriumError | None:
        return self.sparing

    def recalling(self, problem: AtriumError) -> "FakeContext":
        recalling = FakeContext(self.viewer)
        for name, loader in vars(recalling.loaders).items():
            loader.failure = with_last_good(problem, self.last_good.get(name))
        return recalling

    def renew(self) -> None:
        self.renewals += 1

    def break_down(self, backend: str, *loaders: str) -> None:
        """Makes the loaders fail as those of a backend that is down."""
        for name in loaders:
            failure = with_last_good(BackendUnavailable(backend), self.last_good.get(name))
            failure.backend = backend
            getattr(self.loaders, name).failure = failure


def with_last_good(error: AtriumError, last_good: LastGood | None) -> AtriumError:
    """The same error, with what was answered before."""
    own = error.again()
    own.last_good = last_good
    return own


async def run(context: FakeContext, document: str, **variables: Any) -> ExecutionResult:
    result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
    assert isinstance(result, ExecutionResult)
    return result


async def answer(context: FakeContext, document: str, **variables: Any) -> Any:
    """The data of an operation in which nothing fails."""
    result = await run(context, document, **variables)
    assert result.errors is None
    return result.data


async def refusal(context: FakeContext, document: str, **variables: Any) -> AtriumError:
    """The one error of an operation."""
    result = await run(context, document, **variables)
    assert result.errors is not None
    assert len(result.errors) == 1
    error = result.errors[0].original_error
    assert isinstance(error, AtriumError), error
    return error
