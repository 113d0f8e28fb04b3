"""The server's door: who may call, where it listens, one instance, when it leaves."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from emsync.client import Client, connect
from emsync.client.grpc_transport import GrpcTransport
from emsync.client.runtime_file import RUNTIME_FILE, ServerAddress, read_address, write_address
from emsync.errors import LimitError, ServerUnavailableError, VersionMismatchError, WrongTokenError
from emsync.wire.calls import API_VERSION, ApiVersion
from emsync_server.config import ServerSettings
from emsync_server.rpc import running_server
from tests.contract.conftest import BRIDGE, StartServer, film, wait_until
from tests.contract.fake_steps import FakeSteps

SERVICES = [
    "grpc.health.v1.Health",
    "emsync.v1.SpottingService",
    "emsync.v1.CompositionService",
    "emsync.v1.RenderingService",
    "emsync.v1.SystemService",
]


def status_of(address: ServerAddress, path: str, metadata: tuple[tuple[str, str], ...]) -> str:
    """The status of an empty call."""
    with grpc.insecure_channel(address.address) as channel:
        call = channel.unary_unary(
            path, empty_pb2.Empty.SerializeToString, empty_pb2.Empty.FromString
        )
        try:
            call(empty_pb2.Empty(), metadata=metadata, timeout=5)
        except grpc.RpcError as err:
            return str(err.code().name)
    return "OK"


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((), id="none"),
        pytest.param((("authorization", ""),), id="empty"),
        pytest.param((("authorization", "Bearer "),), id="no token"),
        pytest.param((("authorization", "Bearer wrong"),), id="wrong"),
        pytest.param((("authorization", "Basic {token}"),), id="wrong scheme"),
        pytest.param((("authorization", "Bearer {token}x"),), id="longer"),
        pytest.param((("authorization-bin", b"Bearer"),), id="binary"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/emsync.v1.SystemService/GetServerInfo",
        "/emsync.v1.SpottingService/SpotMedia",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/emsync.v1.Unknown/Unknown",
    ],
)
def test_no_call_gets_in_without_the_token(
    start_server: StartServer, path: str, metadata: tuple[tuple[str, str], ...]
) -> None:
    address = start_server(reflection=True)
    shown = tuple(
        (name, value.format(token=address.token) if isinstance(value, str) else value)
        for name, value in metadata
    )
    assert status_of(address, path, shown) == "UNAUTHENTICATED"


def test_the_token_is_fresh_at_each_start(runtime: Path) -> None:
    tokens = set()
    for _ in range(2):
        with running_server(ServerSettings(runtime_folder=runtime), FakeSteps()) as address:
            tokens.add(address.token)
    assert len(tokens) == 2 and all(len(token) >= 32 for token in tokens)


def test_the_server_itself_refuses_a_newer_client(start_server: StartServer) -> None:
    address = start_server()
    newer = GrpcTransport(address.address, address.token, api_version=ApiVersion(1, 99))
    with pytest.raises(VersionMismatchError, match=r"client speaks protocol 1\.99"):
        Client(newer).server_info()
    newer.close()


def test_a_client_may_set_itself_a_deadline(start_server: StartServer, root: Path) -> None:
    address = start_server()
    hasty = GrpcTransport(address.address, address.token, deadline_s=0.3)
    with Client(hasty) as client, pytest.raises(LimitError, match="longer than this call allowed"):
        client.spot(film(root, "slow"))
    with Client(connect()) as client:
        wait_until(lambda: client.server_info().jobs == 0)


def test_a_tool_without_a_version_is_served(start_server: StartServer) -> None:
    address = start_server()
    metadata = (("authorization", f"Bearer {address.token}"),)
    assert status_of(address, "/emsync.v1.SystemService/GetServerInfo", metadata) == "OK"


@pytest.mark.parametrize("service", ["", *SERVICES[1:]])
def test_health_says_serving(start_server: StartServer, service: str) -> None:
    address = start_server()
    with grpc.insecure_channel(address.address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=service),
            metadata=(("authorization", f"Bearer {address.token}"),),
            timeout=5,
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_is_a_flag(start_server: StartServer) -> None:
    address = start_server()
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    metadata = (("authorization", f"Bearer {address.token}"),)
    assert status_of(address, path, metadata) == "UNIMPLEMENTED"


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_nobody_else_can_read_the_token_or_reach_the_socket(runtime: Path) -> None:
    runtime.chmod(0o755)
    before = os.umask(0)
    try:
        with running_server(ServerSettings(runtime_folder=runtime), FakeSteps()) as address:
            assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
            assert stat.S_IMODE((runtime / RUNTIME_FILE).stat().st_mode) == 0o600
            socket_mode = Path(address.address.removeprefix("unix:")).stat().st_mode
            assert stat.S_IMODE(socket_mode) == 0o600
            assert os.umask(0) == 0, "the process' umask came back"
    finally:
        os.umask(before)


def test_a_folder_name_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    long_name = tmp_path / ("a" * 90) / "runtime"
    with running_server(ServerSettings(runtime_folder=long_name), FakeSteps()) as address:
        spare = Path(address.address.removeprefix("unix:"))
        transport = GrpcTransport(address.address, address.token)
        assert Client(transport).server_info().pid == os.getpid()
        transport.close()
    assert not spare.parent.exists()


def test_only_one_server_runs_for_a_user(start_server: StartServer, runtime: Path) -> None:
    start_server()
    second = running_server(ServerSettings(runtime_folder=runtime), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="Another emsync server runs"), second:
        pass
    assert read_address(runtime) is not None, "the first one's file is untouched"


def test_what_a_killed_server_left_behind_is_in_nobodys_way(
    server_process: subprocess.Popen[bytes], runtime: Path
) -> None:
    server_process.kill()
    server_process.wait()
    assert (runtime / RUNTIME_FILE).exists() and (runtime / "emsync.sock").exists()
    assert read_address(runtime) is None
    with running_server(ServerSettings(runtime_folder=runtime), FakeSteps()) as address:
        assert read_address(runtime) == address


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"address": "unix:/tmp/', id="cut off"),
        pytest.param("[]", id="a list"),
        pytest.param('{"pid": -1, "api_version": "1.0"}', id="no process"),
        pytest.param('{"pid": 1e99, "api_version": "1.0"}', id="a huge process"),
        pytest.param(f'{{"pid": {os.getpid()}, "api_version": "one"}}', id="no version"),
    ],
)
def test_a_damaged_runtime_file_is_as_good_as_none(runtime: Path, text: str) -> None:
    (runtime / RUNTIME_FILE).write_text(text)
    (runtime / RUNTIME_FILE).chmod(0o600)
    assert read_address(runtime) is None


def test_a_runtime_file_that_others_could_have_written_is_ignored(runtime: Path) -> None:
    write_address(runtime, ServerAddress("127.0.0.1:1", os.getpid(), "1.0", "token"))
    assert read_address(runtime) is not None
    (runtime / RUNTIME_FILE).chmod(0o622)
    assert read_address(runtime) is None


def test_tcp_is_loopback_with_a_port_of_its_own(runtime: Path, tmp_path: Path) -> None:
    settings = ServerSettings(runtime_folder=runtime, listen="127.0.0.1:0")
    with running_server(settings, FakeSteps()) as address:
        host, port = address.address.split(":")
        assert (host, int(port) > 0) == ("127.0.0.1", True)
        transport = GrpcTransport(address.address, address.token)
        assert Client(transport).server_info().pid == os.getpid()
        transport.close()
        twin = ServerSettings(runtime_folder=tmp_path / "twin", listen=address.address)
        second = running_server(twin, FakeSteps())
        with pytest.raises(ServerUnavailableError, match="cannot listen"), second:
            pass


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_other_interfaces_are_refused_without_tls(runtime: Path, listen: str) -> None:
    server = running_server(ServerSettings(runtime_folder=runtime, listen=listen), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="without TLS"), server:
        pass
    assert not (runtime / RUNTIME_FILE).exists()


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(runtime: Path, listen: str) -> None:
    server = running_server(ServerSettings(runtime_folder=runtime, listen=listen), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="not an address"), server:
        pass


@pytest.mark.skipif(os.name != "posix", reason="POSIX owners")
def test_a_runtime_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    server = running_server(ServerSettings(runtime_folder=tmp_path / "link"), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="belongs to somebody else"), server:
        pass


def test_an_idle_server_leaves_and_tidies_up(runtime: Path) -> None:
    command = [*BRIDGE, "serve", "--idle-timeout", "0.5"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: read_address(runtime) is not None, 20)
        assert process.wait(10) == 0
    assert sorted(path.name for path in runtime.iterdir()) == ["server.lock"]


def test_a_client_starts_a_server_where_none_runs(runtime: Path) -> None:
    transport = connect()
    info = Client(transport).server_info()
    transport.close()
    assert info.pid != os.getpid()
    again = connect()
    assert Client(again).server_info().pid == info.pid
    again.close()
    os.kill(info.pid, 15)
    wait_until(lambda: read_address(runtime) is None, 10)


def test_a_server_that_does_not_start_shows_the_end_of_its_log(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMSYNC_COMMAND", f"{sys.executable} -c 'import no_such_module'")
    monkeypatch.setattr("emsync.client.locating.LAST_WORD_S", 0.1)
    with pytest.raises(ServerUnavailableError, match="No module named 'no_such_module'"):
        connect()


def test_a_missing_program_is_one_sentence(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMSYNC_COMMAND", "/nowhere/emsync")
    with pytest.raises(ServerUnavailableError, match="EMSYNC_COMMAND"):
        connect()


def test_a_server_starts_quickly_and_without_the_heavy_parts(runtime: Path) -> None:
    """Wall time would measure what else the machine does."""
    program = (
        "import time; from emsync_server.config import ServerSettings; "
        "from emsync_server.rpc import running_server\n"
        "with running_server(ServerSettings()): print(time.process_time())\n"
        "import sys; print(sorted({'onnxruntime','av','numpy','torch'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    spent_s, heavy = answer.stdout.splitlines()
    assert heavy == "[]"
    assert float(spent_s) < 0.6  # measured: 0.18 s; a busy machine may need thrice that


def test_a_foreign_process_at_the_address_is_not_waited_for(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emsync.client.locating.CONNECT_TIMEOUT_S", 1.0)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        write_address(runtime, ServerAddress(address, os.getpid(), str(API_VERSION), "token"))
        began = time.monotonic()
        transport = connect()  # gives up on it, starts a server of its own
        assert time.monotonic() - began < 20
        info = Client(transport).server_info()
        transport.close()
        os.kill(info.pid, 15)
    wait_until(lambda: not (runtime / RUNTIME_FILE).exists(), 10)


def test_a_wrong_token_raises_its_own_error(start_server: StartServer) -> None:
    address = start_server()
    transport = GrpcTransport(address.address, "wrong")
    with pytest.raises(WrongTokenError, match="emsync login"):
        Client(transport).server_info()
    transport.close()


def test_a_runtime_folder_that_cannot_be_written_is_one_sentence(runtime: Path) -> None:
    (runtime / RUNTIME_FILE).mkdir()  # nothing can be put in its place
    server = running_server(ServerSettings(runtime_folder=runtime), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="EMSYNC_RUNTIME_DIR"), server:
        pass
    inside_a_file = runtime / "server.lock" / "run"
    blocked = running_server(ServerSettings(runtime_folder=inside_a_file), FakeSteps())
    with pytest.raises(ServerUnavailableError, match="cannot be made"), blocked:
        pass
