"""DaVinci Resolve's plugin on a double that fails the way the real one does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.fake_resolve import Profile, Resolve, Timeline, profiles, snapshot
from tests.hosts.fake_studio import connected

from emsync import wire
from emsync.errors import EmsyncError
from emsync.hosting import HostTimeline
from emsync.hosting.requests import answer
from emsync.timecode import RationalTime, timecode_of
from emsync_otio import read_edit
from emsync_resolve import actions
from emsync_resolve.brief import DEFAULTS, bars_of, wishes_of
from emsync_resolve.host import ResolveHost
from emsync_resolve.menu import main
from emsync_resolve.process import HostError, run_job
from emsync_server.rendering import write_ducked_stems
from emsync_server.rpc.host_recut import HostRecutter

FAKE_STUDIO = Path(__file__).with_name("fake_studio.py")
Make = Callable[..., Resolve]


@pytest.fixture(autouse=True)
def studio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home of the test's own, and jobs done at once in this process: a process takes a second."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(actions, "run_job", answered)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs done by `emsync host`, as in Resolve; without a network behind it."""
    monkeypatch.setattr(actions, "run_job", run_job)
    monkeypatch.setenv("EMSYNC_COMMAND", f"{sys.executable} {FAKE_STUDIO}")


def answered(request: Any, tell: Callable[[float, str], None], is_cancelled: Any) -> Any:
    """What `emsync host` does between its lines."""
    asked = json.loads(json.dumps(request))
    try:
        made = answer(asked, connected, tell, write_ducked_stems, HostRecutter())
        return json.loads(json.dumps(made))
    except EmsyncError as err:
        raise HostError(err.sentence) from err


@pytest.mark.usefixtures("process")
def test_the_job_is_done_by_a_process_of_its_own(cut: Make) -> None:
    resolve = cut(Profile("29.97 DF", 107_892))
    told: list[str] = []
    lines = actions.score(
        ResolveHost(resolve),
        wishes_of(dict(DEFAULTS)),
        lambda fraction, note: told.append(note),
        bool,
        ducked=True,
    )
    assert lines[0] == "2 stems laid; 3 of 3 locked hits are exact."
    assert "reading the edit" in told and "playing the instruments" in told


@pytest.fixture
def cut(tmp_path: Path) -> Make:
    """A Resolve whose timeline holds two shots, a dissolve between the latter two, and sound."""

    def make(profile: Profile | None = None, name: str = "Reel 1") -> Resolve:
        resolve = Resolve(profile)
        timeline = resolve.timeline()
        timeline._name = name
        film = tmp_path / "film.mp4"
        film.write_bytes(b"film")
        for number, (at, offset) in enumerate([((0, 48), 0), ((48, 48), 12), ((96, 48), 100)]):
            timeline.put("video", 1, f"shot {number}", at, str(film), offset=offset)
        timeline.put("video", 1, "Cross Dissolve", (90, 12))
        timeline.put("audio", 1, "talk", (0, 144), str(film))
        timeline.AddMarker(24.0, "Blue", "hit door", "", 1.0, "")
        return resolve

    return make


def score(resolve: Resolve, **wishes: Any) -> list[str]:
    """What the menu does, without a menu."""
    told: list[str] = []
    lines = actions.score(
        ResolveHost(resolve), {**wishes_of(dict(DEFAULTS)), **wishes}, lambda *_: None, bool
    )
    return told + lines


def own_tracks(timeline: Timeline) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Name, kind and what lies on each track but the user's."""
    return [
        (t.name, t.sub_type, [(i._start - timeline._start, i._length) for i in t.items])
        for t in timeline._tracks["audio"][1:]
    ]


@pytest.mark.parametrize("profile", profiles(), ids=str)
def test_a_score_lies_to_the_frame_in_every_kind_of_resolve(cut: Make, profile: Profile) -> None:
    resolve = cut(profile)
    before = snapshot(resolve)
    lines = score(resolve)
    assert lines == [
        "2 stems laid; 3 of 3 locked hits are exact.",
        "Hits that lie under markers of your own are not marked a second time: 1.",
    ]
    timeline = resolve.timeline()
    rate = profile.exact_rate
    expected_length = int(Fraction(round(144 / rate * 8000) + 2000, 8000) * rate)
    assert own_tracks(timeline) == [
        ("Reel 1 – strings", "stereo", [(0, expected_length)]),
        ("Reel 1 – brass", "stereo", [(0, expected_length)]),
    ]
    ours = {f: m for f, m in timeline.GetMarkers().items() if "emsync" in m["customData"]}
    assert {f: m["name"] for f, m in ours.items() if "hit" in json.loads(m["customData"])} == {
        48.0: "Reel 1: hit 2 (+0.00 frames)",
        96.0: "Reel 1: hit 3 (+0.00 frames)",
    }
    assert actions.remove(ResolveHost(resolve), "Reel 1").startswith("2 stems")
    assert snapshot(resolve) == before


def test_what_the_server_gets_is_the_edit(cut: Make, tmp_path: Path) -> None:
    resolve = cut(Profile("23.976", 86_400))
    score(resolve)
    (written,) = tmp_path.glob("emsync/Film/Reel 1/001/*.otio")
    edit = read_edit(written)
    assert edit.picture.rate == Fraction(24_000, 1001)
    assert edit.picture.start.value == 86_400 and edit.picture.duration.value == 144
    assert [(b.time.value, b.kind.value) for b in edit.boundaries] == [
        (48, "cut"),
        (96, "dissolve"),
    ]
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [(24, "hit door")]
    first = edit.shots[1]
    assert first.media == tmp_path / "film.mp4"
    assert first.source_start is not None
    assert float(first.source_start.seconds) == pytest.approx(12 * 1001 / 24_000)
    assert edit.picture.has_sound


def test_a_speed_change_a_title_and_switched_off_clips_are_read(cut: Make) -> None:
    resolve = cut()
    timeline = resolve.timeline()
    film = str(timeline._tracks["video"][0].items[0]._media._path)
    timeline.put("video", 2, "fast", (10, 20), film, speed=2.0)
    timeline.put("video", 2, "off", (60, 10), film, enabled=False)
    timeline.put("video", 3, "Text+", (0, 30))
    timeline.put("video", 3, "Adjustment Clip", (40, 30))
    timeline.put("video", 3, "Solid Color", (80, 30))
    timeline._tracks["video"][1].enabled = False
    read = wire.from_dict(HostTimeline, ResolveHost(resolve).read(), origin="The host")
    second, third = read.tracks[1], read.tracks[2]
    assert not second.enabled
    assert [(c.speed, c.enabled) for c in second.clips] == [(2.0, True), (1.0, False)]
    assert [clip.kind.value for clip in third.clips] == ["title", "title", "solid"]


def test_a_second_score_replaces_the_first_and_nothing_else(cut: Make) -> None:
    resolve = cut()
    score(resolve)
    first = own_tracks(resolve.timeline())
    user_track = resolve.timeline()
    user_track.put("audio", 2, "mine", (400, 10), "/mine.wav")  # on a track of ours
    resolve.OpenPage("color")  # where clips cannot be deleted
    score(resolve, seed=5)
    assert resolve.app.page == "color"
    timeline = resolve.timeline()
    assert [t.name for t in timeline._tracks["audio"]] == [
        "Audio 1",
        "Reel 1 – strings",  # the user's sound keeps its place
        "Reel 1 – strings",
        "Reel 1 – brass",
    ]
    assert own_tracks(timeline)[0][2] == [(400, 10)]
    assert own_tracks(timeline)[1:] == first
    (note,) = ResolveHost(resolve).notes().values()
    assert note["seed"] == 5 and note["folder"].endswith("002")
    assert note["sheet"]["cues"][0]["name"] == "Reel 1" and note["model"] == "fake"


def test_takes_are_chosen_and_a_range_is_written_anew(cut: Make) -> None:
    resolve = cut()
    score(resolve, takes=3)
    host = ResolveHost(resolve)
    actions.choose(host, "Reel 1", 2, lambda *_: None, bool)
    assert host.notes()["Reel 1"]["take"] == 2
    with pytest.raises(HostError, match="no take 9"):
        actions.choose(host, "Reel 1", 9, lambda *_: None, bool)
    with pytest.raises(HostError, match="no in and out points"):
        actions.regenerate(host, "Reel 1", 8, lambda *_: None, bool)
    resolve.timeline()._in_out = (100, 120)
    actions.regenerate(host, "Reel 1", 8, lambda *_: None, bool)
    note = host.notes()["Reel 1"]
    take = wire.read_take(Path(note["folder"]) / "take.json")
    assert note["seed"] == 8 and dict(take.measures) == {"first_bar": 2.0}  # 4.2 s: the second


def test_ducked_stems_are_offered_and_stay_ducked(cut: Make) -> None:
    resolve = cut()
    host, wishes = ResolveHost(resolve), {**wishes_of(dict(DEFAULTS)), "takes": 2}
    actions.score(host, wishes, lambda *_: None, bool, ducked=True)
    actions.choose(host, "Reel 1", 2, lambda *_: None, bool)
    item = resolve.timeline()._tracks["audio"][1].items[0]
    assert "stems-2/stems-ducked" in item._media._path and Path(item._media._path).is_file()


def test_bars_are_named_where_there_is_no_range(cut: Make) -> None:
    resolve = cut()
    score(resolve)
    host = ResolveHost(resolve)
    bars = bars_of({"bars": "2:2"})
    actions.regenerate(host, "Reel 1", 8, lambda *_: None, bool, bars=bars)
    take = wire.read_take(Path(host.notes()["Reel 1"]["folder"]) / "take.json")
    assert dict(take.measures) == {"first_bar": 2.0}
    with pytest.raises(HostError, match="bars 1 to 2"):
        bars = bars_of({"bars": "2:9"})
        actions.regenerate(host, "Reel 1", 8, lambda *_: None, bool, bars=bars)
    with pytest.raises(HostError, match="names no bars"):
        bars_of({"bars": "two"})


@pytest.mark.parametrize("profile", [Profile("29.97 DF", 107_892), Profile("25", 0)], ids=str)
def test_the_clip_under_the_playhead_is_scored(cut: Make, profile: Profile) -> None:
    resolve = cut(profile)
    timeline = resolve.timeline()
    at = RationalTime(profile.start + 60, profile.exact_rate)
    timeline.SetCurrentTimecode(timecode_of(at, drop_frame=profile.rate.endswith("DF")))
    host = ResolveHost(resolve)
    actions.score(host, wishes_of(dict(DEFAULTS)), lambda *_: None, bool, part="clip")
    assert host.notes()["Reel 1 48"]["span"] == {"start_frames": 48, "length_frames": 48}
    assert own_tracks(timeline)[0][2][0][0] == 48
    timeline.SetCurrentTimecode("02:00:00:00")
    with pytest.raises(HostError, match="no clip under the playhead"):
        actions.score(host, wishes_of(dict(DEFAULTS)), lambda *_: None, bool, part="clip")


def test_the_key_and_tempo_of_the_score_that_lies_there_are_kept(cut: Make) -> None:
    resolve = cut()
    score(resolve)
    score(resolve, **wishes_of({**DEFAULTS, "keep_key": "yes", "keep_tempo": True}))
    brief = ResolveHost(resolve).notes()["Reel 1"]["sheet"]["cues"][0]["brief"]
    assert brief["key"] == {"tonic": 1, "mode": "MODE_MINOR"} or brief["key"] == "C# minor"
    assert "tempo_bpm" in brief


def test_after_a_re_edit_only_what_changed_is_laid_anew(cut: Make) -> None:
    resolve = cut()
    timeline = resolve.timeline()
    host = ResolveHost(resolve)
    with pytest.raises(HostError, match="no score"):
        actions.renew(host, lambda *_: None, bool)
    score(resolve)
    before = snapshot(resolve)
    assert "is as it was" in actions.renew(host, lambda *_: None, bool)[0]
    assert snapshot(resolve) == before
    timeline._tracks["video"][0].items.pop()  # the dissolve
    timeline._tracks["video"][0].items.pop()  # the last shot
    said: list[str] = []
    assert main("renew", resolve, say=said.append) == 0
    assert "'Reel 1' follows the new edit." in said
    note = host.notes()["Reel 1"]
    assert note["span"]["length_frames"] == 96 and note["folder"].endswith("002")
    assert len(host.found("Reel 1")) == 2


def test_a_note_that_a_marker_cannot_hold_is_found_in_its_folder(cut: Make) -> None:
    resolve = cut()
    resolve.app.most_custom_data = 800
    score(resolve, takes=2)
    host = ResolveHost(resolve)
    actions.choose(host, "Reel 1", 2, lambda *_: None, bool)
    note = host.notes()["Reel 1"]
    assert note["take"] == 2 and note["sheet"]["cues"]
    assert sum("score" in m["name"] for m in resolve.timeline().GetMarkers().values()) == 1
    assert actions.remove(host, "Reel 1").startswith("2 stems")
    before = snapshot(resolve)
    resolve.app.most_custom_data = 10
    with pytest.raises(HostError, match="kept no note"):
        score(resolve)
    assert snapshot(resolve)[1] == before[1]


def test_a_project_of_another_rate_is_said(cut: Make) -> None:
    resolve = cut(Profile("25", 90_000))
    resolve.app.project_rate = "24"
    lines = score(resolve)
    assert any("lasts" in line for line in lines)  # seen when it was read back
    words = "The project runs at 24 frames per second and this timeline at 25"
    assert any(line.startswith(words) for line in lines)


def test_names_that_macos_spells_in_two_ways_are_one(cut: Make) -> None:
    resolve = cut(name="Bébé")
    resolve.app.decomposes_paths = True
    before = snapshot(resolve)
    assert len(score(resolve)) == 2
    score(resolve, seed=2)
    host = ResolveHost(resolve)
    assert len(host.found("Bébé")) == 2 and len(host.read()["tracks"][1]["clips"]) == 1
    assert actions.remove(host, "Bébé").startswith("2 stems") and snapshot(resolve) == before
