"""Files a person edited: each mistake is one sentence with the file, the place and what to do."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emsync import wire
from emsync.cue import Brief, CueSheet, HitSource, Key, Mode, Style
from emsync.errors import CueSheetError, EmsyncError, LimitError, NotFoundError
from emsync.family import Family
from emsync.picture import Boundary, BoundaryKind
from emsync.settings import ComposeSettings, RenderSettings
from emsync.stem import GainCurve, LoudnessTarget, StemSet
from emsync.timecode import RationalTime
from emsync_server.progress import silent_progress
from tests.contract.fake_steps import FakeSteps, sheet_of

SHEET = wire.to_dict(sheet_of(Path("/film.mp4")))

Edit = Callable[[dict[str, Any]], object]


def _overlapping(sheet: dict[str, Any]) -> None:
    sheet["cues"].append({**sheet["cues"][0], "name": "other"})


def hit(sheet: dict[str, Any]) -> dict[str, Any]:
    """The first hit of a sheet."""
    found: dict[str, Any] = sheet["cues"][0]["hits"][0]
    return found


def emotion(sheet: dict[str, Any]) -> dict[str, Any]:
    """The first emotion of a sheet."""
    found: dict[str, Any] = sheet["cues"][0]["emotion"]["points"][0]["emotion"]
    return found


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(_overlapping, ["'film' and 'other' overlap"], id="overlapping cues"),
        pytest.param(
            lambda sheet: hit(sheet)["time"].update(value=-24),
            ["cues[0].hits[0]", "before the picture", "-1.001 s"],
            id="negative hit",
        ),
        pytest.param(
            lambda sheet: emotion(sheet).update(valence=float("nan")),
            ["cues[0].emotion.points[0].emotion.valence", "NaN"],
            id="NaN",
        ),
        pytest.param(
            lambda sheet: emotion(sheet).update(valence="NaN"), ["valence", "NaN"], id="quoted NaN"
        ),
        pytest.param(
            lambda sheet: emotion(sheet).update(arousal=float("inf")),
            ["[-1, 1]", "inf"],
            id="infinite arousal",
        ),
        pytest.param(
            lambda sheet: emotion(sheet).update(arousal=10**400), ["arousal"], id="huge number"
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(weight=1.5), ["[0, 1]", "1.5"], id="out of range"
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(wieght=1.0),
            ["'wieght'", "(did you mean 'weight'?)"],
            id="unknown field",
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(locked="yes"), ["locked", "true or false"], id="word"
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(locked=1), ["locked", "true or false"], id="1 for true"
        ),
        pytest.param(
            lambda sheet: hit(sheet)["time"].update(value=1.5),
            ["time.value", "whole number"],
            id="half a frame",
        ),
        pytest.param(
            lambda sheet: hit(sheet)["time"].update(value=True),
            ["whole number"],
            id="truth for a number",
        ),
        pytest.param(
            lambda sheet: hit(sheet)["time"].update(value=2**63), ["64 bits"], id="65 bits"
        ),
        pytest.param(
            lambda sheet: hit(sheet)["time"]["rate"].update(denominator=0),
            ["time.rate.denominator", "above zero"],
            id="division by zero",
        ),
        pytest.param(
            lambda sheet: hit(sheet)["time"].update(rate="fast"),
            ["time.rate", "24000/1001", '"fast"'],
            id="rate",
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(time="00:00:04:24"),
            ["hits[0].time", '"00:00:04:24"', "0 to 23"],
            id="a frame too many",
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(time="4 seconds"),
            ["hits[0].time", '"4 seconds"', '"00:01:30:12"'],
            id="no timecode",
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(time=-1), ["hits[0].time", "-1"], id="negative seconds"
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["hits"].append(hit(sheet)),
            ["two hits at 00:00:04:04"],
            id="two hits at once",
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["brief"].update(key="H minor"),
            ["brief.key", "'H minor'", "'D minor'"],
            id="unknown key",
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["brief"].update(tempo_bpm="brisk"),
            ["brief.tempo_bpm", '"brisk"', '"80:110"'],
            id="tempo in words",
        ),
        pytest.param(
            lambda sheet: hit(sheet).update(source="hunch"),
            ["one of marker, boundary, person", '"hunch"'],
            id="unknown choice",
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["brief"].update(tempo_bpm={"least": 90, "most": 100}),
            ["tempo_bpm.most", "least, greatest"],
            id="unknown limit",
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["brief"].update(tempo_bpm={"least": 120}),
            ["tempo limits"],
            id="half a limit",
        ),
        pytest.param(lambda sheet: sheet.pop("picture"), ["'picture'", "missing"], id="no picture"),
        pytest.param(
            lambda sheet: sheet["cues"][0].update(hits={}), ["cues[0].hits", "a list"], id="no list"
        ),
        pytest.param(
            lambda sheet: sheet["cues"].append(None), ["cues[1]", "null"], id="null in a list"
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0].update(name="../../etc"), ["file name"], id="a way out"
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0].update(name="\ud800"), ["Unicode"], id="half a letter"
        ),
        pytest.param(
            lambda sheet: sheet["cues"][0]["emotion"].update(points=[]),
            ["cues[0].emotion", "at least one point"],
            id="no emotion",
        ),
    ],
)
def test_a_mistake_in_a_cue_sheet_is_named(tmp_path: Path, edit: Edit, words: list[str]) -> None:
    data = copy.deepcopy(SHEET)
    edit(data)
    path = tmp_path / "cues.json"
    path.write_text(json.dumps(data))
    with pytest.raises(CueSheetError) as caught:
        wire.read_cue_sheet(path)
    sentence = caught.value.sentence
    assert str(path) in sentence and "Correct it there" in sentence and "\n" not in sentence
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", ["not JSON", "line 1"], id="empty"),
        pytest.param(b'{\n "cues": [\n}', ["line 3"], id="bracket missing"),
        pytest.param(b"[]", ["object in braces", "a list"], id="a list"),
        pytest.param(b"null", ["object in braces"], id="null"),
        pytest.param(b'{"cues": [], "cues": []}', ["'cues' stands twice"], id="twins"),
        pytest.param(b"[" * 200_000, ["nested too deeply"], id="deep"),
        pytest.param(b"9" * 6000, ["thousands of digits"], id="long number"),
        pytest.param(b"\x00\xff\xfe\x9a", ["not text"], id="binary"),
    ],
)
def test_a_file_that_is_no_cue_sheet_is_named(
    tmp_path: Path, content: bytes, words: list[str]
) -> None:
    path = tmp_path / "cues.json"
    path.write_bytes(content)
    with pytest.raises(CueSheetError) as caught:
        wire.read_cue_sheet(path)
    assert all(word in caught.value.sentence for word in [str(path), *words]), caught.value


def test_a_missing_file_a_folder_and_a_huge_one_are_named(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(2**30)
    cases: list[tuple[Path, type[EmsyncError]]] = [
        (tmp_path / "missing.json", NotFoundError),
        (tmp_path / "cues.json" / "inside", NotFoundError),
        (tmp_path, CueSheetError),
        (huge, LimitError),
    ]
    for path, error in cases:
        with pytest.raises(error, match=path.name):
            wire.read_take(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cues.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(CueSheetError, match="cannot be read"):
        wire.read_cue_sheet(path)


def test_what_a_person_leaves_out_gets_its_default() -> None:
    data = copy.deepcopy(SHEET)
    for name in ("label", "source", "locked"):
        del hit(data)[name]
    data["cues"][0]["brief"] = {"style": "orchestral", "families": ["strings"], "key": None}
    sheet = wire.cue_sheet_from_dict(data)
    assert (sheet.cues[0].hits[0].locked, sheet.cues[0].hits[0].label) == (False, "")
    assert sheet.cues[0].brief.max_rubato == 0.08
    assert wire.to_dict(sheet)["cues"][0]["brief"]["style"] == "STYLE_ORCHESTRAL"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "cues.json"
    path.write_text(json.dumps(SHEET), encoding="utf-8-sig")
    assert wire.read_cue_sheet(path) == sheet_of(Path("/film.mp4"))


def test_a_cue_sheet_reads_as_an_editor_speaks() -> None:
    sheet = sheet_of(Path("/film.mp4"))
    brief = Brief(Style.PIANO, (Family.KEYS,), Key(2, Mode.MINOR), None, (80.0, 110.5))
    text = wire.dumps(replace(sheet, cues=(replace(sheet.cues[0], brief=brief),)))
    assert '"rate": "24000/1001"' in text
    assert '{"time": "00:00:04:04", "weight": 1.0, "locked": true, "source": "boundary"' in text
    assert '"style": "piano", "families": ["keys"], "key": "D minor", "density": null' in text
    assert '"tempo_bpm": "80:110.5"' in text
    assert not any(word in text for word in ("numerator", "HIT_SOURCE", "STYLE_"))
    assert max(map(len, text.splitlines())) <= 150


@pytest.mark.parametrize(
    ("time", "frame"),
    [
        pytest.param("00:00:04:05", 101, id="timecode"),
        pytest.param("0:00:04:05", 101, id="one digit of hours"),
        pytest.param(4.2125, 101, id="seconds"),
        pytest.param("4.2125 s", 101, id="seconds, said so"),
        pytest.param(0, 0, id="the first frame"),
    ],
)
def test_a_hit_needs_no_more_than_its_time_and_no_place_in_the_list(
    time: str | float, frame: int
) -> None:
    data = json.loads(wire.dumps(sheet_of(Path("/film.mp4"))))
    data["cues"][0]["hits"].append({"time": time, "label": "door"})
    hits = wire.cue_sheet_from_dict(data).cues[0].hits
    assert [hit.time.value for hit in hits] == sorted([100, frame])
    (added,) = (hit for hit in hits if hit.label == "door")
    assert (added.weight, added.locked, added.source) == (1.0, True, HitSource.PERSON)


def test_drop_frame_timecode_is_read_where_it_is_said() -> None:
    sheet = json.loads(wire.dumps(sheet_of(Path("/film.mp4"))))
    sheet["picture"].update(rate=29.97, start="01:00:00;00", duration="00:02:00;02")
    picture = wire.cue_sheet_from_dict({**sheet, "cues": [], "boundaries": []}).picture
    assert (picture.start.value, picture.duration.value) == (107_892, 3598)
    assert wire.dumps(CueSheet(picture, (), ())).count("01:00:00;00") == 1


def test_times_off_the_picture_s_frames_keep_their_exact_form() -> None:
    sheet = sheet_of(Path("/film.mp4"))
    tick = Boundary(RationalTime(123_457, Fraction(90_000)), BoundaryKind.CUT, 1.0)
    text = wire.dumps(replace(sheet, boundaries=(tick,)))
    assert '{"time": {"value": 123457, "rate": 90000}, "kind": "cut"' in text
    assert wire.cue_sheet_from_dict(json.loads(text)).boundaries == (tick,)


def test_the_files_of_earlier_versions_are_read() -> None:
    data = copy.deepcopy(SHEET)
    data["cues"][0]["brief"]["key"] = {"tonic": 2, "mode": "MODE_MINOR"}
    data["cues"][0]["brief"]["tempo_bpm"] = {"least": 80, "greatest": 110}
    brief = wire.cue_sheet_from_dict(data).cues[0].brief
    assert (brief.key, brief.tempo_bpm) == (Key(2, Mode.MINOR), (80.0, 110.0))


def test_silence_is_written_as_json_that_everybody_reads() -> None:
    silence = StemSet(
        "film", (), "mix.wav", 48000, 0, 0, float("-inf"), float("-inf"),
        LoudnessTarget.STREAMING, GainCurve(), "none",
    )  # fmt: skip
    text = wire.dumps(silence)
    assert json.loads(text, parse_constant=pytest.fail)["loudness_lufs"] == "-Infinity"
    assert wire.stem_set_from_dict(json.loads(text)) == silence


def test_a_file_name_that_is_not_unicode_is_refused_before_anything_is_written() -> None:
    with pytest.raises(CueSheetError, match="not valid Unicode"):
        wire.dumps(sheet_of(Path(os.fsdecode(b"/films/caf\xe9.mp4"))))


@pytest.mark.parametrize("name", ["/etc/passwd", "../score.mid", "a\\b.mid", "..", ""])
def test_a_take_or_stem_set_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    steps, settings = FakeSteps(), ComposeSettings()
    sheet = sheet_of(Path("/film.mp4"))
    take = wire.to_dict(steps.compose(sheet, "film", tmp_path, settings, silent_progress())[0])
    assert wire.take_from_dict(take).midi == "score.mid"
    with pytest.raises(CueSheetError, match="MIDI lies beside it"):
        wire.take_from_dict({**take, "midi": name})
    (tmp_path / "take.json").write_text("quick")
    stems = steps.render(tmp_path / "take.json", tmp_path, RenderSettings(), silent_progress())
    data = wire.to_dict(stems)
    for wrong in ({"mix": name}, {"stems": [{**data["stems"][0], "path": name}]}):
        with pytest.raises(CueSheetError, match="inside the stem set's folder"):
            wire.stem_set_from_dict({**data, **wrong})
