"""Whoever acts at the shell: signed in, with the backends at hand, told of failures in one line."""

import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import typer
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console

from schema.errcode import AccountClosed, AccountNotFound, AtriumError, TokenExpired, Unauthenticated
from schema.generated.account.v1 import account_pb2
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.generated.identity.v1 import identity_pb2
from services.admin.commands.words import Wrong, account_number
from services.runtime.channels import open_channel
from services.runtime.commandline import USAGE, say
from services.runtime.console import console
from services.runtime.embedded import as_found
from services.runtime.errors import from_grpc
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics, configure_logging
from services.runtime.trust import Trust

OK, FAILED = 0, 1
MAY_ACT = (account_pb2.ACCOUNT_STATUS_ACTIVE, account_pb2.ACCOUNT_STATUS_CLOSING)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts, as the command line names them."""

    handle: str | None
    password_stdin: bool
    token: str | None = field(repr=False)
    as_json: bool


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who is signed in, in front of the desk."""

    viewer: identity_pb2.Viewer
    desk: Any
    """The stub of the admin backend."""
    as_json: bool
    console: Console
    """For what was asked for."""
    aside: Console
    """For everything else: it must not stand between the lines that a script reads."""

    def tell(self, reply: Message, show: Callable[[Any], None]) -> None:
        """Prints a reply: as JSON, or as `show` prints it."""
        if self.as_json:
            typer.echo(MessageToJson(reply, always_print_fields_with_no_presence=True))
        else:
            show(reply)

    async def number_of(self, account: str) -> int:
        """The number of the account with this id or handle; raises AccountNotFound."""
        return account_number(account) or await self._number_of_handle(account)

    async def _number_of_handle(self, handle: str) -> int:
        after_id, has_more = 0, True
        while has_more:
            reply = await self.desk.SearchAccounts(
                pb.SearchAccountsRequest(actor=self.viewer, handle_prefix=handle, first=200, after_id=after_id)
            )
            for account in reply.accounts:
                if account.handle.lower() == handle.lower():
                    return int(account.id)
                after_id = account.id
            has_more = reply.has_next_page
        raise AccountNotFound(handle)


Work = Callable[[Client], Awaitable[int]]
"""What a command does; answers its exit code."""


async def act(settings: Settings, identity: Identity, work: Work) -> int:
    """Does the work as whoever is named; answers the exit code."""
    configure_logging("error")
    try:
        async with _signed_in(as_found(settings), identity) as client:
            return await work(client)
    except grpc.aio.AioRpcError as error:  # Of a stream: those of other calls are explained already.
        return _failed(from_grpc(error, "admin"))
    except AtriumError as error:
        return _failed(error)
    except Wrong as error:
        say(str(error))
        return USAGE
    except (typer.Abort, KeyboardInterrupt):  # No answer to a question.
        say("nothing done")
        return FAILED


def _failed(error: AtriumError) -> int:
    say(f"{error.code} {error.message}")
    return FAILED


@asynccontextmanager
async def _signed_in(settings: Settings, identity: Identity) -> AsyncIterator[Client]:
    metrics, addresses, caller = Metrics(), settings.addresses, Trust(settings).caller("platform")
    async with (
        open_channel("account", addresses.account, metrics, caller) as to_accounts,
        open_channel("admin", addresses.admin, metrics, caller) as to_desk,
        _session(AccountServiceStub(to_accounts), identity) as viewer,
    ):
        yield Client(
            viewer=viewer,
            desk=AdminServiceStub(to_desk),
            as_json=identity.as_json,
            console=console(),
            aside=Console(stderr=True, highlight=False),
        )


@asynccontextmanager
async def _session(accounts: Any, identity: Identity) -> AsyncIterator[identity_pb2.Viewer]:
    """Who the identity is. A session that was opened for this is ended with it."""
    if identity.handle is None:
        yield await _verified(accounts, identity.token or "")
        return
    password = password_from("Password", from_stdin=identity.password_stdin)
    opened = await accounts.SignIn(account_pb2.SignInRequest(handle=identity.handle, password=password))
    try:
        yield opened.viewer
    finally:
        await accounts.SignOut(account_pb2.SignOutRequest(token=opened.token))


async def _verified(accounts: Any, token: str) -> identity_pb2.Viewer:
    reply = await accounts.BatchVerifySessions(account_pb2.BatchVerifySessionsRequest(tokens=[token]))
    session: account_pb2.VerifiedSession = reply.sessions[0]
    if session.state == account_pb2.VerifiedSession.STATE_EXPIRED:
        raise TokenExpired
    if session.state != account_pb2.VerifiedSession.STATE_VALID:
        raise Unauthenticated("nobody is signed in with the token in ATRIUM_TOKEN")
    if session.account_status not in MAY_ACT:
        raise AccountClosed
    return session.viewer


def password_from(prompt: str, *, from_stdin: bool, confirm: bool = False) -> str:
    """A password: the next line of stdin, or what is typed unseen."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    with _interruptible():
        return str(typer.prompt(prompt, hide_input=True, err=True, confirmation_prompt=confirm))


def meant(question: str, *, yes: bool) -> bool:
    """Whether it is meant; asks unless `yes`."""
    if yes:
        return True
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    with _interruptible():
        answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets ctrl-C end a question: while somebody thinks, the event loop that listens to signals stands still."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
