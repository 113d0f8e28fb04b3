"""Words from subtitles: which are read, what is left of them, and what they are good for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from av.stream import Disposition
from tests.films import ENGLISH_LINES, FRENCH_LINES, Track, draw_film, lay_subtitles, srt_of
from typer.testing import CliRunner

from emsync import wire
from emsync.cue import CueSheet
from emsync.errors import JobCancelledError, PathRefusedError
from emsync.settings import SpotSettings
from emsync_server.access import ANY_FILE, Access
from emsync_server.cli.commands import command_tree
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.experts import expert_row
from emsync_server.spotting.experts.cache import ReadingCache
from emsync_server.spotting.subtitles import SUBTITLES, TRANSLATION, Subtitles, subtitles_of

FEW = ((200, 900, "EXIT"),)
WITH_TOKENIZERS = pytest.mark.skipif(
    importlib.util.find_spec("tokenizers") is None, reason="words are judged with tokenizers"
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "film.mkv"
    draw_film(path, seconds=3, cuts_s=(1.5,))
    return path


@pytest.fixture
def film(plain: Path, tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(plain.read_bytes())
    return path


def found_in(film: Path, access: Access = ANY_FILE) -> Subtitles:
    return subtitles_of(film, silent_progress(), access=access)


def texts_of(found: Subtitles) -> list[str]:
    return [line.text for line in found.lines]


def beside(film: Path, name: str, lines: tuple[tuple[int, int, str], ...]) -> Path:
    path = film.with_name(name)
    path.write_text(srt_of(lines), encoding="utf-8")
    return path


def laid(plain: Path, tmp_path: Path, *tracks: Track, suffix: str = ".mkv") -> Path:
    path = tmp_path / f"laid{suffix}"
    lay_subtitles(plain, path, tracks)
    return path


def spotted(film: Path) -> CueSheet:
    return spot(film, SpotSettings(), silent_progress())


def test_a_track_in_the_film_is_read_in_its_time(plain: Path, tmp_path: Path) -> None:
    for suffix in (".mkv", ".mp4"):
        path = laid(plain, tmp_path, Track(ENGLISH_LINES, "eng"), suffix=suffix)
        found = found_in(path)
        assert texts_of(found) == [line[2] for line in ENGLISH_LINES]
        times = [at for line in found.lines for at in (line.start_s, line.end_s)]
        assert times == pytest.approx([0.2, 1.2, 1.6, 2.8], abs=0.002)
        assert {line.language for line in found.lines} == {"en"}
        assert found.words_from == (
            f"Words are from the subtitles in '{path.name}', track 1 (English).",
        )
        assert found.replace_recogniser and not found.complaints


@pytest.mark.parametrize(
    ("tracks", "number"),
    [
        pytest.param([("fre", 0), ("eng", 0)], 2, id="English before the first"),
        pytest.param([("eng", 0), ("fre", Disposition.default)], 2, id="default before English"),
        pytest.param([("ger", 0), ("fre", 0)], 1, id="else the first"),
        pytest.param([("eng", Disposition.forced), ("fre", 0)], 2, id="forced ones are few"),
        pytest.param(
            [("eng", Disposition.hearing_impaired), ("eng", 0)], 2, id="nothing for the deaf alone"
        ),
        pytest.param([("eng", Disposition.comment), ("eng", 0)], 2, id="no comment"),
        pytest.param([(None, 0), (None, 0)], 1, id="nothing told"),
    ],
)
def test_the_default_then_english_then_the_first(
    plain: Path, tmp_path: Path, tracks: list[tuple[str | None, int]], number: int
) -> None:
    path = laid(plain, tmp_path, *(Track(FEW, *each) for each in tracks))
    assert f"track {number} of 2" in found_in(path).words_from[0]


def test_an_empty_track_is_passed_over(plain: Path, tmp_path: Path) -> None:
    notes = ((100, 900, "[wind]"),)
    path = laid(plain, tmp_path, Track(notes, "eng"), Track(ENGLISH_LINES, "eng"))
    assert "track 2 of 2" in found_in(path).words_from[0]


def test_forced_lines_alone_do_not_stand_for_all_that_is_said(plain: Path, tmp_path: Path) -> None:
    found = found_in(laid(plain, tmp_path, Track(ENGLISH_LINES, "eng", Disposition.forced)))
    assert len(found.lines) == 2 and not found.replace_recogniser
    assert found.words_from[0].endswith("(English, forced ones only).")


def test_subtitles_that_are_pictures_are_told_of(plain: Path, tmp_path: Path) -> None:
    path = laid(plain, tmp_path, Track(FEW, "eng", is_picture=True))
    found = found_in(path)
    assert found.lines == () and found.words_from == ()
    assert "are pictures" in found.complaints[0] and "'laid.srt'" in found.complaints[0]
    beside(path, "laid.srt", ENGLISH_LINES)
    assert found_in(path).complaints == ()


@pytest.mark.parametrize(
    "name",
    ["film.srt", "film.en.srt", "FILM.EN-us.SRT", "film.English.srt", "film.eng.sdh.srt"],
)
def test_a_file_that_is_called_like_the_film_is_read(film: Path, name: str) -> None:
    beside(film, name, ENGLISH_LINES)
    found = found_in(film)
    assert texts_of(found) == [line[2] for line in ENGLISH_LINES]
    assert found.words_from == (f"Words are from the subtitles '{name}' (English).",)


@pytest.mark.parametrize("name", ["film2.srt", "film.part2.srt", "other.srt", "film.txt"])
def test_another_films_file_is_not(film: Path, name: str) -> None:
    beside(film, name, ENGLISH_LINES)
    assert found_in(film) == Subtitles()


def test_a_file_beside_wins_over_a_track_inside(plain: Path, tmp_path: Path) -> None:
    path = laid(plain, tmp_path, Track(FEW, "eng", Disposition.default))
    beside(path, "laid.en.srt", ENGLISH_LINES)
    assert "'laid.en.srt'" in found_in(path).words_from[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "film.vtt",
            "WEBVTT\n\n00:00.200 --> 00:01.200 line:0\n<v Bob>It is what you think",
            id="WebVTT",
        ),
        pytest.param(
            "film.ass",
            "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, "
            "Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.20,0:00:01.20,"
            "Default,,0,0,0,,{\\an8}It is what you think",
            id="ASS",
        ),
    ],
)
def test_other_formats_are_read(film: Path, name: str, content: str) -> None:
    film.with_name(name).write_text(content, encoding="utf-8")
    (line,) = found_in(film).lines
    assert (line.text, line.start_s, line.end_s) == ("It is what you think", 0.2, 1.2)


# Files that are odd.


@pytest.mark.parametrize(
    ("name", "encoding", "text", "is_guessed"),
    [
        pytest.param("film.srt", "cp1252", "Jésus, c'était à Noël", True, id="Western"),
        pytest.param("film.ru.srt", "cp1251", "Привет, как дела?", True, id="Cyrillic"),
        pytest.param("film.he.srt", "cp1255", "שלום עולם", True, id="Hebrew"),
        pytest.param("film.fr.srt", "utf-16", "Jésus à Noël", False, id="UTF-16"),
        pytest.param("film.fr.srt", "utf-8-sig", "Jésus à Noël", False, id="a mark before it"),
    ],
)
def test_text_that_is_not_utf8_is_read(
    film: Path, name: str, encoding: str, text: str, is_guessed: bool
) -> None:
    film.with_name(name).write_bytes(srt_of([(200, 1200, text)]).encode(encoding))
    found = found_in(film)
    assert texts_of(found) == [text]
    assert [encoding in each for each in found.complaints] == [True] * is_guessed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"nothing of the kind", "not one line", id="no subtitles"),
        pytest.param(b"\x00\x01" * 500, "not one line", id="binary"),
        pytest.param(srt_of(((0, 900, "[wind]"),)).encode(), "not one line", id="notes alone"),
        pytest.param(b"x" * ((16 << 20) + 1), "16 MB", id="huge"),
    ],
)
def test_a_file_without_words_is_told_of(film: Path, content: bytes, words: str) -> None:
    film.with_name("film.srt").write_bytes(content)
    found = found_in(film)
    assert found.lines == () and found.words_from == ()
    assert len(found.complaints) == 1
    assert "'film.srt'" in found.complaints[0] and words in found.complaints[0]


def test_lines_overlap_repeat_and_end_wrongly(film: Path) -> None:
    lines = (
        (100, 2000, "first"),
        (500, 1500, "over it"),
        (500, 600, "flicker"),
        (600, 700, "flicker"),
        (700, 800, "flicker"),
        (2000, 1000, "backwards"),
        (2500, 3_600_000, "for an hour"),
    )
    beside(film, "film.en.srt", lines)
    found = {line.text: (line.start_s, line.end_s) for line in found_in(film).lines}
    assert found["first"] == (0.1, 2.0) and found["over it"] == (0.5, 1.5)
    assert found["flicker"] == (0.5, 0.8)
    assert all(0 <= end - start <= 10.0 for start, end in found.values())


def test_lines_after_the_end_are_left_out_and_told_of(film: Path) -> None:
    beside(film, "film.en.srt", ((2500, 4000, "the end is"), (9000, 9900, "of another cut")))
    sheet = spotted(film)
    assert [each for each in sheet.picture.warnings if "1 of 2 lines" in each]
    assert [shot.text for shot in sheet.shots] == ["", "the end is"]


def test_a_server_reads_nothing_outside_its_folders(film: Path, tmp_path: Path) -> None:
    inside = tmp_path / "films"
    inside.mkdir()
    moved = film.rename(inside / "film.mkv")
    beside(film, "secret.srt", ENGLISH_LINES)
    (inside / "film.srt").symlink_to(tmp_path / "secret.srt")
    access = Access((inside.resolve(),))
    found = found_in(moved, access)
    assert found.lines == () and "symbolic link" in found.complaints[0]
    with pytest.raises(PathRefusedError):
        access.open(inside / "film.srt")


# What they are good for.


@WITH_TOKENIZERS
def test_what_is_said_is_noted_and_judged_by_shot(film: Path) -> None:
    before = spotted(film)
    beside(film, "film.srt", ENGLISH_LINES)
    sheet = spotted(film)
    assert [shot.text for shot in sheet.shots] == [line[2] for line in ENGLISH_LINES]
    votes = [[vote for vote in shot.votes if vote.expert == "text_emotion"] for shot in sheet.shots]
    angry, glad = (each[0].emotion.valence for each in votes)
    assert angry < -0.2 < 0.2 < glad
    assert "'film.srt' (English)" in sheet.words_from[0]
    assert wire.cue_sheet_from_dict(wire.to_dict(sheet)) == sheet
    assert [shot.tags for shot in sheet.shots] == [shot.tags for shot in before.shots]
    assert sheet.boundaries == before.boundaries and before.words_from == ()


def test_another_language_is_shown_and_judged_by_nobody(film: Path) -> None:
    beside(film, "film.srt", FRENCH_LINES)
    sheet = spotted(film)
    assert [shot.text for shot in sheet.shots] == [line[2] for line in FRENCH_LINES]
    assert not [vote for shot in sheet.shots for vote in shot.votes if "text" in vote.expert]
    assert "judged by nobody" in sheet.words_from[0]


@pytest.mark.parametrize(
    ("lines", "is_told"),
    [
        pytest.param(ENGLISH_LINES, True, id="English"),
        pytest.param(FRENCH_LINES, False, id="French"),
    ],
)
def test_spot_says_how_words_get_a_vote_where_the_package_is_missing(
    film: Path,
    lines: tuple[tuple[int, int, str], ...],
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beside(film, "film.srt", lines)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    spotting = ["spot", str(film), "--no-pages", "-o", str(film.with_name("cues.json"))]
    done = CliRunner().invoke(command_tree(), spotting)
    assert done.exit_code == 0, done.output
    assert done.output.count("pip install 'emsync[words]'") == is_told


def test_lines_that_only_say_they_are_english_are_judged_by_nobody(film: Path) -> None:
    beside(film, "film.en.srt", FRENCH_LINES)
    found = found_in(film)
    assert {line.language for line in found.lines} == {"und"} and not found.replace_recogniser
    assert "say that they are English" in found.complaints[0]


@WITH_TOKENIZERS
def test_english_lines_beside_others_are_judged(plain: Path, tmp_path: Path) -> None:
    path = laid(
        plain,
        tmp_path,
        Track(FRENCH_LINES, "fre", Disposition.default),
        Track(ENGLISH_LINES, "eng"),
    )
    found = found_in(path)
    assert [each.expert for each in found.lines] == [SUBTITLES, TRANSLATION] * 2
    sheet = spotted(path)
    assert sheet.shots[0].text == f"{FRENCH_LINES[0][2]} {ENGLISH_LINES[0][2]}"
    assert all(any(vote.expert == "text_emotion" for vote in shot.votes) for shot in sheet.shots)
    assert len(sheet.words_from) == 2


def test_the_recogniser_is_not_asked_where_subtitles_say_all() -> None:
    rows = (expert_row("speech"), expert_row("transcript"))
    assert Subtitles(replace_recogniser=True).experts(rows) == rows[:1]
    assert Subtitles().experts(rows) == rows


def test_words_that_changed_beside_a_known_film_are_read_anew(film: Path) -> None:
    path = beside(film, "film.en.srt", ((200, 1200, "before"),))
    assert spotted(film).shots[0].text == "before"
    path.write_text(srt_of([(200, 1200, "behind")]), encoding="utf-8")
    assert spotted(film).shots[0].text == "behind"
    path.unlink()
    assert spotted(film).shots[0].text == ""


def test_a_track_is_remembered_with_its_film(plain: Path, tmp_path: Path) -> None:
    path = laid(plain, tmp_path, Track(ENGLISH_LINES, "eng"))
    cache = ReadingCache(tmp_path / "cache")
    first, again = (subtitles_of(path, silent_progress(), cache=cache) for _ in range(2))
    assert texts_of(first) == texts_of(again) and first.words_from == again.words_from
    assert [line.start_s for line in first.lines] == [line.start_s for line in again.lines]
    (kept,) = cache.folder.glob("*.safetensors")
    kept.write_bytes(kept.read_bytes()[:50])
    assert texts_of(subtitles_of(path, silent_progress(), cache=cache)) == texts_of(first)
    lay_subtitles(plain, path, [Track(FEW, "eng")])
    assert texts_of(subtitles_of(path, silent_progress(), cache=cache)) == ["EXIT"]


def test_a_draft_reads_no_words(film: Path) -> None:
    beside(film, "film.en.srt", ENGLISH_LINES)
    sheet = spot(film, SpotSettings(draft=True), silent_progress())
    assert not any(shot.text for shot in sheet.shots) and sheet.words_from == ()


def test_lines_of_a_stretch_lie_where_it_plays(film: Path) -> None:
    beside(film, "film.en.srt", ((0, 900, "one"), (1000, 2000, "two"), (2500, 2900, "three")))
    played = found_in(film).played(0.5, 1.5, at_s=100.0)
    assert [(line.text, line.start_s, line.end_s) for line in played] == [
        ("one", pytest.approx(100.0), pytest.approx(100.4)),
        ("two", pytest.approx(100.5), pytest.approx(101.0)),
    ]


def test_a_line_that_is_shown_again_and_again_is_said_wherever_it_stands(tmp_path):
    path = tmp_path / "again.srt"
    path.write_text(srt_of(tuple((k * 1000, k * 1000 + 1000, "What do you want?")
                                 for k in range(40))), encoding="utf-8")  # fmt: skip
    film = tmp_path / "again.mp4"
    draw_film(film, sound=False)
    words = subtitles_of(film, silent_progress(), cache=None)
    assert [len(words.played(at, at + 5.0)) > 0 for at in (0.0, 12.0, 24.0, 34.0)] == [True] * 4


def test_reading_a_track_can_be_cancelled(tmp_path):
    film = tmp_path / "film.mkv"
    draw_film(tmp_path / "bare.mp4", sound=False)
    lines = tuple((k * 100, k * 100 + 90, f"line {k}") for k in range(50))
    lay_subtitles(tmp_path / "bare.mp4", film, (Track(lines),))
    seen: list[str] = []

    def stop(share: float, note: str) -> None:
        seen.append(note)
        if len(seen) == 3:
            raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        subtitles_of(film, ProgressSink(stop), cache=None)
