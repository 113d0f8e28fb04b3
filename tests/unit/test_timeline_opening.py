"""What is opened as a timeline, where its media are looked for, and that adapters stay silent."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import clip, saved, score_of, timeline, track

from emsync.errors import NotFoundError, TimelineError
from emsync_otio import is_timeline, place, read_edit
from emsync_otio.media_paths import find_media, media_url
from emsync_otio.quiet import quiet


@pytest.mark.parametrize("name", ["cut.otio", "cut.edl", "cut.fcpxmld"])
def test_a_path_that_names_nothing_is_not_found(tmp_path: Path, name: str):
    with pytest.raises(NotFoundError, match=name):
        read_edit(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["cut.otio", "cut.edl", "cut.xml", "cut.fcpxml", "cut.aaf", "cut.otioz", "cut.kdenlive"]
)
@pytest.mark.parametrize(
    "contents", [b"", b"\0" * 64, b"{", b"<a>"], ids=["empty", "zeros", "{", "<a>"]
)
def test_files_that_hold_nothing_of_the_kind_get_a_sentence(
    tmp_path: Path, name: str, contents: bytes
):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(
        TimelineError, match=r"'cut\.\w+' (is empty|is not|cannot be read|holds no)"
    ):
        read_edit(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "holds something else, not a timeline"),
        ("null", "holds something else, not a timeline"),
        ('{"OTIO_SCHEMA":"Clip.1"}', "holds a clip, not a timeline"),
        ('{"OTIO_SCHEMA":"Timeline.1"}', "damaged or incomplete"),
        ('{"OTIO_SCHEMA":"Timeline.1","tracks":null}', "has no tracks"),
        ('{"OTIO_SCHEMA":"Timeline.99","tracks":[]}', "unsupported schema version"),
        (
            '{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1","children":[null]}}',
            r"incomplete \(type mismatch while decoding\)",
        ),
        ('{"OTIO_SCHEMA":"SerializableCollection.1","children":[]}', "clips but no timeline"),
    ],
)
def test_json_that_is_no_timeline_gets_a_sentence(tmp_path: Path, text: str, words: str):
    (tmp_path / "cut.otio").write_text(text)
    with pytest.raises(TimelineError, match=words):
        read_edit(tmp_path / "cut.otio")


def test_entities_that_explode_are_refused(tmp_path: Path):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    (tmp_path / "cut.fcpxml").write_text(
        f'<?xml version="1.0"?><!DOCTYPE fcpxml [<!ENTITY e0 "boom">{entities}]>'
        "<fcpxml>&e11;</fcpxml>"
    )
    with pytest.raises(TimelineError, match="damaged or incomplete"):
        read_edit(tmp_path / "cut.fcpxml")


@pytest.mark.parametrize(
    "name", ["my cut.otio", 'd\'Arc "final".otio', "монтаж №3.otio", "🎬✂️.otio", "a#b?c%20.otio"]
)
def test_timelines_are_read_and_scored_under_any_name(tmp_path: Path, name: str):
    made = timeline(track(clip("a", 10, Fraction(24)), clip("b", 10, Fraction(24))))
    source = saved(made, tmp_path / name)
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path / "музыка 1"), tmp_path / f"scored {name}")
    assert read_edit(tmp_path / f"scored {name}").boundaries == edit.boundaries


def test_a_folder_is_no_timeline(tmp_path: Path):
    (tmp_path / "cut.otio").mkdir()
    with pytest.raises(TimelineError, match="is a folder"):
        read_edit(tmp_path / "cut.otio")


def test_a_bundle_without_its_info_gets_a_sentence(tmp_path: Path):
    (tmp_path / "cut.fcpxmld").mkdir()
    with pytest.raises(TimelineError, match=r"lacks its Info\.fcpxml"):
        read_edit(tmp_path / "cut.fcpxmld")


def test_other_kinds_are_refused_with_the_kinds_we_read(tmp_path: Path):
    (tmp_path / "cut.prproj").write_bytes(b"x")
    with pytest.raises(TimelineError, match=r"It reads \.aaf \.edl"):
        read_edit(tmp_path / "cut.prproj")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.otio", True), ("A.EDL", True), ("a.fcpxmld", True), ("a.mp4", False), ("a", False)],
)
def test_timelines_are_told_from_films_by_name(name: str, expected: bool):
    assert is_timeline(Path(name)) is expected


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("{folder}/a b.mov", "a b.mov"),
        ("file://{folder}/a%20b.mov", "a b.mov"),
        ("file://localhost{folder}/a%20b.mov", "a b.mov"),
        ("a%20b.mov", "a b.mov"),
        ("sub/c.mov", "sub/c.mov"),
        ("./sub/../a b.mov", "a b.mov"),
        ("file:///C:/Users/me/a%20b.mov", "a b.mov"),
        ("file://localhost/D%3a/media/a%20b.mov", "a b.mov"),
        ("D:\\media\\a b.mov", "a b.mov"),
        ("\\\\server\\share\\a b.mov", "a b.mov"),
        ("file://Marty:Demo:Film:a b.mov", "a b.mov"),
        ("file://server/share/a%20b.mov", "a b.mov"),
        ("100%.mov", "100%.mov"),
        ("Кадр №1 🎬.mov", "Кадр №1 🎬.mov"),
        ("file:///x/%D0%9A%D0%B0%D0%B4%D1%80%20%E2%84%961%20%F0%9F%8E%AC.mov", "Кадр №1 🎬.mov"),
    ],
)
def test_media_are_found_however_they_are_written(tmp_path: Path, url: str, where: str):
    (tmp_path / "sub").mkdir()
    for name in ("a b.mov", "sub/c.mov", "100%.mov", "Кадр №1 🎬.mov"):
        (tmp_path / name).write_bytes(b"x")
    assert find_media(url.format(folder=tmp_path), [tmp_path]) == (tmp_path / where).resolve()


@pytest.mark.parametrize(
    "url",
    ["", "/", "file://", "gone.mov", "https://host/a.mov", "a\0b", "x" * 5000, "file://[", "sub"],
)
def test_media_that_are_not_there_are_none(tmp_path: Path, url: str):
    (tmp_path / "sub").mkdir()
    assert find_media(url, [tmp_path]) is None


def test_a_reference_reads_back_to_its_file(tmp_path: Path):
    for name in ("a b#1.wav", "sub/100% ё.wav"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
        for path in (tmp_path / "cut.otio", tmp_path / "elsewhere" / "cut.otio"):
            assert find_media(media_url(file, path), [path.parent]) == file


def test_what_adapters_print_warn_and_log_is_swallowed(capsys: pytest.CaptureFixture[str]):
    with quiet():
        print("noise")
        print("noise", file=sys.stderr)
        warnings.warn("noise", stacklevel=1)
        logging.warning("noise")
    assert capsys.readouterr() == ("", "")


def test_other_threads_are_heard_meanwhile(capsys: pytest.CaptureFixture[str]):
    with quiet():
        other = threading.Thread(target=print, args=("progress",))
        other.start()
        other.join()
    assert capsys.readouterr().out == "progress\n"


def test_silence_leaves_logging_as_it_was():
    root = logging.getLogger()
    before = (list(root.handlers), list(root.filters))
    with quiet():
        pass
    assert (list(root.handlers), list(root.filters)) == before
