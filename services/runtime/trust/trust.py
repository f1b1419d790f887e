"""What lets the processes of Atrium trust each other, as the settings say: keys, and certificates on TCP."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import structlog

from services.runtime.lifecycle import StartError
from services.runtime.settings import Addresses, Settings
from services.runtime.trust.admission import SignedAdmission
from services.runtime.trust.assertions import Caller, Issuer, Verifier
from services.runtime.trust.keys import Keys, make_first_keys

_log = structlog.get_logger(__name__)

NAMES = (*Addresses.model_fields, "gateway", "platform")
"""Every process that may call: the backends, the gateway, and the company's platform, to which command lines belong."""
FOLDER = "keys"
"""Where keys are, below the data folder, where the settings name no other place."""


class Trust:
    """Keys and certificates of one process, used for the calls it makes and those it answers."""

    def __init__(self, settings: Settings, served: Iterable[str] = ()) -> None:
        """`served` are addresses besides those of the settings. Nothing is read before it is needed."""
        self._settings = settings
        self._elsewhere = next(filter(leaves_machine, (*settings.addresses.model_dump().values(), *served)), None)

    @cached_property
    def keys(self) -> Keys:
        """The keys; StartError when there are none and none can be made."""
        folder = place_of_keys(self._settings)
        if self._settings.keys is not None:
            return Keys(folder)
        if self._elsewhere is not None:
            raise StartError(
                f"ATRIUM_KEYS must be set, since {self._elsewhere} may be on another machine: "
                "`python -m services keys FOLDER` makes keys"
            )
        try:
            make_first_keys(folder, NAMES)
        except OSError as error:
            raise StartError.of(f"cannot make keys in {folder}", error) from error
        return Keys(folder)

    def check(self, *names: str) -> None:
        """Raises StartError unless this process can prove that it is each of these."""
        for name in names:
            self.keys.own(name)

    def secret(self, name: str) -> bytes:
        """What all processes of this name know, and no other."""
        return self.keys.secret(name)

    def caller(self, name: str) -> "TrustedCaller":
        """What this process calls others with, as the one of this name."""
        return TrustedCaller(self, name)

    def admission(self, backends: Collection[str]) -> SignedAdmission:
        """The door of a server with these backends."""
        return SignedAdmission(backends, Verifier(self.keys), self._settings.tls.domain if self.has_tls else None)

    @cached_property
    def issuer(self) -> Issuer:
        """What proves viewers."""
        return Issuer(self.keys)

    @property
    def has_tls(self) -> bool:
        """Whether calls over TCP are encrypted, and both ends known by certificates."""
        return self._settings.tls.cert is not None

    def listen(self, server: grpc.aio.Server, address: str) -> None:
        """Has the server listen there; StartError when that would be in plaintext where others could listen too."""
        if address.startswith("unix:") or not self._is_encrypted(address):
            server.add_insecure_port(address)
            return
        authorities, cert, key = self._files()
        server.add_secure_port(
            address, grpc.ssl_server_credentials([(key, cert)], authorities, require_client_auth=True)
        )

    def connect(
        self, backend: str, target: str, options: Sequence[tuple[str, Any]], interceptors: Sequence[Any]
    ) -> grpc.aio.Channel:
        """A channel to a backend, known by its certificate on TCP; StartError as `listen`."""
        where = [*options]
        if target.startswith("unix:") or not self._is_encrypted(target):
            return grpc.aio.insecure_channel(target, where, interceptors=interceptors)
        authorities, cert, key = self._files()
        # Whatever its address is: who answers must be this backend.
        where.append(("grpc.ssl_target_name_override", f"{backend}.{self._settings.tls.domain}"))
        credentials = grpc.ssl_channel_credentials(authorities, key, cert)
        return grpc.aio.secure_channel(target, credentials, where, interceptors=interceptors)

    def _is_encrypted(self, address: str) -> bool:
        if self.has_tls:
            return True
        if leaves_machine(address):
            if not self._settings.plaintext:
                raise StartError(
                    f"calls to {address} would be in plaintext: set ATRIUM_TLS__CERT, ATRIUM_TLS__KEY and "
                    "ATRIUM_TLS__CA, or ATRIUM_PLAINTEXT=true where the network itself is private"
                )
            _log.warning("calls in plaintext, as ATRIUM_PLAINTEXT allows", address=address)
        return False

    def _files(self) -> tuple[bytes, bytes, bytes]:
        tls = self._settings.tls
        authorities, cert, key = (_content(path) for path in (tls.ca, tls.cert, tls.key))
        return authorities, cert, key


class TrustedCaller:
    """Fits `channels.Caller`: connects as the trust says, and proves each call."""

    def __init__(self, trust: Trust, name: str) -> None:
        self._trust = trust
        self._name = name

    @cached_property
    def _caller(self) -> Caller:
        return Caller(self._trust.keys, self._name)  # Not before a call: many commands make none, and need no keys.

    def proof(self, backend: str, method: str) -> str:
        """Proves the caller to this backend, for calls of this method."""
        return self._caller.proof(backend, method)

    def connect(
        self, backend: str, target: str, options: Sequence[tuple[str, Any]], interceptors: Sequence[Any]
    ) -> grpc.aio.Channel:
        """A channel to a backend."""
        return self._trust.connect(backend, target, options, interceptors)


def place_of_keys(settings: Settings) -> Path:
    """The folder of the keys, whether it is there or not."""
    return settings.keys or settings.data / FOLDER


def leaves_machine(address: str) -> bool:
    """Whether a call to the address, or to one of several after commas, may go to another machine."""
    if address.startswith("unix:"):
        return False
    servers = address.removeprefix("ipv4:").removeprefix("ipv6:").split(",")
    return not all(_is_loopback(each.rpartition(":")[0].strip("[]")) for each in servers)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _content(path: Path | None) -> bytes:
    if path is None:
        raise StartError("ATRIUM_TLS__CERT, ATRIUM_TLS__KEY and ATRIUM_TLS__CA must be set together")
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError.of(f"cannot read {path}", error) from error
