"""From MIDI files to training crops."""

import json
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX
from emsync_server.composition.representation import (
    BAR,
    BAR_ROW,
    CONDITION,
    CONDITION_SIZE,
    END,
    LENGTH_STEPS,
    PAD,
    pitch_of,
    velocity_index,
)

pytest.importorskip("torch")
pytestmark = pytest.mark.training

from emsync_training import piece_parts  # noqa: E402
from emsync_training.arrangement import Arrangement  # noqa: E402
from emsync_training.boundaries import accents, hit_times, strong_moments  # noqa: E402
from emsync_training.corpus import GROUPS, PARTS, Corpus, build_corpus  # noqa: E402
from emsync_training.dataset import CropSampler, build_crop  # noqa: E402
from emsync_training.labels import bar_features  # noqa: E402
from emsync_training.midi_reading import read_piece  # noqa: E402
from emsync_training.motifs import likeness  # noqa: E402
from emsync_training.split import (  # noqa: E402
    SPLIT_FILE,
    composer_name,
    family_name,
    held_out_units,
    hold_out_unit,
)

TICKS = 480
FIELDS = (
    "id,source,title,composer,licence,tier,style,hours,notes,n_programs,velocity_sd,programs,key"
)


def write_midi(path, notes, *, meter=(4, 4), bpm=120.0, meters=(), program=0):
    """notes: (quarter, quarters, pitch, velocity, channel)."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    timed = [(0, 0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))]
    for at, (n, d) in [(0, meter), *meters]:
        change = mido.MetaMessage("time_signature", numerator=n, denominator=d)
        timed.append((round(at * TICKS), 0, change))
    timed.append((0, 1, mido.Message("program_change", channel=0, program=program)))
    for start, length, pitch, velocity, channel in notes:
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
        off = mido.Message("note_off", channel=channel, note=pitch)
        timed += [(round(start * TICKS), 3, on), (round((start + length) * TICKS), 2, off)]
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(path)


def scale(bars, *, velocity=80):
    return [
        (q, 1, 48 + 12 * voice + (q * 2) % 12, velocity + q % 40, 0)
        for q in range(bars * 4)
        for voice in range(3)
    ]


def test_notes_bars_and_end_are_written_in_order(tmp_path):
    notes = [(0, 1, 64, 64, 0), (0, 1, 60, 64, 0), (5, 2, 67, 100, 0), (4, 0.25, 36, 90, 9)]
    write_midi(tmp_path / "a.mid", notes)
    piece = read_piece(tmp_path / "a.mid")
    assert piece.events[:, 0].tolist() == [BAR, 0, 0, BAR, 0, 12, END]
    assert [pitch_of(p) for p in piece.events[[1, 2, 4, 5], 2]] == [60, 64, 36, 67]
    assert piece.events[4, 1] == DRUM_KIT
    assert [LENGTH_STEPS[i] for i in piece.events[[1, 5], 3]] == [12, 24]
    assert piece.events[5, 4] == velocity_index(100)
    assert tuple(piece.events[0, :5]) == BAR_ROW
    assert piece.bar_event.tolist() == [0, 3]
    assert piece.bar_tempo.tolist() == pytest.approx([120, 120])
    assert piece.tail_steps == 36


def test_long_bars_are_split_and_meter_changes_begin_a_bar(tmp_path):
    notes = [(q, 1, 60, 64, 0) for q in range(15)]
    write_midi(tmp_path / "a.mid", notes, meter=(12, 4), meters=[(12, (3, 4))])
    assert read_piece(tmp_path / "a.mid").bar_steps.tolist() == [72, 72, 36]


def test_silent_bars_before_the_music_and_long_silences_are_cut(tmp_path):
    write_midi(tmp_path / "a.mid", [(8, 1, 60, 64, 0), (60, 1, 62, 64, 0)])
    piece = read_piece(tmp_path / "a.mid")
    assert piece.events[:2, 0].tolist() == [BAR, 0]
    assert len(piece.bar_steps) == 4  # music, two bars of silence, music


def test_a_file_without_notes_is_no_piece(tmp_path):
    write_midi(tmp_path / "a.mid", [])
    assert read_piece(tmp_path / "a.mid") is None


def test_composers_are_the_same_under_both_spellings():
    assert composer_name("MozartWA") == composer_name("Mozart, Wolfgang Amadeus") == "mozart"


def _row(source, title, composer, notes=100):
    return {"source": source, "title": title, "composer": composer, "notes": str(notes),
            "n_programs": "4"}  # fmt: skip


def test_movements_of_a_work_are_held_out_together():
    source, composer = "openscore-orchestra", "Brahms, Johannes"
    first, third = (_row(source, f"Symphony No.2, Op.73 / {n}", composer) for n in (1, 3))
    assert hold_out_unit(first) == hold_out_unit(third)


def test_what_is_held_out_is_fixed_small_and_not_nothing():
    rows = [_row("openscore-lieder", f"Song {n}", f"Composer {n % 50}, A.") for n in range(500)]
    held = held_out_units(rows)
    assert held == held_out_units(list(reversed(rows)))
    assert 1 <= len(held) <= 4


def test_composers_on_both_sides_under_two_spellings_are_not_held_out():
    assert family_name("Fauré, Gabriel") == family_name("FaureG") == "faure"
    assert family_name("Edward Elgar (1857-1934)") == family_name("Elgar, Edward") == "elgar"
    assert family_name("Maldere, Pierre van") == "maldere"
    fauré = _row("openscore-lieder", "Clair de lune", "Fauré, Gabriel")
    arne = _row("openscore-lieder", "Rule", "Arne, Thomas")
    other = _row("mutopia", "Pavane", "FaureG")
    kept = {"composer:arne", "composer:fauré"}
    assert kept <= set(json.loads(SPLIT_FILE.read_text(encoding="utf-8")))
    assert held_out_units([fauré, arne]) == kept
    assert held_out_units([fauré, arne, other]) == {"composer:arne"}


def test_the_split_is_kept_when_the_corpus_grows():
    arne = _row("openscore-lieder", "Rule", "Arne, Thomas", notes=900)
    more = [_row("openscore-lieder", f"Song {n}", f"Composer {n % 50}, A.") for n in range(500)]
    assert held_out_units([arne, *more]) == {"composer:arne"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    lines = [FIELDS]
    sources = ["freedoom", "openscore-lieder", "openscore-quartets", "polish-heritage", "mutopia"]
    for n in range(40):
        name = f"{sources[n % 5]}/{n:02}"
        path = folder / "midi" / f"{name}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(path, scale(12 + n), bpm=80 + n, program=52 if n % 5 == 1 else 0)
        deviation = 0 if n % 5 == 4 else 9
        lines.append(f"{name},{sources[n % 5]},T{n},C{n},PD,A,,0,100,3,{deviation},0,C")
    lines.append("x/none,mutopia,T,C,PD,B,,0,100,3,9,0,C")
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    build_corpus(folder / "midi", folder / "manifest.csv", folder / "out", workers=1)
    return Corpus.open(folder / "out")


@pytest.fixture
def beside(corpus):
    """The folder that the corpus was built in."""
    return Path(corpus.events.filename).parent.parent


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_build_that_was_stopped_goes_on_and_gives_the_same_bytes(beside, tmp_path, monkeypatch):
    def build():
        build_corpus(beside / "midi", beside / "manifest.csv", tmp_path, workers=1)

    def stops(path):
        if path.stem == "33":
            raise OSError(28, "No space left on device")
        return read_piece(path)

    monkeypatch.setattr(piece_parts, "PART_FILES", 8)
    monkeypatch.setattr(piece_parts, "read_piece", stops)  # the workers are forks of this process
    with pytest.raises(OSError, match="No space"):
        build()
    assert [path.name for path in tmp_path.iterdir()] == [PARTS]
    read = sorted((tmp_path / PARTS).glob("*.npz"))
    assert len(read) == 4

    before = [path.stat().st_mtime_ns for path in read]
    monkeypatch.setattr(piece_parts, "read_piece", read_piece)
    with monkeypatch.context() as patched:
        patched.setattr("emsync_training.corpus.shutil.rmtree", lambda folder: None)
        build()
    assert [path.stat().st_mtime_ns for path in read] == before
    build()
    assert contents(tmp_path) == contents(beside / "out")


def test_only_tier_a_is_read(corpus):
    assert len(corpus.ids) == 40
    assert corpus.events[corpus.pieces["event_stop"] - 1, 0].tolist() == [END] * 40


@pytest.mark.parametrize("seed", range(30))
def test_a_crop_is_sorted_padded_and_its_condition_is_finite(corpus, seed):
    rng = np.random.default_rng(seed)
    events, condition, _ = CropSampler(corpus, held_out=False, events=96).crop(rng)
    assert events.shape == (97, 5)
    assert condition.shape == (96, CONDITION_SIZE)
    assert np.isfinite(condition).all()
    used = events[events[:, 0] != PAD]
    assert (events[len(used) :, 0] == PAD).all()
    bars = np.cumsum(used[:, 0] == BAR)
    keys = [
        (bar, -1 if row[0] == BAR else row[0], row[1] * (row[0] < BAR), row[2])
        for bar, row in zip(bars.tolist(), used.tolist(), strict=True)
    ]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    for name in ("valence", "arousal"):
        assert np.abs(condition[:, CONDITION[name]]).max() <= 1
    for name in ("next_hit_s", "last_hit_s", "end_s"):
        assert 0 <= condition[:, CONDITION[name]].min() <= condition[:, CONDITION[name]].max() <= 8


def test_the_same_generator_draws_the_same_crop(corpus):
    sampler = CropSampler(corpus, held_out=False, events=96)
    first, second = (sampler.crop(np.random.default_rng(11)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_flat_velocities_are_withheld(corpus):
    flat = int(np.flatnonzero(corpus.pieces["flat_velocity"])[0])
    events, *_ = build_crop(np.random.default_rng(0), corpus, flat, 64)
    assert set(events[:, 4].tolist()) == {8}


def test_the_end_offset_falls_to_nothing_at_the_end_of_the_piece(corpus):
    for seed in range(20):
        events, condition, _ = build_crop(np.random.default_rng(seed), corpus, 0, 768)
        end = np.flatnonzero(events[:-1, 0] == END)
        if condition[0, CONDITION["end_present"]].item() and len(end):
            offsets = condition[: end[0] + 1, CONDITION["end_s"].start]
            assert (np.diff(offsets) <= 1e-6).all()
            assert offsets[-1] < 1e-3
            return
    pytest.fail("no crop with boundaries and an end among twenty")


def test_the_wordless_choir_is_nearly_always_another_instrument(corpus):
    sampler = CropSampler(corpus, held_out=False, events=64)
    rng = np.random.default_rng(2)
    choir = sum(INSTRUMENT_INDEX["choir"] in sampler.crop(rng)[0][:, 1] for _ in range(300))
    assert choir < 30


@pytest.fixture(scope="module")
def referring(corpus):
    """Crops that have bars before them for reference."""
    sampler, rng = CropSampler(corpus, held_out=False, events=400), np.random.default_rng(5)
    crops = [sampler.crop(rng) for _ in range(200)]
    return [crop for crop in crops if crop[2]]


def test_bars_for_reference_are_marked_stand_first_and_say_nothing_of_hits(referring):
    assert len(referring) > 20
    for _, condition, rows in referring:
        marked = condition[:, CONDITION["is_theme"]] + condition[:, CONDITION["is_after"]]
        assert (marked[:rows] == 1).all()
        assert not marked[rows:].any()
        assert not condition[:rows, CONDITION["next_hit_present"]].any()
        assert not condition[:rows, CONDITION["recall"]].any()


def test_a_theme_is_whole_bars_and_recall_is_a_share(referring):
    themes = [crop for crop in referring if crop[1][0, CONDITION["is_theme"]].item()]
    assert themes
    for events, condition, _ in themes:
        assert events[0, 0] == BAR
        recall = condition[:, CONDITION["recall"]]
        assert 0 <= recall.min() <= recall.max() <= 1


def test_a_crop_that_must_join_ends_where_the_bars_after_it_begin(referring):
    joins = [c for c in referring if c[1][:, CONDITION["is_after"]].any()]
    assert joins
    for events, condition, rows in joins:
        main = events[rows:][events[rows:, 0] != PAD]
        assert main[-1, 0] == BAR
        first_after = int(np.flatnonzero(condition[:, CONDITION["is_after"]])[0])
        assert events[first_after, 0] == BAR
        told = condition[rows : rows + len(main) - 1, CONDITION["join"]]
        assert (np.diff(told[:, 0]) <= 1e-6).all()


def test_rows_for_reference_are_not_learned(corpus):
    sampler = CropSampler(corpus, held_out=False, events=400)
    batch = sampler.batch(np.random.default_rng(5), 32)
    marked = (
        batch.condition[..., CONDITION["is_theme"]] + batch.condition[..., CONDITION["is_after"]]
    )
    assert marked.any()
    assert not (batch.learned & (marked[..., 0] == 1)).any()
    assert (batch.learned | (marked[..., 0] == 1)).all()


def test_the_chords_of_half_bars_are_named_from_their_notes(tmp_path):
    chords = [(0, 2, p, 80, 0) for p in (48, 64, 67)] + [(2, 2, p, 80, 0) for p in (45, 60, 64)]
    waltz = [(4, 3, p, 80, 0) for p in (43, 59, 62)]
    write_midi(tmp_path / "a.mid", [*chords, *waltz], meters=[(4, (3, 4))])
    c_major, a_minor, g_major = 0, 9 + 12, 7
    assert read_piece(tmp_path / "a.mid").chords.tolist() == [[c_major, a_minor], [g_major] * 2]


def test_a_transposed_line_is_as_like_as_can_be_and_another_is_not(tmp_path):
    line = [60, 62, 64, 67, 65, 64, 62, 60]
    other = [60, 72, 59, 70, 61, 69, 60, 68]
    notes = [(4 * bar + i / 2, 0.5, p, 80, 0) for bar, ps in
             enumerate((line, [p + 5 for p in line], other)) for i, p in enumerate(ps)]  # fmt: skip
    write_midi(tmp_path / "a.mid", notes)
    first, moved, different = read_piece(tmp_path / "a.mid").motifs
    assert likeness(first, moved) == 1
    assert likeness(first, different) < 0.6


def test_hits_are_long_chords_and_crash_accents_with_space_between():
    chord = [[0, 0, pitch, 12, 4] for pitch in (60, 64, 67)]  # length index 12: two quarters
    short = [[24, 0, pitch, 4, 4] for pitch in (60, 64, 67)]
    crash = [[48, 0, 60, 3, 4], [48, 0, 64, 3, 4], [48, DRUM_KIT, 128 + 49 - 27, 2, 7]]
    events = np.array([BAR_ROW, *chord, *short, *crash])
    time_s = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2], dtype=np.float64)
    assert LENGTH_STEPS[12] >= 24
    assert accents(events, time_s).tolist() == [0, 2]
    kept = hit_times(np.random.default_rng(0), events, time_s)  # too few moments to stand out
    assert set(kept.tolist()) <= {0.0, 2.0}
    assert (np.diff(kept) >= 1.5).all()


def test_the_strongest_chords_are_hits_and_none_where_all_are_alike():
    def chord(step, bin_, index):
        return [[step, 0, pitch, index, bin_] for pitch in (60, 64, 67)]

    rows = [BAR_ROW, *(row for i in range(20) for row in chord(i, 7 if i in (4, 15) else 3, 4))]
    time_s = np.array([0, *(i * 0.5 for i in range(20) for _ in range(3))])
    assert strong_moments(np.array(rows), time_s, 0.88).tolist() == [2.0, 7.5]
    alike = [BAR_ROW, *(row for i in range(20) for row in chord(i, 3, 4))]
    assert not len(strong_moments(np.array(alike), time_s, 0.88))


def test_held_out_crops_are_neither_arranged_nor_laid_under(corpus, monkeypatch):
    def never(*_):
        pytest.fail("a held-out crop was changed")

    monkeypatch.setattr("emsync_training.dataset.arranged", never)
    monkeypatch.setattr("emsync_training.dataset.lay_patterns", never)
    everything = {"held_out": np.ones(40, dtype=np.int64)}
    corpus = replace(corpus, pieces=corpus.pieces | everything)
    sampler, rng = CropSampler(corpus, held_out=True, events=96), np.random.default_rng(4)
    for _ in range(60):
        sampler.crop(rng)


@pytest.mark.parametrize("how", list(Arrangement), ids=lambda how: how.value)
def test_an_arranged_crop_is_labelled_by_what_it_has_become(corpus, how, monkeypatch):
    monkeypatch.setattr("emsync_training.dataset.drawn_arrangement", lambda rng: how)
    monkeypatch.setattr("emsync_training.dataset.PATTERNS", dict.fromkeys(GROUPS, 0.0))
    told = []
    real = bar_features

    def listening(notes, bar_steps):
        told.append(len(notes.pitch))
        return real(notes, bar_steps)

    monkeypatch.setattr("emsync_training.dataset.bar_features", listening)
    for seed in range(6):
        events, condition, rows = build_crop(np.random.default_rng(seed), corpus, seed, 96)
        assert np.isfinite(condition).all()
        if how is Arrangement.AS_WRITTEN:
            assert not told
        elif not rows:
            assert told.pop() == (events[:, 0] < BAR).sum()
