"""Nothing is done at the desk without leave, and nothing without a trace."""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from schema.errcode import OK, AtriumError, Internal, InvalidArgument, PermissionDenied
from services.admin.biz.ports import AuditLog, PermissionBackend
from services.admin.biz.words import Audit, Viewer
from services.runtime.clock import Clock

_logger = structlog.get_logger(__name__)

READ, WRITE, CLOSE = "admin.accounts.read", "admin.accounts.write", "admin.accounts.close"
READ_ACTIVITIES, GRANT = "admin.activities.read", "admin.permissions.grant"
NOT_KNOWN = 0
"""The outcome of a call that was begun and of whose end nobody knows."""

Facts = Mapping[str, Any]
"""What becomes a JSON object."""


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody wants to do."""

    actor: Viewer
    action: str
    needs: tuple[str, ...]
    """The permissions without which nothing happens; the first that lacks is named."""
    account_id: int = 0
    reason: str = ""
    facts: Facts = field(default_factory=dict)
    """What else was asked for, without secrets."""


class Record:
    """The trace of one call."""

    def __init__(self, log: AuditLog, audit: Audit) -> None:
        self._log = log
        self._audit = audit
        self.allowed: Set[str] = frozenset()
        """The permissions that the actor has, of those that were asked about."""

    async def intend(self, before: Facts | None = None) -> None:
        """Writes down that it is about to happen, and what there was before: from here on no end leaves no trace."""
        self._audit = replace(self._audit, before=_json(before))
        self._audit = replace(self._audit, id=await self._log.write(self._audit))

    def note(self, after: Facts, account_id: int | None = None) -> None:
        """What there is after, and on which account it was when that was not clear before."""
        found = self._audit.account_id if account_id is None else account_id
        self._audit = replace(self._audit, after=_json(after), account_id=found)

    async def end(self, outcome: int) -> None:
        """Writes down how it ended; raises only when that leaves no trace of it at all."""
        try:
            await self._log.write(replace(self._audit, outcome=outcome))
        except Exception as error:
            if not self._audit.id:
                raise
            # It has happened, and its trace says that nobody knows how it ended: to fail now would be a lie.
            _logger.error("audit not ended", audit=self._audit.id, outcome=outcome, exc_info=error)


class Desk:
    """Lets in whoever may, and writes down who did what."""

    def __init__(self, permissions: PermissionBackend, log: AuditLog, clock: Clock) -> None:
        self._permissions = permissions
        self._log = log
        self._clock = clock

    @asynccontextmanager
    async def open(self, call: Call, also: Collection[str] = ()) -> AsyncIterator[Record]:
        """What happens inside is audited, its refusal too; raises PermissionDenied for whoever may not.

        `also` are permissions to be asked about that the call can do without.
        """
        record = Record(self._log, self._new_audit(call))
        try:
            record.allowed = await self._permitted(call, also)
            yield record
        except AtriumError as error:
            await record.end(error.code)
            raise
        except Exception:
            await record.end(Internal.code)
            raise
        except BaseException:  # The caller left: whether it happened is not known, but how far it came is.
            await record.end(NOT_KNOWN)
            raise
        await record.end(OK)

    def _new_audit(self, call: Call) -> Audit:
        return Audit(
            id=0,
            at=self._clock(),
            actor_id=call.actor.account_id,
            action=call.action,
            account_id=call.account_id,
            reason=call.reason,
            request=_json(call.facts) or "{}",
            before="",
            after="",
            outcome=NOT_KNOWN,
        )

    async def _permitted(self, call: Call, also: Collection[str]) -> Set[str]:
        if not call.actor.is_staff:
            raise PermissionDenied(call.needs[0])
        allowed = await self._permissions.allowed(call.actor, (*call.needs, *also))
        for permission in call.needs:
            if permission not in allowed:
                raise PermissionDenied(permission)
        return allowed


def given(reason: str) -> str:
    """The reason, without blanks around it; raises InvalidArgument when there is none."""
    if not (words := reason.strip()):
        raise InvalidArgument("reason", "must not be blank")
    return words


def _json(facts: Facts | None) -> str:
    """The facts that are known, as a JSON object; empty when there are none."""
    known = {name: value for name, value in (facts or {}).items() if value is not None}
    return json.dumps(known, ensure_ascii=False, default=str) if known else ""
