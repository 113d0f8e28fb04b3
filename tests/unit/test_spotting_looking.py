"""One pass over a picture: small pictures are looked at on another core, in order, all of them."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest
from tests.films import draw_film

from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting.looking import look_at_film


class Witness:
    """A finder that notes what it is shown, and breaks at a frame."""

    def __init__(self, *, breaks_at: int = -1) -> None:
        self.looked = self.seen = 0
        self.breaks_at = breaks_at
        self.threads: set[str] = set()
        self.means: list[float] = []

    def look(self, frame) -> None:
        self.looked += 1

    def see(self, small) -> None:
        if self.seen == self.breaks_at:
            raise RuntimeError("the witness broke")
        self.seen += 1
        self.threads.add(threading.current_thread().name)
        self.means.append(float(small.luma.mean()))

    def finish(self):
        return ()


@pytest.fixture(scope="module")
def film_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("looking") / "film.mp4"
    draw_film(path, rate=Fraction(25))
    return path


def test_every_frame_is_seen_once_and_in_order_beside_the_decoding(film_path):
    twice = [Witness(), Witness()]
    watched: list[float] = []
    for witness in twice:
        with open_film(film_path) as film:
            seen = look_at_film(
                film, witness, silent_progress(), watch=lambda _, time_s: watched.append(time_s)
            )
    assert twice[0].looked == twice[0].seen == 250
    assert twice[0].means == twice[1].means
    assert threading.current_thread().name not in twice[0].threads
    assert watched[:250] == sorted(watched[:250])
    assert seen.appearance.time_s[-1] == pytest.approx(250 / 25, abs=0.2)


@pytest.mark.parametrize("frame", [0, 100, 249])
def test_what_breaks_while_it_looks_is_told(film_path, frame):
    with open_film(film_path) as film, pytest.raises(RuntimeError, match="witness broke"):
        look_at_film(film, Witness(breaks_at=frame), silent_progress())
    assert not [each for each in threading.enumerate() if "finding" in each.name]


def test_a_film_that_must_be_converted_is_looked_at_and_watched(tmp_path):
    path = tmp_path / "rgb.mkv"
    draw_film(path, seconds=2.0, cuts_s=(1.0,), size=(1920, 1080), codec="libx264rgb",
              pix_fmt="rgb24", sound=False)  # fmt: skip
    watched: list[int] = []
    witness = Witness()
    with open_film(path) as film:
        look_at_film(film, witness, silent_progress(), watch=lambda frame, _: watched.append(
            frame.reformat(width=64, height=36, format="rgb24").width))  # fmt: skip
    assert watched == [64] * 48
    assert witness.seen == 48
