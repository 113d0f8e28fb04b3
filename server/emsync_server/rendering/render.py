"""Rendering: a take becomes one stem per instrument family and their mix, whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from emsync import wire
from emsync.errors import DiskFullError, InputError, JobCancelledError, LimitError, NotFoundError
from emsync.family import Family
from emsync.score import Score, Take
from emsync.settings import RenderSettings
from emsync.stem import GainCurve, LoudnessTarget, Stem, StemSet
from emsync_server.access import ANY_FILE, Access
from emsync_server.midi import read_midi
from emsync_server.outputs import translated_os_errors, working_folder, write_text
from emsync_server.progress import Progress
from emsync_server.rendering.balance import BALANCE
from emsync_server.rendering.choice import choose_synthesizer
from emsync_server.rendering.ducking import ducking_curve
from emsync_server.rendering.loudness import factor
from emsync_server.rendering.mastering import RawStems, plan_master, write_master
from emsync_server.rendering.performance import families_of, left_to_ring, perform
from emsync_server.rendering.production import ProductionSound, listen, music_loudness_lufs
from emsync_server.rendering.synthesizer import Synthesizer
from emsync_server.rendering.wave_file import FRAME_BYTES, FloatFile, bytes_per_sample

__all__ = ["render"]

MAX_TAIL_S = Fraction(4)
TAIL_FADE_S = Fraction(1, 2)
CUT_FADE_S = (Fraction(15, 100), Fraction(3, 2))
CUT_FADE_SHARE = Fraction(6, 10)
"""Where the picture ends the cue, the last chord dies away over so much of its time, within these
limits: long enough not to click, short enough to keep the chord."""
STEMS_FOLDER, MIX, STEM_SET, DUCKING = "stems", "mix.wav", "stems.json", "ducking.json"
SHARES = {"listen": 0.05, "play": 0.75, "plan": 0.87, "write": 1.0}


@dataclass(frozen=True, slots=True)
class _Lengths:
    """In samples."""

    cue: int
    max_tail: int


def render(
    take_path: Path,
    folder: Path,
    settings: RenderSettings,
    progress: Progress,
    *,
    access: Access = ANY_FILE,
) -> StemSet:
    """Render a take into `folder`: stems/<family>.wav, mix.wav, ducking.json and stems.json.

    Notes and tempo come from the MIDI beside the take, so that a person may edit it first. All
    stems have the same start and length. The sum of the stems, with the ducking applied, is the
    mix within 1 LSB; without ducking it is the plain sum. Loudness and true peak are those of
    the sum before ducking. Raises NotFoundError, InputError, MissingPartError, OutputError,
    DiskFullError or JobCancelledError, and leaves nothing behind then. `access` says which files
    may be opened: the take, its MIDI, the film that it names.
    """
    with access.readable(take_path) as readable:
        take = wire.read_take(readable)
    with access.readable(take_path.parent / take.midi) as readable:
        score = read_midi(readable)
    synthesizer = choose_synthesizer(settings.soundfont)
    lengths = _lengths(take, settings.sample_rate_hz)
    with translated_os_errors(folder), working_folder(folder) as working:
        _check_space(working, len(families_of(score)), lengths, settings)
        sound = listen(take, progress.part(0.0, SHARES["listen"]), access)
        raw = _play(score, synthesizer, lengths, settings, working, progress)
        stem_set = _master(
            take,
            raw,
            sound,
            synthesizer=synthesizer.name,
            settings=settings,
            working=working,
            progress=progress,
        )
        write_text(working / STEM_SET, wire.dumps(stem_set))
        write_text(working / DUCKING, wire.dumps(stem_set.ducking))
        progress.report(1.0, "stems written")
        _deliver(working, folder, stem_set)
    return stem_set


def _lengths(take: Take, rate_hz: int) -> _Lengths:
    """The cue, and how far it may ring on: never past the picture's end."""
    cue = take.cue.range
    left_s = take.picture.duration.seconds - cue.end.seconds
    frame_s = 1 / take.picture.rate
    tail_s = min(max(left_s, Fraction(0)), MAX_TAIL_S) if left_s >= frame_s / 2 else Fraction(0)
    return _Lengths(round(cue.duration.seconds * rate_hz), int(tail_s * rate_hz))


def _check_space(working: Path, stems: int, lengths: _Lengths, settings: RenderSettings) -> None:
    """Raise DiskFullError before the work rather than in its middle: stems are large."""
    samples = lengths.cue + lengths.max_tail
    raw = stems * samples * FRAME_BYTES
    written = (stems + 1) * samples * 2 * bytes_per_sample(settings.sample_format)
    free = shutil.disk_usage(working).free
    if raw + written > free:
        raise DiskFullError(
            f"Rendering {stems} stems needs {(raw + written) / 1e9:.1f} GB in '{working.parent}' "
            f"({written / 1e9:.1f} GB stay there), and {free / 1e9:.1f} GB are free. "
            "Free some space, or choose another folder with -o."
        )


def _play(
    score: Score,
    synthesizer: Synthesizer,
    lengths: _Lengths,
    settings: RenderSettings,
    working: Path,
    progress: Progress,
) -> RawStems:
    """Synthesise every family at once, each into a file of its own."""
    rate_hz = settings.sample_rate_hz
    total = lengths.cue + lengths.max_tail
    files = {family: FloatFile(working / f"{family.value}.raw") for family in families_of(score)}

    def stem(family: Family, left: threading.Event) -> None:
        performance = left_to_ring(
            perform(score, family, rate_hz=rate_hz, cue_samples=lengths.cue),
            rate_hz=rate_hz,
            cue_samples=lengths.cue,
            room_samples=lengths.max_tail,
        )
        blocks = synthesizer.render(performance, length_samples=total, rate_hz=rate_hz)
        gain = np.float32(factor(BALANCE[family].gain_db))
        for _ in files[family].write(block * gain for block in blocks):
            if left.is_set():
                raise JobCancelledError("The work was cancelled; nothing was left behind.")

    playing = progress.part(SHARES["listen"], SHARES["play"])
    _together(stem, files, total, playing)
    ringing = max((file.last_loud_sample for file in files.values()), default=-1) + 1
    tail = min(max(ringing - lengths.cue, 0), lengths.max_tail)
    fade_s = min(TAIL_FADE_S, Fraction(tail, rate_hz)) if tail else _cut_fade_s(score)
    return RawStems(
        files,
        cue_samples=lengths.cue,
        length_samples=lengths.cue + tail,
        fade_samples=int(fade_s * rate_hz),
        rate_hz=rate_hz,
    )


def _cut_fade_s(score: Score) -> Fraction:
    """How long the last chord dies away where nothing may ring on."""
    end_s = score.tempo_map.end_s
    starts = (score.tempo_map.seconds_at(n.start_q) for part in score.parts for n in part.notes)
    left_s = end_s - max((start for start in starts if start < end_s), default=end_s)
    return min(max(CUT_FADE_SHARE * left_s, CUT_FADE_S[0]), CUT_FADE_S[1])


def _together(
    stem: Callable[[Family, threading.Event], None],
    files: Mapping[Family, FloatFile],
    total_samples: int,
    progress: Progress,
) -> None:
    """Run one thread per processor, tell how far they are, and stop them all when one must
    stop."""
    left = threading.Event()
    if not files:
        return
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(files))) as pool:
        running = [pool.submit(stem, family, left) for family in files]
        try:
            while not _finished(running):
                done = sum(file.length_samples for file in files.values())
                progress.report(done / (total_samples * len(files)), "playing the instruments")
        finally:
            left.set()
            for future in running:
                future.cancel()


def _finished(running: list[Future[None]]) -> bool:
    """Whether all are done, after a moment's waiting; raises what one of them raised."""
    done, waiting = wait(running, timeout=0.1, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
    return not waiting


def _master(
    take: Take,
    raw: RawStems,
    sound: ProductionSound | None,
    *,
    synthesizer: str,
    settings: RenderSettings,
    working: Path,
    progress: Progress,
) -> StemSet:
    """Bring the stems to their loudness and write them; the raw ones are deleted."""
    target = settings.target or (
        LoudnessTarget.EBU_R128 if sound is None else LoudnessTarget.UNDER_DIALOGUE
    )
    length_s = raw.length_samples / raw.rate_hz
    ducking = (
        GainCurve()
        if sound is None
        else ducking_curve(
            sound.loudness,
            depth_db=settings.ducking_depth_db,
            length_s=length_s,
            spoken=sound.spoken,
        )
    )
    (working / STEMS_FOLDER).mkdir()
    names = {family: f"{STEMS_FOLDER}/{family.value}.wav" for family in raw.files}
    planning = progress.part(SHARES["play"], SHARES["plan"])
    master = plan_master(raw, music_loudness_lufs(target, sound), planning)
    mastered = write_master(
        raw,
        master,
        ducking,
        paths={family: working / name for family, name in names.items()},
        mix_path=working / MIX,
        sample_format=settings.sample_format,
        progress=progress.part(SHARES["plan"], SHARES["write"]),
    )
    return StemSet(
        cue=take.cue.name,
        stems=tuple(
            Stem(family, name, mastered.peaks_db[family]) for family, name in names.items()
        ),
        mix=MIX,
        sample_rate_hz=raw.rate_hz,
        length_samples=raw.length_samples,
        tail_samples=raw.length_samples - raw.cue_samples,
        loudness_lufs=mastered.loudness.integrated_lufs,
        true_peak_db=mastered.loudness.true_peak_db,
        target=target,
        ducking=ducking,
        synthesizer=synthesizer,
    )


def _deliver(working: Path, folder: Path, stem_set: StemSet) -> None:
    """Move everything to its place; stems of an earlier rendering that have no successor go."""
    earlier = _stems_of(folder / STEM_SET)
    (folder / STEMS_FOLDER).mkdir(exist_ok=True)
    names = [stem.path for stem in stem_set.stems]
    for name in [*names, MIX, DUCKING, STEM_SET]:
        (working / name).replace(folder / name)
    for name in earlier - set(names):
        (folder / name).unlink(missing_ok=True)


def _stems_of(path: Path) -> set[str]:
    """Our own stems in a folder, by its stem set; nothing that is not ours is ever touched."""
    ours = {f"{STEMS_FOLDER}/{family.value}.wav" for family in Family}
    try:
        return {stem.path for stem in wire.read_stem_set(path).stems} & ours
    except (InputError, NotFoundError, LimitError):
        return set()
