"""The keys that processes sign with: files in a folder, one for each process, and one of the public keys of all.

A process needs its own file and `public.json`; nobody but the account backend needs that of the account backend.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from services.runtime.lifecycle import StartError

_log = structlog.get_logger(__name__)

PUBLIC = "public.json"
SECRET = b"atrium secret of "
"""Begins what secrets are made of, so that none is like anything else that is made of a key."""
CURVE: Literal["Ed25519"] = "Ed25519"


class Keys:
    """The keys in a folder, read when they are needed, and again when a file changed: a rotation needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: dict[str, tuple[int, OKPKey]] = {}
        self._secrets: dict[str, tuple[OKPKey, bytes]] = {}
        self._public: dict[str, OKPKey] = {}
        self._public_read_at = 0

    def own(self, name: str) -> OKPKey:
        """The key that the process of this name signs with; StartError when there is none, or it cannot be read."""
        path = self._folder / f"{name}.json"
        known = self._own.get(name)
        try:
            changed_at = path.stat().st_mtime_ns
            if known is None or changed_at != known[0]:
                known = self._own[name] = changed_at, OKPKey.import_key(json.loads(path.read_bytes()))
        except OSError as error:
            if known is None:
                raise StartError.of(f"cannot read the key {path}", error) from error
        except (ValueError, TypeError, JoseError) as error:
            if known is None:
                raise StartError(f"{path} holds no key") from error
        return known[1]

    def secret(self, name: str) -> bytes:
        """What only processes of this name know, as they do their key, of which it tells nothing; raises StartError."""
        key = self.own(name)
        known = self._secrets.get(name)
        if known is None or known[0] is not key:
            private = str(key.as_dict(private=True)["d"]).encode()
            known = self._secrets[name] = key, hashlib.blake2b(SECRET + private, digest_size=32).digest()
        return known[1]

    def public(self, key_id: str) -> OKPKey | None:
        """The public key with this id; None when nobody has it, or not any more."""
        with suppress(OSError):
            self._read_public(self._folder / PUBLIC)
        return self._public.get(key_id)

    def _read_public(self, path: Path) -> None:
        changed_at = path.stat().st_mtime_ns
        if changed_at == self._public_read_at:
            return
        try:
            self._public = {key["kid"]: OKPKey.import_key(key) for key in json.loads(path.read_bytes())["keys"]}
            self._public_read_at = changed_at
        except (ValueError, TypeError, KeyError, JoseError):
            _log.error("holds no public keys", path=str(path))


def owner_of(key_id: str) -> str:
    """The name of the process whose key has this id."""
    return key_id.rpartition(".")[0]


def make_keys(folder: Path, names: Iterable[str], *, forget: bool = False) -> None:
    """Makes a key for each name; older ones go, their public keys stay known, unless they are to be forgotten.

    Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {name: _new_key(name) for name in names}
    known = [] if forget else _public_in(folder)
    # First whoever verifies learns of the new keys, then whoever signs uses them.
    public = [*known, *(key.as_dict(private=False) for key in made.values())]
    _write(folder / PUBLIC, {"keys": public})
    for name, key in made.items():
        _write(folder / f"{name}.json", key.as_dict(private=True))


def make_first_keys(folder: Path, names: Iterable[str]) -> None:
    """Makes the folder with keys unless it is there; of several processes that do so at once, one prevails."""
    if folder.exists():
        return
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        make_keys(made, names)
        made.rename(folder)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not folder.exists():
            raise


def _new_key(name: str) -> OKPKey:
    key = OKPKey.generate_key(CURVE, private=True)
    return OKPKey.import_key({**key.as_dict(private=True), "kid": f"{name}.{key.thumbprint()[:12]}"})


def _public_in(folder: Path) -> list[Any]:
    try:
        return list(json.loads((folder / PUBLIC).read_bytes())["keys"])
    except FileNotFoundError:
        return []


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces the file at once, so that nobody reads half of it; only its owner may read it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=1)
    Path(name).rename(path)
