"""A door before a broker of Kafka's protocol, which by itself asks for neither TLS nor a password."""

import asyncio
import shutil
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import free_port, missing, running_broker

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
WRONG_PASSWORD = 58
CREDENTIALS = b"\0atrium\0s3:cret@"
"""What PLAIN sends: whom to act for, the name and the password."""


@dataclass(frozen=True)
class Certificate:
    """Of 127.0.0.1, signed by itself."""

    certificate: Path
    key: Path


def new_certificate(folder: Path) -> Certificate:
    if shutil.which("openssl") is None:
        missing("openssl", "apt-get install openssl")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", *options, *files, *names], check=True, capture_output=True)
    return made


@contextmanager
def broker_behind(port: int) -> Iterator[int]:
    """A broker that sends its clients to the port; the port on which it really listens."""
    own = free_port()
    with running_broker(own, advertised=port):
        yield own


@asynccontextmanager
async def open_door(certificate: Certificate, port: int, behind: int) -> AsyncIterator[None]:
    """Lets whoever knows the password through to the port behind."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)

    async with asyncio.TaskGroup() as group:

        def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(_serve(reader, writer, behind))

        async with await asyncio.start_server(meet, "127.0.0.1", port, ssl=context):
            yield


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: int) -> None:
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await _guard(reader, writer, inner_reader, inner_writer)
    for each in (inner_writer, writer):
        each.close()
        with suppress(ConnectionError, ssl.SSLError):
            await each.wait_closed()


async def _guard(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner_reader: asyncio.StreamReader,
    inner_writer: asyncio.StreamWriter,
) -> None:
    let_in = False
    while True:
        request = await _frame(reader)
        kind, version, correlation = struct.unpack_from(">hhi", request)
        if kind == HANDSHAKE:
            answer = struct.pack(">ihih", correlation, 0, 1, 5) + b"PLAIN"
        elif kind == AUTHENTICATE:
            let_in = request.endswith(CREDENTIALS)
            answer = struct.pack(">ihhi", correlation, 0 if let_in else WRONG_PASSWORD, -1, 0) + bytes(8 * version)
        elif let_in or kind == API_VERSIONS:
            inner_writer.write(_framed(request))
            answer = await _frame(inner_reader)
        else:
            return
        writer.write(_framed(answer))


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


def _framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content
