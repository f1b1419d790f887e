"""All the backends that a merge goes through, in one process, and the job service that listens to them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from schema.generated.account.v1 import account_pb2
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.activity.v1 import activity_pb2
from schema.generated.activity.v1.activity_pb2_grpc import ActivityServiceStub
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from schema.generated.job.v1.job_pb2_grpc import JobServiceStub
from schema.generated.permission.v1 import permission_pb2
from schema.generated.permission.v1.permission_pb2_grpc import PermissionServiceStub
from services.backends import BACKENDS
from services.job.data import INBOX
from services.runtime.backend import Backend, Demo, Resources
from services.runtime.channels import open_channels
from services.runtime.lifecycle import Readiness
from services.runtime.serving import serve_backends
from services.runtime.streams import open_streams
from services.runtime.telemetry import Metrics
from tests.conftest import MakeResources
from tests.open_doors import OpenDoor, Stranger
from tests.services.runtime.events import count
from tests.services.stamping import stamped

JOB = BACKENDS["job"]
OTHERS = tuple(BACKENDS[name] for name in ("account", "permission", "activity"))
ACCOUNTS = 240
PASSWORD = "atrium-demo"
BO, CORP, SAM = 2, 3, 4
STAFF = identity_pb2.Viewer(account_id=SAM, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
POST = activity_pb2.ACTIVITY_KIND_POST


def viewer(account_id: int) -> identity_pb2.Viewer:
    return identity_pb2.Viewer(account_id=account_id, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)


@dataclass
class Town:
    """Real backends with demo accounts; activities, follows, grants and sessions are what a test makes them."""

    resources: Mapping[Backend, Resources]
    account: Any
    permission: Any
    activity: Any
    job: Any

    @property
    def stores(self) -> Resources:
        """What the job service is lent."""
        return self.resources[JOB]

    async def furnish(self, source: int, target: int) -> list[str]:
        """Gives both something of everything, some of it in common; the tokens of the source, and one of the target."""
        for follower, followee in [
            (source, BO),
            (source, CORP),
            (source, target),
            (target, BO),
            (BO, source),
            (CORP, source),
            (CORP, target),
        ]:
            await self.activity.Follow(activity_pb2.FollowRequest(viewer=viewer(follower), account_id=followee))
        for author in (source, target, source, source):
            publish = activity_pb2.PublishActivityRequest(viewer=viewer(author), kind=POST, text="hello")
            await self.activity.PublishActivity(publish)
        for account_id, permission in [(source, "payouts.view"), (source, "studio.use"), (target, "studio.use")]:
            await self.permission.GrantPermission(
                permission_pb2.GrantPermissionRequest(
                    actor=STAFF, reason="a test", account_id=account_id, permission=permission, allow=True
                )
            )
        return await asyncio.gather(*(self.sign_in(account_id) for account_id in (source, source, target)))

    async def sign_in(self, account_id: int) -> str:
        """A token of the account."""
        found = await self.account.BatchGetAccounts(account_pb2.BatchGetAccountsRequest(ids=[account_id]))
        request = account_pb2.SignInRequest(handle=found.accounts[0].handle, password=PASSWORD)
        return str((await self.account.SignIn(request)).token)

    async def start_merge(self, source: int, target: int) -> None:
        await self.account.StartMerge(
            account_pb2.StartMergeRequest(actor=STAFF, source_id=source, target_id=target, reason="they are one")
        )

    async def merge(self, source: int) -> job_pb2.Merge:
        """How far the merge is; state 0 before the job service heard of it."""
        reply = await self.job.GetMerge(job_pb2.GetMergeRequest(actor=STAFF, source_id=source))
        merge: job_pb2.Merge = reply.merge
        return merge

    async def changes(self, account_id: int) -> list[job_pb2.Change]:
        """The history of an account, newest first."""
        request = job_pb2.ListChangesRequest(actor=STAFF, account_id=account_id, first=100)
        return list((await self.job.ListChanges(request)).changes)

    async def is_quiet(self) -> bool:
        """Whether every event was told and taken."""
        unsent = [
            await count(lent.database, backend.outbox.select().where(backend.outbox.c.sent_at.is_(None)).subquery())  # type: ignore[arg-type]
            for backend, lent in self.resources.items()
            if backend.outbox is not None
        ]
        return not any(unsent) and not await count(self.stores.database, INBOX.letters)

    async def told(self, source: int, target: int, tokens: list[str]) -> dict[str, Any]:
        """What the backends tell of two accounts, in words that do not depend on their ids."""
        names = {source: "source", target: "target", BO: "bo", CORP: "corp", 0: "nobody"}
        return {
            "follows": await self._follows(names),
            "activities": await self._activities(names, source, target),
            "counts": await self._counts(names, source, target),
            "grants": await self._grants(names, source, target),
            "sessions": await self._sessions(names, tokens),
            "answers": await self._answers(names, source),
        }

    async def _follows(self, names: Mapping[int, str]) -> list[tuple[str, str]]:
        request = activity_pb2.BatchListFolloweesRequest(account_ids=[one for one in names if one])
        answers = (await self.activity.BatchListFollowees(request)).answers
        pairs = ((each.account_id, followee) for each in answers for followee in each.followee_ids)
        return sorted((names[one], names[other]) for one, other in pairs if other in names)

    async def _activities(self, names: Mapping[int, str], *authors: int) -> list[str]:
        request = activity_pb2.SearchActivitiesRequest(actor=STAFF, author_ids=authors, first=100)
        return [names[each.author_id] for each in (await self.activity.SearchActivities(request)).activities]

    async def _counts(self, names: Mapping[int, str], *accounts: int) -> dict[str, tuple[int, int]]:
        request = activity_pb2.BatchGetFollowCountsRequest(account_ids=accounts)
        counts = (await self.activity.BatchGetFollowCounts(request)).counts
        return {names[each.account_id]: (each.followers, each.following) for each in counts}

    async def _grants(self, names: Mapping[int, str], *accounts: int) -> dict[str, list[str]]:
        request = permission_pb2.BatchListGrantsRequest(account_ids=accounts)
        answers = (await self.permission.BatchListGrants(request)).answers
        return {names[each.account_id]: [grant.permission for grant in each.grants] for each in answers}

    async def _sessions(self, names: Mapping[int, str], tokens: list[str]) -> list[str]:
        request = account_pb2.BatchVerifySessionsRequest(tokens=tokens)
        return [names[each.viewer.account_id] for each in (await self.account.BatchVerifySessions(request)).sessions]

    async def _answers(self, names: Mapping[int, str], source: int) -> str:
        reply = await self.account.BatchGetAccounts(account_pb2.BatchGetAccountsRequest(ids=[source]))
        return names[reply.merged.get(source, source)]


def pairs_of_accounts(many: int) -> list[tuple[int, int]]:
    """So many pairs of personal demo accounts, none of them twice."""
    special = {id_ for id_ in range(ACCOUNTS) if id_ < 60 or id_ % 10 == 0 or id_ % 25 == 7 or id_ % 100 == 33}
    personal = [id_ for id_ in range(1, ACCOUNTS) if id_ not in special]
    return [(personal[2 * place], personal[2 * place + 1]) for place in range(many)]


@asynccontextmanager
async def open_town(make_resources: MakeResources, *, with_job: bool) -> AsyncIterator[Town]:
    """The town; the job service listens in any case, but serves and does errands only `with_job`."""
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="atrium-"))
        metrics, backends = Metrics(), (*OTHERS, JOB)
        addresses = {backend.name: f"unix:{folder}/{backend.name}" for backend in backends}
        channels = await closing.enter_async_context(open_channels(addresses, metrics, Stranger()))
        lent = {backend: replace(await make_resources(backend.metadata), channels=channels) for backend in backends}
        await closing.enter_async_context(stamped(lent))
        for backend in OTHERS[:2]:
            await backend.load_demo(lent[backend], Demo(ACCOUNTS, lambda _rows: None))
        served = {backend: addresses[backend.name] for backend in (backends if with_job else OTHERS)}
        streams = await closing.enter_async_context(open_streams(lent, "memory://", metrics, complete=True))
        servers = await closing.enter_async_context(serve_backends(served, lent, Readiness(), metrics, OpenDoor()))
        async with asyncio.TaskGroup() as group:
            for server in (*streams, servers):
                group.create_task(server.serve())
            for backend in served:
                await channels[backend.name].channel_ready()
            yield Town(
                lent,
                AccountServiceStub(channels["account"]),
                PermissionServiceStub(channels["permission"]),
                ActivityServiceStub(channels["activity"]),
                JobServiceStub(channels["job"]),
            )
            for server in (servers, *streams):
                await server.stop(5)
