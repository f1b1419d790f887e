"""Says whether what the gateway needs is there."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from gateway.health import CONTRACTS, Health
from gateway.settings import Settings
from services.runtime.cache import open_cache
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    part: str
    where: str
    fine: bool


def examine(settings: Settings) -> bool:
    """Prints a line for each part; whether all are fine."""
    findings = asyncio.run(look(settings))
    table = Table("part", "where", "state")
    for finding in findings:
        table.add_row(finding.part, finding.where, "[green]up[/]" if finding.fine else "[red]down[/]")
    Console(highlight=False).print(table)
    return all(finding.fine for finding in findings)


async def look(settings: Settings) -> list[Finding]:
    """What was found of the settings, of each backend, and of the cache."""
    settings_fine = Finding("settings", "environment", fine=True)
    return [settings_fine, *await _backends(settings), await _cache(settings)]


async def _backends(settings: Settings) -> list[Finding]:
    addresses = {name: settings.addresses.of(name) for name in CONTRACTS}
    caller = Trust(settings).caller("gateway")
    async with AsyncExitStack() as closing:
        channels = {
            name: await closing.enter_async_context(open_channel(name, address, Metrics(), caller))
            for name, address in addresses.items()
        }
        serving = await Health(channels, Readiness()).backends()
    return [Finding(name, addresses[name], fine) for name, fine in serving.items()]


async def _cache(settings: Settings) -> Finding:
    async with open_cache(settings.cache) as cache:
        try:
            fine = bool(await cache.ping())
        except (RedisError, OSError):
            fine = False
    return Finding("cache", _without_secret(settings.cache), fine)


def _without_secret(url: str) -> str:
    """The URL without the user and password that may stand before its host."""
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
