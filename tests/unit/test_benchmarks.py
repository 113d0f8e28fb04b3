"""The benchmarks' own parts: tables, films, which sources count, chords of known time."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from tests.films import draw_film
from tests.unit.rendered_scores import STRINGS, part, write_take

from emsync.emotion import EmotionVote, ShotNotes, ValenceArousal
from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import kept_spans_of
from emsync_server.benchmarks import moods
from emsync_server.benchmarks.attacks import Manner, attack_errors
from emsync_server.benchmarks.corpus import corpus_melodies, measured_ranges, score_melodies
from emsync_server.benchmarks.films import repeat_film
from emsync_server.benchmarks.landing import films_and_timelines
from emsync_server.benchmarks.mood_votes import StretchVotes, votes_in, votes_table
from emsync_server.benchmarks.moods import (
    FilmMood,
    benchmark_moods,
    hand_made_moods,
    mood_of,
)
from emsync_server.benchmarks.re_edits import RE_EDITS, Cut, written_cut
from emsync_server.benchmarks.shot_truth import Score as ShotScore
from emsync_server.benchmarks.shot_truth import Truth, read_truths, score
from emsync_server.benchmarks.shots import measure_shots
from emsync_server.benchmarks.speed_cue import cue_to_compose, published_tokens
from emsync_server.benchmarks.tables import Table, milliseconds, percent, signed, write_table
from emsync_server.benchmarks.timelines import FORMATS, benchmark_timelines
from emsync_server.benchmarks.timing import measure_decoding
from emsync_server.composition.instruments import INSTRUMENTS
from emsync_server.composition.representation import END_ROW, LENGTH_STEPS
from emsync_server.evaluation.repetition import longest_copied_run
from emsync_server.midi import read_midi
from emsync_server.progress import silent_progress
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.soundfonts import bundled_soundfont

BAR_EVENT = 96


def test_a_table_is_written_as_markdown_beside_its_figures(tmp_path):
    table = Table("emsync measure", ("film", "κ"), (("a|b", "+0.31"),))
    write_table(table, {"kappa": 0.31}, tmp_path / "hits.json")
    assert json.loads((tmp_path / "hits.json").read_text("utf-8")) == {"kappa": 0.31}
    assert (tmp_path / "hits.md").read_text("utf-8") == (
        "`emsync measure`\n\n| film | κ |\n| --- | --- |\n| a\\|b | +0.31 |\n"
    )


def test_what_is_not_known_is_a_dash():
    assert (percent(None), signed(None), milliseconds(None)) == ("–", "–", "–")
    assert (percent(0.5), signed(-0.1), milliseconds(0.0012)) == ("50 %", "-0.10", "+1.2")


def test_films_come_first_and_odd_files_not_at_all(tmp_path):
    for name in ("clips/b.mp4", "edge/a.mp4", "timelines/cut.otio", "clips/truth.json", "x.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    bundle = tmp_path / "timelines" / "cut.fcpxmld"
    bundle.mkdir()
    (bundle / "Info.fcpxml").write_text("")
    names = [path.relative_to(tmp_path).as_posix() for path in films_and_timelines(tmp_path)]
    assert names == ["clips/b.mp4", "timelines/cut.fcpxmld", "timelines/cut.otio"]


def test_a_repeated_film_has_all_its_pictures_again(tmp_path):
    draw_film(tmp_path / "one.mp4", seconds=3, rate=Fraction(12), cuts_s=(1, 2), size=(64, 36))
    repeat_film(tmp_path / "one.mp4", 3, tmp_path / "three.mp4", length_s=3)
    assert measure_decoding(tmp_path / "three.mp4")["frames"] == 3 * 3 * 12
    with av.open(str(tmp_path / "three.mp4")) as film:
        assert float(film.duration / av.time_base) == pytest.approx(9, abs=0.3)


def test_piano_chords_are_found_and_moved_ones_are_not():
    piano = next(i for i in INSTRUMENTS if i.name == "piano")
    errors, moved = attack_errors(EmbeddedSynthesizer(bundled_soundfont()), piano, Manner.LEGATO)
    assert np.max(np.abs(errors)) < 0.008
    assert np.mean(np.abs(moved) < 1 / 48) < 0.2


def write_corpus(folder, tracks, *, held_out=(False,)):
    """Pieces of one bar-long track each: (step, pitch, length class) rows."""
    rows, starts, stops = [], [], []
    for notes in tracks:
        starts.append(len(rows))
        for step, pitch, length in notes:
            if step % 48 == 0 and (not rows or rows[-1][0] != BAR_EVENT):
                rows.append([BAR_EVENT, *END_ROW[1:], 0])
            rows.append([step % 48, 0, pitch, length, 4, 1])
        rows.append([*END_ROW, 0])
        stops.append(len(rows))
    bars = [
        sum(1 for r in rows[a:b] if r[0] == BAR_EVENT) for a, b in zip(starts, stops, strict=True)
    ]
    np.save(folder / "events.npy", np.array(rows, dtype=np.uint8))
    np.save(folder / "bar_steps.npy", np.full(sum(bars), 48, dtype=np.uint8))
    np.savez(
        folder / "pieces.npz",
        event_start=starts,
        event_stop=stops,
        bar_start=np.cumsum([0, *bars[:-1]]),
        group=np.zeros(len(tracks), dtype=int),
        held_out=np.array(held_out * len(tracks))[: len(tracks)],
    )
    ids = [f"piece{index}" for index in range(len(tracks))]
    (folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")


def test_a_melody_of_the_corpus_is_recognised_in_a_score_in_another_key(tmp_path):
    quarter = LENGTH_STEPS.index(12)
    pitches = [60, 64, 62, 67, 65, 72, 60, 71, 63, 70, 61, 69]
    notes = [(12 * at, pitch, quarter) for at, pitch in enumerate(pitches)]
    write_corpus(tmp_path, [notes])
    higher = [part(STRINGS.family, 48, (pitch + 3,), (at,)) for at, pitch in enumerate(pitches)]
    whole = type(STRINGS)(
        "violin", 40, False, STRINGS.family, tuple(n for p in higher for n in p.notes)
    )
    write_take(tmp_path / "take", (whole,), cue_s=Fraction(8))
    melodies = score_melodies(read_midi(tmp_path / "take" / "score.mid"))
    run = longest_copied_run(melodies, corpus_melodies(tmp_path, silent_progress()))
    assert (run.notes, run.piece) == (len(pitches) - 1, "piece0")


def test_held_out_pieces_are_no_training_pieces(tmp_path):
    notes = [(12 * at, 60 + (5 * at) % 11, 7) for at in range(20)]
    write_corpus(tmp_path, [notes], held_out=(True,))
    assert list(corpus_melodies(tmp_path, silent_progress())) == []


def test_ranges_need_enough_pieces(tmp_path):
    write_corpus(tmp_path, [[(0, 60, 7)]], held_out=(True,))
    write_take(tmp_path / "take", (STRINGS,), cue_s=Fraction(20))
    (tmp_path / "take" / "score.mid").rename(tmp_path / "piece0.mid")
    assert measured_ranges(tmp_path, tmp_path, silent_progress())["kinds"] == {}


def test_the_published_tokens_of_a_chord_are_its_ons_and_offs_and_the_time_between():
    ends = (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(8), Fraction(8)))
    tempo_map = TempoMap(ends, (Meter(Fraction(0), 4, 4),))
    notes = tuple(Note(Fraction(2), Fraction(3), pitch, 64) for pitch in (60, 64, 67))
    score = Score((Part("piano", 0, False, Family.KEYS, notes),), tempo_map)
    assert published_tokens(score) == 6 + 2 + 3  # a shift is a second at most: 2 s, then 3 s


def test_the_cue_that_is_timed_has_hits_inside_it():
    cue = cue_to_compose(60).cues[0]
    assert float(cue.range.duration.seconds) == 60
    assert cue.hits
    assert all(0 < float(hit.time.seconds) < 58 for hit in cue.hits)


def test_the_table_of_moods_covers_stretches_that_do_not_overlap():
    stretches = hand_made_moods()
    assert {each.mood for each in stretches} == {each.value for each in FilmMood}
    assert all(each.start_s < each.end_s and each.why and each.disagrees for each in stretches)
    for clip in {each.clip for each in stretches}:
        ordered = sorted((s.start_s, s.end_s) for s in stretches if s.clip == clip)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered))


@pytest.mark.parametrize(
    ("valence", "arousal", "mood"),
    [
        (0.5, 0.3, FilmMood.JOY),
        (0.5, -0.3, FilmMood.CALM),
        (-0.5, 0.3, FilmMood.TENSION),
        (-0.5, -0.3, FilmMood.GLOOM),
        (0.1, -0.1, FilmMood.PLAIN),
    ],
)
def test_moods_are_the_corners_of_the_circumplex_and_its_middle(valence, arousal, mood):
    assert mood_of(ValenceArousal(valence, arousal)) is mood


def test_what_an_expert_says_of_a_stretch_is_its_mean_over_time():
    def note(first_s, last_s, valence):
        where = TimeRange(
            RationalTime(first_s, Fraction(1)), RationalTime(last_s - first_s, Fraction(1))
        )
        vote = EmotionVote("faces", ValenceArousal(valence, 0), ValenceArousal(0.3, 0.4), 0.5)
        return ShotNotes(where, (vote,), (), (), "")

    shots = [note(0, 10, 0.8), note(10, 20, -0.4)]
    assert votes_in(shots, 8, 12)["faces"] == pytest.approx((0.2, 0.0, 0.3, 0.4))
    assert votes_in(shots, 20, 25) == {}


def test_an_expert_is_compared_with_the_hand():
    sides = [1, 1, 0, 0, -1, -1]
    told = {"hears": [0.5, 0.4, 0.1, 0.0, -0.4, -0.5], "says_nothing": [0.0] * 6}
    stretches = [
        StretchVotes(f"{at}.mp4", (side, 0),
                     {name: (said[at], 0.0, 0.5, 0.5) for name, said in told.items()})
        for at, side in enumerate(sides)
    ]  # fmt: skip
    rows = {(row[0], row[1]): row for row in votes_table(stretches, "command").rows}
    assert float(rows["hears", "valence"][3].split()[0]) > 0.9
    assert rows["hears", "valence"][4:7] == ("+0.45", "+0.05", "-0.45")
    assert rows["hears", "valence"][7].startswith("0.00 (")
    assert rows["says_nothing", "valence"][3] == "–"
    assert rows["says_nothing", "valence"][7].startswith(f"{4 * 0.45**2 / 6:.2f} (")
    assert rows["hears", "arousal"][3:] == ("–", "–", "+0.00", "–", "0.00 (0.00 to 0.00)", "0.25")


@pytest.mark.media
@pytest.mark.slow
def test_a_battle_is_told_from_a_meadow_and_a_flower(tmp_path, media, monkeypatch):
    short = [each for each in hand_made_moods() if each.clip in ("bbb_0_30.webm", "flower.webm",
                                                                 "tos_battle.webm")]  # fmt: skip
    monkeypatch.setattr(moods, "hand_made_moods", lambda: short)
    benchmark_moods(media, tmp_path / "moods.json", silent_progress())
    judged = json.loads((tmp_path / "moods.json").read_text("utf-8"))
    tense = [each for each in judged if each["stretch"]["mood"] == "tension"]
    pleasant = [each for each in judged if each["stretch"]["mood"] in ("joy", "calm")]
    assert max(each["valence"] for each in tense) < min(each["valence"] for each in pleasant)
    assert min(each["arousal"] for each in tense) > max(each["arousal"] for each in pleasant)
    table = (tmp_path / "moods.md").read_text("utf-8")
    assert "said tension" in table
    assert "80 % band covers, on films left out" in table


def test_found_changes_are_scored_against_truth():
    truth = Truth(cuts=(50, 100), graduals=((200, 210),), ignored=((300, 320),))
    of = score([51, 205, 206, 310, 400], truth)
    assert of == ShotScore(found=1, cuts=2, wrong=1, graduals_found=1, graduals=1)
    assert of.cut_f1 == pytest.approx(2 / 4)
    assert of.all_f1 == pytest.approx(4 / 6)
    assert score([51], truth, tolerance=0).found == 0
    assert ShotScore().cut_f1 == ShotScore().all_f1 == ShotScore().cut_recall == 1.0


def test_annotated_films_are_read_by_set(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "montages").mkdir()
    told = {"a.mp4": {"cuts": [5], "gradual": [[8, 9, "dissolve", 8]], "ignore": [[1, 2]]}}
    (tmp_path / "clips" / "truth.json").write_text(json.dumps({"clips": told}))
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "clips" / name).write_bytes(b"")
    boundaries = [{"frame": 4, "s": 4, "e": 4}, {"frame": 10, "s": 8, "e": 12}]
    montage = {"name": "m", "boundaries": boundaries, "ignore": []}
    (tmp_path / "montages" / "m.truth.json").write_text(json.dumps(montage))
    assert read_truths(tmp_path) == {
        "clips": {
            tmp_path / "clips" / "a.mp4": Truth((5,), ((8, 9),), ((1, 2),)),
            tmp_path / "clips" / "b.mp4": Truth(),
        },
        "m": {tmp_path / "montages" / "m.mp4": Truth((4,), ((8, 12),))},
    }


@pytest.mark.parametrize("detector", ["fast", "draft", "ffmpeg-scene", "adaptive"])
def test_every_kind_of_detector_can_be_measured(tmp_path, detector):
    film = tmp_path / "film.mp4"
    cuts = draw_film(film, seconds=4.0, cuts_s=(1.0, 2.5), codec="libx264", size=(320, 180))
    (found,) = measure_shots([film], detector, rounds=1)["films"]
    assert cuts[1] in found["frames"]
    assert found["finding"]["processor_s"] > 0 < found["decoding"]["wall_s"]


def test_timelines_are_measured_in_every_format(tmp_path: Path):
    benchmark_timelines(tmp_path / "timelines.json", silent_progress(), clips=(5,))
    figures = json.loads((tmp_path / "timelines.json").read_text(encoding="utf-8"))
    assert [row["format"] for row in figures] == list(FORMATS)
    assert all(row["read"] >= 0 and row["add to its own file"] > 0 for row in figures)
    assert "| .edl | 5 |" in (tmp_path / "timelines.md").read_text(encoding="utf-8")


def test_re_edits_are_of_the_cut_that_was_scored(tmp_path: Path):
    first = kept_spans_of(*(written_cut(Cut(), tmp_path / f"{n}.otio") for n in (1, 2)))
    assert [(span.shift, span.length) for span in first] == [(0, 48)]
    inserted = written_cut(
        RE_EDITS["a shot inserted at the head, which shifts all"], tmp_path / "3.otio"
    )
    (span,) = kept_spans_of(tmp_path / "1.otio", inserted)
    assert (span.shift, span.length) == (5, 48)
