"""One suite for both transports, over a real gRPC server each time."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from emsync import wire
from emsync.client import Client
from emsync.client.runtime_file import read_address, write_address
from emsync.cue import CueSheet
from emsync.errors import (
    EmsyncError,
    InputError,
    JobCancelledError,
    LimitError,
    MediaError,
    MemoryFullError,
    NotFoundError,
    PathRefusedError,
    ServerUnavailableError,
    VersionMismatchError,
    WrongTokenError,
)
from emsync.settings import ComposeSettings, RenderSettings
from emsync.timecode import RationalTime
from emsync.wire.calls import ApiVersion, Method, SpotMediaRequest
from emsync_server.config import Ceilings
from emsync_server.outputs import working_folder
from tests.contract.conftest import Reach, StartServer, film, wait_until
from tests.contract.fake_steps import sheet_of

SLOW = "slow"


def slow_sheet(root: Path) -> CueSheet:
    """A cue sheet whose cue takes twenty seconds to compose."""
    sheet = sheet_of(root / "film.mp4")
    return replace(sheet, cues=(replace(sheet.cues[0], name=SLOW),))


def test_progress_comes_first_and_the_result_once_and_last(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    request = wire.to_dict(SpotMediaRequest(str(film(root, "quick"))))
    kinds = [next(iter(event)) for event in reach().call_streaming(Method.SPOT_MEDIA, request)]
    assert kinds[-1] == "result"
    assert kinds[:-1] and set(kinds[:-1]) == {"progress"}


def test_each_step_brings_back_its_value(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    client = Client(reach())
    source = film(root, "quick")
    reports: list[float] = []
    sheet = client.spot(source, watch=lambda fraction, note: reports.append(fraction))
    assert sheet == sheet_of(source)
    assert reports == sorted(reports) and reports[-1] == 1.0
    takes = client.compose(sheet, "film", root / "out", ComposeSettings(seed=7))
    assert (takes[0].seed, takes[0].cue) == (7, sheet.cues[0])
    assert (root / "out" / "score.mid").is_file()
    stems = client.render(source, root / "out", RenderSettings())
    assert stems.stems[0].peak_db == float("-inf")


def test_the_first_bars_can_be_played_while_the_rest_is_composed(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    heard: list[tuple[float, bytes]] = []

    def listen(path: Path, seconds: float) -> None:
        heard.append((seconds, path.read_bytes()))
        raise JobCancelledError("Heard enough.")

    client = Client(reach())
    with pytest.raises(JobCancelledError, match="Heard enough"):
        client.compose(slow_sheet(root), SLOW, root / "out", ready=listen)
    assert heard == [(2.5, b"half of it")]
    wait_until(lambda: not any((root / "out").glob("*")))


def test_short_calls_say_who_answers(start_server: StartServer, reach: Reach, root: Path) -> None:
    address = start_server()
    client = Client(reach())
    info = client.server_info()
    assert (info.pid, info.api_version) == (address.pid, address.api_version)
    assert info.allowed_roots == (str(root.resolve()),)
    assert [model.name for model in client.models().models] == ["composer"]


def test_a_failing_step_arrives_as_its_own_error_and_sentence(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    with pytest.raises(MediaError, match=r"^'film.mp4' is no film") as caught:
        Client(reach()).spot(film(root, "broken"))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_full_memory_arrives_as_what_it_is(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    with pytest.raises(MemoryFullError, match="Close other programs") as caught:
        Client(reach()).spot(film(root, "hungry"))
    assert caught.value.code == "RESOURCE_EXHAUSTED"


def test_an_unforeseen_error_arrives_as_one_sentence(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    with pytest.raises(EmsyncError, match="did not foresee") as caught:
        Client(reach()).spot(film(root, "unforeseen"))
    assert caught.value.code == "INTERNAL"
    assert "\n" not in caught.value.sentence and "Traceback" not in caught.value.sentence


def test_cancelling_from_another_thread_stops_the_work_and_leaves_no_files(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    transport = reach()
    out = root / "out"
    request = {
        "sheet": wire.to_dict(slow_sheet(root)),
        "cue": SLOW,
        "folder": str(out),
    }
    events = transport.call_streaming(Method.COMPOSE_CUE, request)
    while "step" not in next(events)["progress"].get("note", ""):
        pass
    assert any(out.glob("*")), "the work should be under way"
    Thread(target=events.cancel).start()
    with pytest.raises(JobCancelledError):
        list(events)
    events.close()
    wait_until(lambda: not any(out.glob("*")))


def test_a_watcher_that_raises_leaves_the_call(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    out = root / "out"

    def leave(fraction: float, note: str) -> None:
        if "step" in note:
            raise JobCancelledError("Cancelled.")

    client = Client(reach())
    with pytest.raises(JobCancelledError, match=r"^Cancelled\.$"):
        client.compose(slow_sheet(root), SLOW, out, watch=leave)
    wait_until(lambda: not any(out.glob("*")))
    wait_until(lambda: client.server_info().jobs == 0)


def test_a_wrong_token_is_refused(
    start_server: StartServer, reach: Reach, runtime: Path, root: Path
) -> None:
    address = start_server()
    write_address(runtime, replace(address, token="not the token"))
    with pytest.raises(WrongTokenError):
        Client(reach()).spot(film(root, "quick"))


def test_a_client_newer_than_the_server_is_told_so(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server(api_version=ApiVersion(0, 9))
    with pytest.raises(VersionMismatchError, match=r"speaks protocol 0\.9"):
        Client(reach()).spot(film(root, "quick"))


def test_a_server_killed_in_the_middle_is_one_sentence_and_no_result(
    server_process: subprocess.Popen[bytes], reach: Reach, root: Path
) -> None:
    out = root / "out"

    def kill(fraction: float, note: str) -> None:
        if "step" in note:
            server_process.kill()

    with pytest.raises(ServerUnavailableError, match="in the middle of the work"):
        Client(reach()).compose(slow_sheet(root), SLOW, out, watch=kill)
    assert not (out / "score.mid").exists()
    server_process.wait()
    with working_folder(out) as working:  # the next work in this folder sweeps what is left
        assert list(out.iterdir()) == [working]


def test_a_server_told_to_go_lets_jobs_clean_up(
    server_process: subprocess.Popen[bytes], reach: Reach, runtime: Path, root: Path
) -> None:
    out = root / "out"

    def terminate(fraction: float, note: str) -> None:
        if "step" in note:
            server_process.terminate()

    with pytest.raises(ServerUnavailableError, match="was stopped before the work was done"):
        Client(reach()).compose(slow_sheet(root), SLOW, out, watch=terminate)
    assert server_process.wait(10) == 0
    assert not any(out.glob("*"))
    assert read_address(runtime) is None
    assert not list(runtime.glob("*.sock"))


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/etc/hostname", PathRefusedError, id="outside"),
        pytest.param("https://example.org/film.mp4", PathRefusedError, id="URL"),
        pytest.param("{root}/missing.mp4", NotFoundError, id="missing"),
    ],
)
def test_a_path_that_the_server_refuses_is_an_error_of_its_own(
    start_server: StartServer, reach: Reach, root: Path, path: str, error: type[EmsyncError]
) -> None:
    start_server()
    request = {"source": path.format(root=root)}
    with pytest.raises(error) as caught:
        list(reach().call_streaming(Method.SPOT_MEDIA, request))
    assert type(caught.value) is error


def test_results_go_only_under_the_roots(
    start_server: StartServer, reach: Reach, root: Path, tmp_path: Path
) -> None:
    start_server()
    outside = tmp_path / "elsewhere"
    with pytest.raises(PathRefusedError, match="outside the folders"):
        Client(reach()).compose(sheet_of(root / "film.mp4"), "film", outside)
    assert not outside.exists()


def test_more_jobs_than_the_queue_holds_are_refused(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server(Ceilings(running_jobs=1, waiting_jobs=1))
    transport = reach()
    request = wire.to_dict(SpotMediaRequest(str(film(root, SLOW))))
    running = []
    for _ in range(2):
        running.append(transport.call_streaming(Method.SPOT_MEDIA, request))
        next(running[-1])
    with pytest.raises(LimitError, match="1 wait") as caught:
        list(transport.call_streaming(Method.SPOT_MEDIA, request))
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert next(running[1])["progress"]["note"].startswith("waiting")
    for events in running:
        events.close()


def test_work_that_takes_too_long_is_stopped(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server(Ceilings(job_s=0.3))
    out = root / "out"
    began = time.monotonic()
    with pytest.raises(LimitError, match=r"longer than the 0\.3 s"):
        Client(reach()).compose(slow_sheet(root), SLOW, out)
    assert time.monotonic() - began < 10.0
    assert not any(out.glob("*"))


def test_a_request_beyond_the_ceiling_of_bytes_is_refused(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server(Ceilings(message_bytes=1000))
    with pytest.raises(LimitError):
        Client(reach()).compose(slow_sheet(root), "x" * 5000, root)


def test_a_request_with_mistakes_names_the_field(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    sheet = wire.to_dict(sheet_of(root / "film.mp4"))
    sheet["cues"][0]["hits"][0]["time"]["value"] = -5
    request = {"sheet": sheet, "cue": "film", "folder": str(root)}
    with pytest.raises(InputError, match=r"'sheet\.cues\[0\]\.hits\[0\]'.* before the picture"):
        list(reach().call_streaming(Method.COMPOSE_CUE, request))


def test_a_field_that_nobody_knows_is_refused(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    with pytest.raises(InputError, match="sauce"):
        list(reach().call_streaming(Method.SPOT_MEDIA, {"sauce": "film.mp4"}))


def test_a_long_silence_of_the_step_is_no_silence_of_the_server(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    moments: list[float] = []
    Client(reach()).spot(
        film(root, "deaf"), watch=lambda fraction, note: moments.append(time.monotonic())
    )
    assert max(later - earlier for earlier, later in pairwise(moments)) < 1.2


def test_exact_time_survives(start_server: StartServer, reach: Reach, root: Path) -> None:
    start_server()
    sheet = Client(reach()).spot(film(root, "quick"))
    assert sheet.picture.duration == RationalTime(240, sheet.picture.rate)
