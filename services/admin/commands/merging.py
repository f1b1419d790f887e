"""Merging two accounts at the shell: what would move, whether it is meant, and how far it is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schema.generated.admin.v1 import admin_pb2 as pb
from services.admin.commands import tables
from services.admin.commands.client import FAILED, OK, Client, Work, meant
from services.runtime.commandline import say

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
"""How long until is asked again how far a merge is: longer each time, for each time is written down."""
OVER = (pb.MERGE_STATE_DONE, pb.MERGE_STATE_FAILED)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be merged, and how."""

    source: str
    target: str
    reason: str
    dry_run: bool
    retry: bool
    yes: bool


def merge(plan: Plan) -> Work:
    """Says what would move; unless that was all, merges when it is meant, and waits for the end."""

    async def work(client: Client) -> int:
        source, target = await client.number_of(plan.source), await client.number_of(plan.target)
        if plan.retry:
            await client.desk.RetryMerge(
                pb.RetryMergeRequest(actor=client.viewer, source_id=source, reason=plan.reason)
            )
            return await _followed(client, source)
        check = await client.desk.CheckMerge(
            pb.CheckMergeRequest(actor=client.viewer, source_id=source, target_id=target)
        )
        if plan.dry_run:
            client.tell(check, lambda reply: tables.check(client.console, reply))
            return FAILED if check.refusal else OK
        # One that would be refused is not asked about: the call says so, with its code.
        if not check.refusal and not _meant(client, plan, check):
            client.aside.print("nothing changed")
            return FAILED
        await client.desk.MergeAccounts(
            pb.MergeAccountsRequest(actor=client.viewer, source_id=source, target_id=target, reason=plan.reason)
        )
        return await _followed(client, source)

    return work


def _meant(client: Client, plan: Plan, check: pb.CheckMergeResponse) -> bool:
    tables.check(client.aside, check)
    return meant(f"Merge {plan.source} into {plan.target}? That cannot be undone.", yes=plan.yes)


@contextmanager
def _told_when_left(source_id: int) -> Iterator[None]:
    """Whoever does not wait for the end learns that it comes all the same."""
    try:
        yield
    except asyncio.CancelledError:
        say(f"the merge goes on by itself: `show acc_{source_id}` tells how far it is")
        raise


def _doing(found: pb.Merge) -> str:
    steps = [step.name for step in found.steps if not step.done]
    return steps[0] if steps else "merged" if found.steps else "waiting"


async def _followed(client: Client, source_id: int) -> int:
    """Waits for the end, under a bar that shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=client.aside) as progress:
        bar = progress.add_task("waiting", total=None)
        found, pause = pb.Merge(), FIRST_PAUSE
        while found.state not in OVER:
            with _told_when_left(source_id):
                await asyncio.sleep(pause)
                reply = await client.desk.GetMerge(pb.GetMergeRequest(actor=client.viewer, source_id=source_id))
            pause = min(2 * pause, LONGEST_PAUSE)
            found = reply.merge  # Empty while the event that tells of it is on its way.
            done = sum(step.done for step in found.steps)
            progress.update(bar, description=_doing(found), total=len(found.steps) or None, completed=done)
    client.tell(found, lambda merge: tables.merge(client.console, merge))
    return OK if found.state == pb.MERGE_STATE_DONE else FAILED
