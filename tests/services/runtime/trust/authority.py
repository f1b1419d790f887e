"""An authority of certificates, for tests."""

from pathlib import Path

import trustme

from services.runtime.tls import Tls


class Authority:
    """Gives certificates to processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()

    def tls(self, *names: str) -> Tls:
        """The files of a process with these names."""
        given, stem = self._authority.issue_cert(*names), self._folder / "-".join(names)
        files = {kind: stem.with_suffix(f".{kind}") for kind in ("cert", "key", "ca")}
        files["key"].write_bytes(given.private_key_pem.bytes())
        files["cert"].write_bytes(b"".join(blob.bytes() for blob in given.cert_chain_pems))
        files["ca"].write_bytes(self._authority.cert_pem.bytes())
        return Tls(**files)

    def settings(self, *names: str) -> dict[str, str]:
        """The same as settings of a process."""
        tls = self.tls(*names)
        return {"TLS__CERT": str(tls.cert), "TLS__KEY": str(tls.key), "TLS__CA": str(tls.ca)}
