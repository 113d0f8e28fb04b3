"""What spotting costs beside decoding the film once, and that its memory does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from emsync.settings import SpotSettings
from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot

pytestmark = pytest.mark.slow
ROUNDS = 3


def draw_film(path: Path, seconds: int, width: int = 1920, height: int = 1080) -> None:
    """24 fps: pans over places with grain, a cut every three seconds, with sound."""
    random = np.random.default_rng(1)
    places = [
        cv2.resize(random.integers(0, 255, (34, 60, 3), np.uint8), (width + 180, height + 120))
        for _ in range(8)
    ]
    grain = [random.integers(0, 14, (height, width, 3), np.uint8) for _ in range(4)]
    with av.open(str(path), "w") as container:
        picture = container.add_stream(
            "libx264", rate=24, options={"preset": "veryfast", "crf": "20"}
        )
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="stereo")
        for index in range(24 * seconds):
            place, moved = places[(index // 72) % 8], index % 72
            view = place[moved : moved + height, 2 * moved : 2 * moved + width]
            image = cv2.add(np.ascontiguousarray(view), grain[index % 4])
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            noise = random.normal(0, 0.1, (2, 2_000)).astype(np.float32)
            piece = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
            piece.sample_rate, piece.pts = 48_000, 2_000 * index
            container.mux(sound.encode(piece))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def decode(path: Path) -> None:
    """The bare cost: every frame decoded, by the same threads, and dropped."""
    with open_film(path) as film:
        for _ in film.frames():
            pass


def spot_it(path: Path) -> None:
    """With an empty cache: else the second run would cost nothing."""
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMSYNC_CACHE", cache)
        spot(path, SpotSettings(), silent_progress())


def cost_s(work, path: Path) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work(path)
    return time.perf_counter() - wall, time.process_time() - processor


def test_spotting_costs_little_more_than_decoding(tmp_path, capsys):
    path = tmp_path / "film.mp4"
    draw_film(path, 12)
    bare, whole = [], []
    for _ in range(ROUNDS):  # in turns: what else the machine does meets both alike
        bare.append(cost_s(decode, path))
        whole.append(cost_s(spot_it, path))
    (bare_wall, bare_cpu), (wall, cpu) = np.min(bare, axis=0), np.min(whole, axis=0)
    with capsys.disabled():
        print(
            f"\nspotting over bare decoding, 1080p: wall {wall / bare_wall:.2f}, "
            f"processor {cpu / bare_cpu:.2f} ({cpu / 12:.3f} s a second of film)"
        )
    # Of twelve seconds; loading the experts is a tenth of it. Longer films: see BENCHMARKS.md.
    assert cpu / bare_cpu < 2.2


def peak_mib(path: Path) -> float:
    """Peak memory of spotting in a fresh process."""
    code = (
        "import sys, resource; from pathlib import Path\n"
        "from emsync.settings import SpotSettings\n"
        "from emsync_server.progress import silent_progress\n"
        "from emsync_server.spotting import spot\n"
        "spot(Path(sys.argv[1]), SpotSettings(), silent_progress())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    return float(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="no memory figures from Windows")
def test_memory_does_not_grow_with_the_film(tmp_path, capsys):
    peaks = {}
    for seconds in (20, 120):
        path = tmp_path / f"{seconds}.mp4"
        draw_film(path, seconds, 480, 270)
        peaks[seconds] = peak_mib(path)
    with capsys.disabled():
        print(f"\npeak memory of spotting, MiB by seconds of film: {peaks}")
    assert peaks[120] < peaks[20] * 1.1 + 10
