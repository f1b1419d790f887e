import pytest

from services.runtime.cache import open_cache, shared_memory


async def test_each_that_opens_a_cache_in_memory_has_its_own() -> None:
    async with open_cache("memory://") as one, open_cache("memory://") as other:
        await one.set("key", b"value")
        assert (await one.get("key"), await other.get("key")) == (b"value", None)


async def test_a_cache_in_memory_with_a_name_is_one_for_all_who_open_it() -> None:
    name, another = shared_memory("memory://"), shared_memory("memory://")
    async with open_cache(name) as one, open_cache(name) as other, open_cache(another) as stranger:
        await one.set("key", b"value")
        assert (await other.get("key"), await stranger.get("key")) == (b"value", None)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "memory://named"])
def test_what_has_a_place_already_keeps_it(url: str) -> None:
    assert shared_memory(url) == url
