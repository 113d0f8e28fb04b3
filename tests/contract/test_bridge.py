"""`emsync rpc`: one line in, lines out, and it leaves with its host."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from emsync import wire
from emsync.client import Client, connect
from emsync.wire.calls import SpotMediaRequest
from emsync_server.rpc import bridge
from tests.contract.conftest import BRIDGE, StartServer, film, wait_until


def call(method: str, line: str) -> tuple[int, list[dict[str, dict[str, str]]]]:
    """Run the bridge in this process; its exit code and what it says."""
    out = io.StringIO()
    code = bridge(method, io.StringIO(line), out)
    return code, [json.loads(text) for text in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("method", "line", "words"),
    [
        pytest.param("SpottingService/Nothing", "{}\n", "There is no call", id="method"),
        pytest.param("SpottingService/SpotMedia", "{\n", "not JSON", id="JSON"),
        pytest.param("SpottingService/SpotMedia", "[]\n", "not a JSON object", id="list"),
        pytest.param("SpottingService/SpotMedia", "[" * 99_999 + "\n", "not JSON", id="deep"),
        pytest.param("SpottingService/SpotMedia", '{"sauce": 1}\n', "sauce", id="field"),
        pytest.param(
            "SpottingService/SpotMedia", '{"source": "\\ud800"}\n', "not one that", id="letter"
        ),
    ],
)
def test_a_wrong_request_is_one_line_with_a_sentence(
    start_server: StartServer, method: str, line: str, words: str
) -> None:
    start_server()
    code, lines = call(method, line)
    assert code == 3 and len(lines) == 1
    assert lines[0]["error"]["code"] == "INVALID_ARGUMENT"
    assert words in lines[0]["error"]["message"]


@pytest.mark.parametrize("prefix", ["", "emsync.v1."])
def test_a_short_call_needs_no_request(start_server: StartServer, prefix: str) -> None:
    address = start_server()
    code, lines = call(f"{prefix}SystemService/GetServerInfo", "")
    assert code == 0 and lines[0]["result"]["pid"] == address.pid


def test_closing_the_input_cancels_the_call(start_server: StartServer, root: Path) -> None:
    start_server()
    request = json.dumps(wire.to_dict(SpotMediaRequest(str(film(root, "slow")))))
    code, lines = call("SpottingService/SpotMedia", request + "\n")  # the input ends there
    assert code == 130 and lines[-1]["error"]["code"] == "CANCELLED"
    with Client(connect()) as client:
        wait_until(lambda: client.server_info().jobs == 0)


def test_a_host_that_dies_takes_its_work_with_it(start_server: StartServer, root: Path) -> None:
    start_server()
    with subprocess.Popen(
        [*BRIDGE, "rpc", "SpottingService/SpotMedia"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        assert host.stdin is not None and host.stdout is not None
        host.stdin.write(json.dumps({"source": str(film(root, "slow"))}) + "\n")
        host.stdin.flush()
        assert "progress" in json.loads(host.stdout.readline())
        host.kill()
    with Client(connect()) as client:
        wait_until(lambda: client.server_info().jobs == 0)


def test_a_host_that_stops_listening_is_no_traceback(start_server: StartServer, root: Path) -> None:
    start_server()
    with subprocess.Popen(
        [*BRIDGE, "rpc", "SpottingService/SpotMedia"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as host:
        assert host.stdin is not None and host.stdout is not None and host.stderr is not None
        host.stdin.write(json.dumps({"source": str(film(root, "slow"))}) + "\n")
        host.stdin.flush()
        host.stdout.readline()
        host.stdout.close()
        assert host.stderr.read() == ""
        assert host.wait(10) == 0
