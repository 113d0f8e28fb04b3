"""A server that other machines reach: TLS, certificates on both sides, and a token that lasts."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emsync import wire
from emsync.client import Client, ClientTls, connect_elsewhere, locating, tokens, trust
from emsync.errors import EmsyncError, ServerUnavailableError, WrongTokenError
from emsync_server.cli.commands import command_tree
from emsync_server.cli.options import with_server_named
from emsync_server.config import ServerSettings, TlsFiles
from emsync_server.rpc import running_server
from tests.contract.fake_steps import FakeSteps
from tests.films import draw_film

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


def test_the_commands_work_on_a_server_elsewhere_after_a_login(
    runtime: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, _ = certificate(tmp_path, "studio", "studio")
    editor, key = certificate(tmp_path, "editor", "studio")
    tls = TlsFiles(*certificate(tmp_path, "server", "studio"), authority)
    monkeypatch.setattr(tokens, "_token_path", lambda: tmp_path / "config" / "tokens.json")
    monkeypatch.setattr(trust, "_file", lambda: tmp_path / "config" / "servers.json")
    monkeypatch.setattr(tokens, "_in_keyring", lambda action: None)
    monkeypatch.delenv("EMSYNC_TOKEN", raising=False)
    draw_film(root / "film.mp4", seconds=4.0, cuts_s=(2.0,), size=(96, 64))
    settings = ServerSettings(
        runtime_folder=runtime, listen="127.0.0.1:0", tls=tls, allowed_roots=(root,), token="of it"
    )
    with running_server(settings) as address:  # with the real steps

        def emsync(*words: str, typed: str = "") -> tuple[int, str]:
            done = CliRunner().invoke(command_tree(), words, input=typed)
            said = done.exception.sentence if isinstance(done.exception, EmsyncError) else ""
            return done.exit_code, done.output + said

        spot = ("spot", str(root / "film.mp4"), "-o", str(tmp_path / "cues.json"))
        elsewhere = ("--server", address.address)
        assert "There are no certificates for 127.0.0.1" in emsync(*spot, *elsewhere)[1]
        files = ("--authority", str(authority), "--certificate", str(editor), "--key", str(key))
        code, said = emsync("login", "127.0.0.1", *files, typed="of it\ny\n")
        assert code == 0 and "of it" not in said, said

        code, said = emsync(*spot, *elsewhere)
        assert code == 0, said
        sheet = wire.read_cue_sheet(tmp_path / "cues.json")
        assert [float(cut.time.seconds) for cut in sheet.boundaries] == [2.0]

        assert emsync("login", "127.0.0.1", typed="another\ny\n")[0] == 0
        assert "not this server's" in emsync(*spot, *elsewhere)[1]


def test_certificates_that_are_not_there_are_not_remembered(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ServerUnavailableError, match=r"missing\.pem"):
        trust.keep_tls("studio", ClientTls(missing, missing, missing))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["score", "film.mp4", "--server"], ["score", "film.mp4", "--server=here"]),
        (["score", "--server", "film.mp4"], ["score", "--server=here", "film.mp4"]),
        (["score", "--server", "studio:50051", "f"], ["score", "--server", "studio:50051", "f"]),
        (["score", "--server", "[::1]:50051"], ["score", "--server", "[::1]:50051"]),
        (["score", "--server", "--draft"], ["score", "--server=here", "--draft"]),
    ],
)
def test_a_server_without_an_address_is_the_one_that_runs_here(
    typed: list[str], meant: list[str]
) -> None:
    assert with_server_named(typed) == meant
