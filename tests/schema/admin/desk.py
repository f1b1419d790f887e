"""A desk of a few lines: what it answers is full, so that nothing can get lost unseen."""

from collections.abc import Sequence
from typing import Any

from schema.errcode import AtriumError
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.ports import AccountsKey, ActivitiesKey, AuditsKey, Change, Creation
from schema.graphql.ports import Identity
from tests.schema.fakes import SAM, FakeContext, FakeLoader

NEW_YEAR = 1_767_225_600
DESK = {"admin.accounts.read", "admin.accounts.write", "admin.accounts.close", "admin.activities.read"}


def moment(message: Any, *fields: str) -> Any:
    for field in fields:
        getattr(message, field).FromSeconds(NEW_YEAR)
    return message


def account(number: int = 7, **attributes: Any) -> pb.Account:
    full: dict[str, Any] = {
        "type": identity_pb2.ACCOUNT_TYPE_CREATOR,
        "status": pb.ACCOUNT_STATUS_CLOSED,
        "version": 3,
        "handle": f"h{number}",
        "display_name": f"Name {number}",
        "avatar_url": "https://a.example",
        "bio": "Words",
        "creator": pb.CreatorAttributes(category="music", verified=True),
    }
    made = pb.Account(id=number, **full | attributes)
    return moment(made, "created_at")  # type: ignore[no-any-return]


def activity(number: int = 11) -> pb.Activity:
    made = pb.Activity(id=number, author_id=2, kind=pb.ACTIVITY_KIND_PURCHASE, text="a book")
    return moment(made, "created_at")  # type: ignore[no-any-return]


def change(**fields: Any) -> pb.Change:
    differences = [pb.Difference(field="bio", before="old"), pb.Difference(field="handle", before="a", after="b")]
    made = pb.Change(
        cursor="c1", account_id=7, kind=pb.CHANGE_KIND_ATTRIBUTES, actor_id=4, reason="asked", differences=differences,
        erased=True, **fields,
    )  # fmt: skip
    return moment(made, "occurred_at")  # type: ignore[no-any-return]


def merge(**fields: Any) -> pb.Merge:
    steps = [pb.MergeStep(name="follows", total=8, moved=8, done=True)]
    made = pb.Merge(
        source_id=7, target_id=8, state=pb.MERGE_STATE_FAILED, steps=steps, actor_id=4, reason="twins",
        problem="account 8 is CLOSED", **fields,
    )  # fmt: skip
    return moment(made, "requested_at", "started_at", "finished_at")  # type: ignore[no-any-return]


def audit(number: int = 90) -> pb.Audit:
    made = pb.Audit(
        id=number, actor_id=4, action="ChangeAccount", account_id=7, reason="asked", request='{"version": 1}',
        before='{"bio": "a"}', after='{"bio": "b"}', outcome=2_000_000,
    )  # fmt: skip
    return moment(made, "at")  # type: ignore[no-any-return]


GRANTS = [pb.Grant(permission="studio.use", allow=True)]


def details(**fields: Any) -> pb.GetAccountResponse:
    """All that hangs on an account."""
    told: dict[str, Any] = {"birthday": "1990-12-31", "followers": 5, "following": 6, "grants": GRANTS}
    lists = {"recent_activities": [activity()], "recent_changes": [change()], "merge": merge()}
    return pb.GetAccountResponse(**{"account": account(), **told, **lists} | fields)


class FakeDesk:
    """Remembers what it was told; refuses when told to."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.refusal: AtriumError | None = None
        self.details = details()
        self.found_merge: pb.Merge | None = merge()

    def _tell(self, *what: Any) -> None:
        self.told.append(what)
        if self.refusal:
            raise self.refusal

    async def search_accounts(self, viewer: Identity, key: AccountsKey) -> pb.SearchAccountsResponse:
        self._tell("search_accounts", viewer, key)
        return pb.SearchAccountsResponse(accounts=[account(7), account(9)], has_next_page=True)

    async def account(self, viewer: Identity, account_id: int) -> pb.GetAccountResponse:
        self._tell("account", viewer, account_id)
        return self.details

    async def changes(self, viewer: Identity, account_id: int, first: int, after: str) -> pb.ListChangesResponse:
        self._tell("changes", viewer, account_id, first, after)
        return pb.ListChangesResponse(changes=[change()], has_next_page=True)

    async def search_activities(self, viewer: Identity, key: ActivitiesKey) -> pb.SearchActivitiesResponse:
        self._tell("search_activities", viewer, key)
        return pb.SearchActivitiesResponse(activities=[activity()], has_next_page=True)

    async def check_merge(self, viewer: Identity, source_id: int, target_id: int) -> pb.CheckMergeResponse:
        self._tell("check_merge", viewer, source_id, target_id)
        return pb.CheckMergeResponse(refusal="account 7 is CLOSED", moves=[pb.Amount(what="sessions", count=2)])

    async def merge(self, viewer: Identity, source_id: int) -> pb.Merge | None:
        self._tell("merge", viewer, source_id)
        return self.found_merge

    async def audits(self, viewer: Identity, key: AuditsKey) -> pb.ListAuditsResponse:
        self._tell("audits", viewer, key)
        return pb.ListAuditsResponse(audits=[audit()], has_next_page=True)

    async def create_account(self, viewer: Identity, creation: Creation) -> pb.Account:
        self._tell("create_account", viewer, creation)
        return account()

    async def change_account(self, viewer: Identity, change: Change) -> pb.Account:
        self._tell("change_account", viewer, change)
        return account()

    async def close_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        self._tell("close_account", viewer, account_id, reason)
        return account()

    async def reopen_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        self._tell("reopen_account", viewer, account_id, reason)
        return account()

    async def suspend_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        self._tell("suspend_account", viewer, account_id, reason)
        return account()

    async def grant_permission(
        self, viewer: Identity, account_id: int, permission: str, *, allow: bool, reason: str
    ) -> tuple[bool, Sequence[pb.Grant]]:
        self._tell("grant_permission", viewer, account_id, permission, allow, reason)
        return True, GRANTS

    async def revoke_permission(
        self, viewer: Identity, account_id: int, permission: str, *, reason: str
    ) -> tuple[bool, Sequence[pb.Grant]]:
        self._tell("revoke_permission", viewer, account_id, permission, reason)
        return False, []

    async def merge_accounts(self, viewer: Identity, source_id: int, target_id: int, reason: str) -> pb.Account:
        self._tell("merge_accounts", viewer, source_id, target_id, reason)
        return account()

    async def retry_merge(self, viewer: Identity, source_id: int, reason: str) -> pb.Merge:
        self._tell("retry_merge", viewer, source_id, reason)
        return merge()


def at_the_desk(viewer: Identity = SAM, permissions: set[str] = DESK) -> FakeContext:
    """An operation of somebody with these permissions."""
    context = FakeContext(viewer)
    context.admin = FakeDesk()
    context.loaders.permission = FakeLoader(lambda key: key.permission in permissions)
    return context
