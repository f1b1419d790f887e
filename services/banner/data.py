"""Where banners and their counters are kept: one statement and one round trip to the cache for any batch."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import sha1

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, select

from services.banner.biz import LIMIT, Banner, CountersLost, Shortlist
from services.runtime.database import Database, UtcDateTime, metadata
from services.runtime.versioned_cache import Outage

METADATA = metadata()

banner_table = Table(
    "banner",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", Integer, nullable=False),
    Column("title", String(100), nullable=False),
    Column("image_url", String(500), nullable=False),
    Column("target_url", String(500), nullable=False),
    Column("weight", Integer, nullable=False),
    Column("daily_cap", Integer, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    CheckConstraint("weight > 0", name="weight"),
    CheckConstraint("daily_cap >= 0", name="daily_cap"),
    CheckConstraint("starts_at < ends_at", name="schedule"),
    # What is over piles up; what is to come does not.
    Index(None, "slot", "ends_at"),
)
"""The banners; one is shown from `starts_at` until just before `ends_at`."""

target_table = Table(
    "banner_target",
    METADATA,
    Column("banner_id", ForeignKey(banner_table.c.id, ondelete="CASCADE"), primary_key=True),
    Column("account_type", Integer, primary_key=True, autoincrement=False),
)
"""The account types that each banner is meant for."""


class SqlBannerRepo:
    """The banners of a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def running(
        self, now: datetime, slots: Collection[int], audiences: Collection[int]
    ) -> dict[tuple[int, int], list[Banner]]:
        """The banners of the moment by slot and account type, by one statement."""
        columns = banner_table.c
        query = (
            select(target_table.c.account_type, *(columns[name] for name in Banner.__slots__))
            .join_from(banner_table, target_table)
            .where(columns.slot.in_(slots), target_table.c.account_type.in_(audiences))
            .where(columns.starts_at <= now, columns.ends_at > now)
        )
        async with self._database.read() as session:
            rows = await session.execute(query)
        banners: defaultdict[tuple[int, int], list[Banner]] = defaultdict(list)
        for account_type, *values in rows:
            banner = Banner(*values)
            banners[banner.slot, account_type].append(banner)
        return dict(banners)


# KEYS: the counters of the candidates that have a cap, in order. ARGV: how many to show, the seconds that counters
# live, then the cap of every candidate, 0 for none. Answers the places, from 1, of the candidates to show.
SCRIPT = """
local chosen, counter = {}, 0
for place = 1, #ARGV - 2 do
    if #chosen == tonumber(ARGV[1]) then break end
    local cap = tonumber(ARGV[place + 2])
    local fits = cap == 0
    if cap > 0 then
        counter = counter + 1
        fits = tonumber(redis.call('GET', KEYS[counter]) or '0') < cap
        if fits then
            redis.call('INCR', KEYS[counter])
            redis.call('EXPIRE', KEYS[counter], ARGV[2])
        end
    end
    if fits then chosen[#chosen + 1] = place end
end
return chosen
"""
SCRIPT_SHA = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RedisCounters:
    """Counters in the cache: one for each day, account and banner, gone when the day is over.

    While the cache is failing nobody waits for it: caps are not enforced then.
    """

    def __init__(self, cache: Redis, outage: Outage | None = None) -> None:
        self._cache = cache
        self._outage = outage or Outage()

    async def show(self, now: datetime, shortlists: Sequence[Shortlist]) -> list[list[Banner]]:
        """What to show of each list, checked and counted by one round trip; each list is one atomic step."""
        if not self._outage.lets_through():
            raise CountersLost
        try:
            places = await self._places(now, shortlists)
        except ResponseError as error:  # The cache is well, but what it holds is no counter.
            raise CountersLost from error
        except (RedisError, OSError) as error:
            self._outage.failed(error)
            raise CountersLost from error
        self._outage.worked()
        pairs = zip(shortlists, places, strict=True)
        return [[shortlist.banners[place - 1] for place in chosen] for shortlist, chosen in pairs]

    async def _places(self, now: datetime, shortlists: Sequence[Shortlist]) -> list[list[int]]:
        async with self._cache.pipeline(transaction=False) as pipeline:
            # The first call carries the script and leaves it with the server for the others: a server that forgot it,
            # or never saw it, costs no second round trip.
            run: Callable[..., object] = pipeline.eval
            script = SCRIPT
            for shortlist in shortlists:
                keys, caps = counter_keys(now, shortlist), [banner.daily_cap for banner in shortlist.banners]
                run(script, len(keys), *keys, LIMIT, seconds_left(now), *caps)
                run, script = pipeline.evalsha, SCRIPT_SHA
            return await pipeline.execute()


def counter_keys(now: datetime, shortlist: Shortlist) -> list[str]:
    """The counters that the list needs, in its order; the braces keep those of an account on one node of a cluster."""
    start = f"banner:shown:{now.date():%Y%m%d}:{{{shortlist.account_id}}}"
    return [f"{start}:{banner.id}" for banner in shortlist.banners if banner.daily_cap]


def seconds_left(now: datetime) -> int:
    """How long the counters of the day live: until it is over, and a minute for clocks that disagree."""
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return int((midnight - now).total_seconds()) + 60
