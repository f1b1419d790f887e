"""A cache in front of a store: no read that begins after a write has completed answers what was before that write.

The store is the truth: it gives each value a version that grows with every write of its key, orders the writes of one
key (a row lock, or a compare-and-set by version), and never reuses the key of a deleted value. Redis may lose any
entry at any moment (eviction, expiry, restart). One Redis key holds at most one of three things:

    V<version>:<seal><msgpack>   a value, or the knowledge that the store has none (version 0, short-lived)
    L<token>               the lease of the one reader that may fill the key in
    W<token>               the mark of a writer that is about to commit

A reader takes a value as it is. Where a key is empty it first puts a lease (SET NX), then reads the store, then
replaces its lease, and nothing but its lease, by what it read. Where it finds a mark or the lease of another, it reads
the store and leaves the key alone. A writer puts its mark over whatever is there, commits, then settles: in one script

    1. it finds its own mark                                  -> its value takes the place
    2. a lower version above 0                                -> its value takes the place
    3. an equal or higher version                             -> nothing
    4. a lease, another writer's mark, version 0, nonsense    -> the key is emptied
    5. nothing                                                -> nothing

A writer that deleted, that failed, that was cancelled, or that does not know whether its mark arrived, empties the key
instead: a failed commit may have reached the store all the same. Emptying a key is always safe: it is an eviction.

Why it holds. Let a write of version w have settled at time t. Just after t the key is empty or holds a version >= w:
the five cases leave nothing else. So whatever puts an older version v < w there has to act after t, and is one of

  - a reader. Its lease stood on the key when it filled in, tokens are never used twice, and no lease outlives t
    (case 4). So it put the lease after t, hence read the store after t, hence after w was committed: v >= w.
  - a writer by case 1. No mark outlives t either (cases 1 and 4). So it put its mark after t, hence committed after w
    did, and the store orders them: v > w.
  - a writer by case 2. It replaces a lower version, and that was already >= w.

This needs no assumption on how two writers' commits and settlings interleave, nor on evictions. A deletion empties the
key at t, and the same three cases show that no value returns: a lease put after t reads that there is none, a mark put
after t belongs to a writer that finds no row, and case 4 drops a version 0 instead of covering it by an older value.
A command that somebody gave up waiting for may still arrive late. A late mark only keeps the key from being filled
until it expires: its writer does not use case 1, it empties the key. A late settling or filling is judged when it
arrives, and the argument above asks nothing else of it.

The mark is not needed for the promise; it is there for a writer that dies between commit and settling. Its mark keeps
the old value out until the mark expires, and the key is empty then.

A cache that fails. A read or write never fails because of it. A writer that could not settle remembers the key: this
process reads it from the store only, and empties it before its next use of the cache. Another process that still
reaches the cache may meanwhile answer the old value, at most for the rest of its lifetime: then, and if a writer dies
after its mark was lost as well, the lifetime of an entry is the bound.

Sources: leases and the stale set they prevent are from Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013,
section 3.2.1; versions that decide between two fills are from "Cache made consistent", Engineering at Meta, 2022.
"""

from services.runtime.versioned_cache.cache import Lifetime, VersionedCache, Write
from services.runtime.versioned_cache.entries import CACHE_FAILURES, SETTLE, Entries, Fill
from services.runtime.versioned_cache.guard import Guard, Held, is_taken
from services.runtime.versioned_cache.outage import Outage

__all__ = [
    "CACHE_FAILURES",
    "SETTLE",
    "Entries",
    "Fill",
    "Guard",
    "Held",
    "Lifetime",
    "Outage",
    "VersionedCache",
    "Write",
    "is_taken",
]
