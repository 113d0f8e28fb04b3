"""A server that other machines reach: TLS, certificates on both sides, and a token that lasts."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest

from emsync.client import Client, connect_elsewhere, locating
from emsync.client.grpc_transport import ClientTls
from emsync.errors import ServerUnavailableError, WrongTokenError
from emsync_server.config import ServerSettings, TlsFiles
from emsync_server.rpc import running_server
from tests.contract.fake_steps import FakeSteps

x509 = pytest.importorskip("cryptography.x509", reason="makes the test's certificates")


def certificate(folder: Path, name: str, authority: str) -> tuple[Path, Path]:
    """A certificate and its key, signed by an authority (by itself where that is its own name)."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    issuer, signer = name, key
    if authority != name:
        text = (folder / f"{authority}.key").read_bytes()
        issuer, signer = authority, serialization.load_pem_private_key(text, None)
    now = datetime.datetime.now(datetime.UTC)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority == name, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName([loopback]), False)
        .sign(signer, hashes.SHA256())
    )
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_only_a_client_with_a_certificate_and_the_token_gets_in(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = certificate(tmp_path, "studio", "studio")
    certificate(tmp_path, "stranger", "stranger")
    server_files = certificate(tmp_path, "server", "studio")
    known = ClientTls(ours, *certificate(tmp_path, "editor", "studio"))
    unknown = ClientTls(ours, *certificate(tmp_path, "intruder", "stranger"))
    settings = ServerSettings(
        runtime_folder=runtime, listen="127.0.0.1:0", tls=TlsFiles(*server_files, ours)
    )
    monkeypatch.setenv("EMSYNC_TOKEN", "the studio's token")
    monkeypatch.setattr(locating, "CONNECT_ELSEWHERE_S", 1.0)
    with running_server(settings, FakeSteps()) as address:
        assert address.token == "the studio's token"
        with Client(connect_elsewhere(address.address, known)) as client:
            assert client.server_info().pid == address.pid
        with pytest.raises(ServerUnavailableError, match="certificate"):
            connect_elsewhere(address.address, unknown)
        monkeypatch.setenv("EMSYNC_TOKEN", "another")
        with (
            Client(connect_elsewhere(address.address, known)) as client,
            pytest.raises(WrongTokenError),
        ):
            client.server_info()


def test_a_certificate_that_is_not_there_is_named(runtime: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    settings = ServerSettings(
        runtime_folder=runtime, listen="0.0.0.0:0", tls=TlsFiles(missing, missing, missing)
    )
    server = running_server(settings, FakeSteps())
    with pytest.raises(ServerUnavailableError, match=r"missing\.pem"), server:
        pass
