import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schema.generated.identity.v1 import identity_pb2
from services.runtime.lifecycle import StartError
from services.runtime.trust import NAMES, Issuer, Keys, NotProven, Verifier, make_keys
from services.runtime.trust.keys import PUBLIC, make_first_keys, owner_of

PERSONAL = identity_pb2.ACCOUNT_TYPE_PERSONAL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_only_their_owner_reads_them(folder: Path) -> None:
    make_keys(folder, NAMES)
    assert {path.name for path in folder.iterdir()} == {PUBLIC, *(f"{name}.json" for name in NAMES)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_public_file_holds_nothing_to_sign_with(folder: Path) -> None:
    make_keys(folder, ["account"])
    keys = Keys(folder)
    public = keys.public(str(keys.own("account").kid))
    assert public is not None
    assert not public.is_private
    assert str(keys.own("account").as_dict(private=True)["d"]) not in (folder / PUBLIC).read_text()


def test_a_key_says_whose_it_is(folder: Path) -> None:
    make_keys(folder, ["account", "gateway"])
    assert [owner_of(str(Keys(folder).own(name).kid)) for name in ("account", "gateway")] == ["account", "gateway"]


def test_new_keys_are_used_without_a_restart_and_old_words_still_believed(folder: Path) -> None:
    make_keys(folder, ["account"])
    now = [1_000.0]
    keys, issuer, verifier = Keys(folder), Issuer(Keys(folder), lambda: now[0]), Verifier(Keys(folder), lambda: now[0])
    before, first = issuer.viewer(7, PERSONAL), keys.own("account").kid
    verifier.check_viewer(before)
    make_keys(folder, ["account"])
    now[0] += 150
    after = issuer.viewer(7, PERSONAL)
    assert keys.own("account").kid != first
    assert after.assertion != before.assertion
    for someone in (verifier, Verifier(Keys(folder), lambda: now[0])):
        someone.check_viewer(before)
        someone.check_viewer(after)


def test_forgotten_keys_sign_for_nobody(folder: Path) -> None:
    make_keys(folder, ["account"])
    before, verifier = Issuer(Keys(folder)).viewer(7, PERSONAL), Verifier(Keys(folder))
    make_keys(folder, ["account"], forget=True)
    with pytest.raises(NotProven):
        verifier.check_viewer(before)
    verifier.check_viewer(Issuer(Keys(folder)).viewer(7, PERSONAL))


def test_a_broken_file_stops_a_start_but_nobody_who_runs(folder: Path) -> None:
    make_keys(folder, ["account"])
    keys = Keys(folder)
    own = keys.own("account")
    assert keys.public(str(own.kid)) is not None
    for path in folder.iterdir():
        path.write_text("{}")
    assert keys.own("account") is own
    assert keys.public(str(own.kid)) is not None
    with pytest.raises(StartError, match=r"/keys/account\.json holds no key$"):
        Keys(folder).own("account")


def test_a_missing_file_is_told_in_one_line(folder: Path) -> None:
    with pytest.raises(StartError, match=r"^cannot read the key .*/keys/gateway\.json: no such file or directory$"):
        Keys(folder).own("gateway")


def test_of_many_who_make_the_first_keys_one_prevails(folder: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for made in [threads.submit(make_first_keys, folder, NAMES) for _ in range(8)]:
            made.result()
    assert [path.name for path in folder.parent.iterdir()] == ["keys"]
    keys = Keys(folder)
    for name in NAMES:
        assert keys.public(str(keys.own(name).kid)) is not None
