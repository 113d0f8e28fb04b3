"""What goes wrong in DaVinci Resolve: one sentence each, the timeline as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.fake_resolve import Profile, Resolve, snapshot
from tests.hosts.test_resolve import Make, cut, process, score, studio

from emsync_resolve import actions
from emsync_resolve.brief import DEFAULTS, wishes_of
from emsync_resolve.host import ResolveHost
from emsync_resolve.process import HostError

__all__ = ["cut", "process", "studio"]


def no_picture(resolve: Resolve) -> None:
    resolve.timeline()._tracks["video"][0].items.clear()


def server_gone(resolve: Resolve) -> None:
    resolve.timeline()._name = "lost 1"


def append_lies(resolve: Resolve) -> None:
    resolve.app.lost_appends = 1


def file_hidden(resolve: Resolve) -> None:
    resolve.app.unreachable = "brass.wav"


def tracks_full(resolve: Resolve) -> None:
    resolve.app.most_tracks = 2


def none_open(resolve: Resolve) -> None:
    resolve._projects._project._timelines.clear()


def no_project(resolve: Resolve) -> None:
    resolve._projects._project = None


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        pytest.param(no_picture, "shows no picture", id="empty"),
        pytest.param(server_gone, "in the middle of the work", id="server gone"),
        pytest.param(append_lies, "did not lay", id="append lies"),
        pytest.param(file_hidden, "did not take", id="file vanishes"),
        pytest.param(tracks_full, "no further sound track", id="tracks full"),
        pytest.param(none_open, "No timeline is open", id="none open"),
        pytest.param(no_project, "No timeline is open", id="no project"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_the_timeline_is_as_it_was(
    cut: Make, prepare: Callable[[Resolve], Any], words: str
) -> None:
    resolve = cut()
    prepare(resolve)
    project = resolve._projects._project
    before = snapshot(resolve) if project and project._timelines else None
    with pytest.raises(HostError, match=words):
        score(resolve)
    if before is not None:
        assert snapshot(resolve) == before


def test_a_locked_stem_is_left_alone(cut: Make) -> None:
    resolve = cut()
    score(resolve)
    resolve.timeline()._tracks["audio"][1].locked = True
    before = snapshot(resolve)
    with pytest.raises(HostError, match="locked"):
        score(resolve)
    with pytest.raises(HostError, match="locked"):
        actions.remove(ResolveHost(resolve), "Reel 1")
    assert snapshot(resolve) == before


@pytest.mark.usefixtures("process")
def test_cancelling_leaves_neither_tracks_nor_files(cut: Make, tmp_path: Path) -> None:
    resolve = cut(name="slow")
    before = snapshot(resolve)
    told: list[str] = []

    def tell(fraction: float, note: str) -> None:
        told.append(note)

    with pytest.raises(HostError, match="cancelled"):
        actions.score(
            ResolveHost(resolve), wishes_of(dict(DEFAULTS)), tell, lambda: "step 3" in told
        )
    assert snapshot(resolve) == before
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".mp4"]


def test_page_playhead_and_bin_are_restored(cut: Make) -> None:
    resolve = cut()
    resolve.OpenPage("color")
    resolve.timeline().SetCurrentTimecode("01:00:02:00")
    score(resolve)
    assert resolve.app.page == "color"
    assert resolve.timeline()._playhead == "01:00:02:00"
    assert resolve._projects._project._pool._current._name == "Master"


def test_no_call_of_ours_needs_studio(cut: Make) -> None:
    resolve = cut(Profile(studio=False))
    assert not resolve.timeline().DetectSceneCuts() and resolve.GetVersion() is False
    resolve = cut(Profile(studio=False))
    score(resolve)
    assert not resolve.app.dialogue_is_open


def test_a_score_that_was_never_laid_is_fetched(cut: Make) -> None:
    resolve = cut()
    score(resolve)
    fresh = cut()  # Resolve was closed before it could save
    lines = actions.fetch(ResolveHost(fresh), lambda *_: None, bool)
    assert lines[0].startswith("2 stems laid")
    with pytest.raises(HostError, match="no finished take"):
        actions.fetch(ResolveHost(cut(name="other")), lambda *_: None, bool)
