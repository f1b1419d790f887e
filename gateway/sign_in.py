"""Signing in from the command line, at the account backend that the settings name."""

import asyncio

from gateway.settings import Settings
from loaders.account import BACKEND, AccountCommands
from services.runtime.channels import open_channel
from services.runtime.deadline import deadline_in
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust


def token_of(settings: Settings, handle: str, password: str) -> str:
    """Token of a new session; raises the AtriumError that the backend refused with."""
    return asyncio.run(_sign_in(settings, handle, password))


async def _sign_in(settings: Settings, handle: str, password: str) -> str:
    caller = Trust(settings).caller("gateway")
    async with open_channel(BACKEND, settings.addresses.account, Metrics(), caller) as channel:
        with deadline_in(settings.request_seconds):
            session = await AccountCommands(channel).sign_in(handle, password)
        return session.token
