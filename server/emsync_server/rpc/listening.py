"""Where the server listens: a Unix socket for its owner, or TCP with a port the system chooses."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc

from emsync.errors import ServerUnavailableError
from emsync_server.config import ServerSettings, TlsFiles

__all__ = ["bound"]

SOCKET_FILE = "emsync.sock"
MAX_SOCKET_BYTES = 100  # sun_path holds 104 on macOS, 108 on Linux, with the final zero


@contextmanager
def bound(server: grpc.Server, settings: ServerSettings, folder: Path) -> Iterator[str]:
    """Bind the server; gives the address that clients dial, and tidies up the socket."""
    listen = settings.listen
    if listen is None and sys.platform == "win32":  # gRPC for Python has no Unix sockets there
        listen = "127.0.0.1:0"
    if listen is not None:
        yield _bind_tcp(server, listen, settings.tls)
        return
    with _socket_path(folder) as path:
        yield _bind_socket(server, path)


@contextmanager
def _socket_path(folder: Path) -> Iterator[Path]:
    """The socket in the runtime folder, or in one with a short name where that is too long."""
    path = folder / SOCKET_FILE
    spare = None
    if len(os.fsencode(path)) > MAX_SOCKET_BYTES:
        spare = Path(tempfile.mkdtemp(prefix="emsync-", dir="/tmp"))  # 0700
        path = spare / SOCKET_FILE
    path.unlink(missing_ok=True)  # a crash left it; the lock says that nobody listens there
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        if spare is not None:
            with suppress(OSError):
                spare.rmdir()


def _bind_socket(server: grpc.Server, path: Path) -> str:
    before = os.umask(0o177)  # gRPC would leave it open to everybody under umask 0
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as err:
        raise _unbound(str(path), err) from err
    finally:
        os.umask(before)
    return f"unix:{path}"


def _bind_tcp(server: grpc.Server, listen: str, tls: TlsFiles | None) -> str:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ServerUnavailableError(
            f"'{listen}' is not an address to listen at. Give HOST:PORT, such as 127.0.0.1:0."
        )
    if tls is None and not _is_loopback(host):
        raise ServerUnavailableError(
            f"The server does not listen at '{listen}' without TLS and client certificates: others "
            "could read your films there. Give the certificate files, or listen at 127.0.0.1."
        )
    try:
        if tls is None:
            chosen = server.add_insecure_port(listen)
        else:
            chosen = server.add_secure_port(listen, _credentials(tls))
    except RuntimeError as err:
        raise _unbound(listen, err) from err
    return f"{host}:{chosen}"


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    try:
        return grpc.ssl_server_credentials(
            [(tls.private_key.read_bytes(), tls.certificate.read_bytes())],
            root_certificates=tls.client_authority.read_bytes(),
            require_client_auth=True,
        )
    except OSError as err:
        raise ServerUnavailableError(
            f"The certificate file '{err.filename}' cannot be read ({err.strerror})."
        ) from err


def _is_loopback(host: str) -> bool:
    """Only an address says for sure; a name may lead anywhere, but for this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _unbound(address: str, err: RuntimeError) -> ServerUnavailableError:
    return ServerUnavailableError(
        f"The server cannot listen at '{address}' ({err}). "
        "Choose another port, or set EMSYNC_RUNTIME_DIR to another folder."
    )
