"""A folder to look at and to listen to: an HTML page with the piano roll, the figures and the
sound of a dozen cues. It stands alone and opens from disk.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from emsync import wire
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings
from emsync_server.composition import compose
from emsync_server.evaluation.accents import chord_starts
from emsync_server.evaluation.composer.compressed import compress
from emsync_server.evaluation.composer.findings import Row
from emsync_server.evaluation.composer.gallery_cues import Exhibit
from emsync_server.evaluation.composer.studio import Composed, Studio
from emsync_server.evaluation.endings import ending_of
from emsync_server.evaluation.judge import EmotionJudge
from emsync_server.evaluation.keys import estimated_key, key_name
from emsync_server.evaluation.piano_roll import draw_piano_roll
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.style_ranges import all_measures, style_ranges
from emsync_server.evaluation.time_axis import LEFT, TimeAxis
from emsync_server.midi import read_midi
from emsync_server.outputs import working_folder, write_text
from emsync_server.progress import Progress
from emsync_server.rendering import render

__all__ = ["Shown", "show", "write_gallery"]

PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class Shown:
    """One exhibit, hung."""

    exhibit: Exhibit
    composed: Composed
    figures: tuple[tuple[str, str], ...]
    picture: str
    sound: str | None


def show(
    exhibit: Exhibit, studio: Studio, folder: Path, progress: Progress, *, sound: bool
) -> Shown:
    """Compose, draw and render one exhibit into `folder`: MIDI, cue sheet, picture, sound."""
    folder.mkdir(parents=True, exist_ok=True)
    key = exhibit.key
    with working_folder(folder) as working:
        settings = ComposeSettings(seed=exhibit.seed)
        (take,) = compose(
            exhibit.sheet,
            exhibit.sheet.cues[0].name,
            working,
            settings,
            progress.part(0.0, 0.6),
            composer=studio.composer,
        )
        score = read_midi(working / take.midi)
        draw_piano_roll(take, score, exhibit.sheet).save(folder / f"{key}.png")
        if sound:
            stems = render(
                working / "take.json", working, RenderSettings(), progress.part(0.6, 0.95)
            )
            compress(working / stems.mix, folder / f"{key}.m4a", progress.part(0.95, 1.0))
        (working / take.midi).replace(folder / f"{key}.mid")
    write_text(folder / f"{key}.cues.json", wire.dumps(exhibit.sheet))
    composed = Composed(take, score)
    return Shown(
        exhibit, composed, _figures(composed), f"{key}.png", f"{key}.m4a" if sound else None
    )


def write_gallery(folder: Path, shown: Sequence[Shown], rows: Sequence[Row]) -> None:
    """Write the page."""
    template = resources.files("emsync_server.evaluation.composer").joinpath("gallery.html")
    page = template.read_text("utf-8")
    weights = shown[0].composed.take.model if shown else ""
    page = page.replace("{{weights}}", html.escape(weights))
    page = page.replace("{{exhibits}}", "\n".join(_card(one) for one in shown))
    page = page.replace("{{claims}}", "\n".join(_claim(row) for row in rows))
    write_text(folder / PAGE, page)


def _figures(composed: Composed) -> tuple[tuple[str, str], ...]:
    take, score = composed.take, composed.score
    length_s = float(take.cue.range.duration.seconds)
    notes = SoundingNotes.of(score)
    measures = all_measures(score, length_s)
    judged = EmotionJudge.shipped().of_score(score)
    style = take.cue.brief.style
    real = style_ranges(style.value if style else "all")
    outside = [
        f"{name.replace('_', ' ')} {value:.2f} ({real.ranges[name].low:.2f}–"
        f"{real.ranges[name].high:.2f})"
        for name, value in measures.items()
        if value is not None and name in real.ranges and not real.ranges[name].contains(value)
    ]
    ending = ending_of(notes, length_s)
    return (
        ("locked hits", _landed(take, notes)),
        ("notes a second", f"{measures['notes_per_s']:.1f}"),
        ("key", key_name(estimated_key(notes))),
        ("parts", ", ".join(part.name for part in score.parts if part.notes)),
        ("judged", f"{judged.valence:+.2f}, {judged.arousal:+.2f}" if judged else "–"),
        ("ending", _ending_words(ending.is_tonic, ending.held_to_end) if ending else "–"),
        ("unlike real pieces", "; ".join(outside) or "nothing"),
    )


def _landed(take: Take, notes: SoundingNotes) -> str:
    hits = [float((h.time - take.cue.range.start).seconds) for h in take.cue.hits if h.locked]
    chords = chord_starts(notes)
    half_frame_s = float(1 / take.picture.rate / 2)
    landed = sum(len(chords) > 0 and min(abs(chords - hit)) <= half_frame_s for hit in hits)
    return f"{landed} of {len(hits)}"


def _ending_words(is_tonic: bool, is_held: bool) -> str:
    return f"{'on the tonic' if is_tonic else 'not on the tonic'}, {'held' if is_held else 'short'}"


def _card(shown: Shown) -> str:
    exhibit = shown.exhibit
    length_s = float(exhibit.sheet.cues[0].range.duration.seconds)
    axis = TimeAxis.of_length(length_s)
    sound = (
        f'<audio controls preload="none" src="{shown.sound}"></audio>'
        if shown.sound
        else "<p>not rendered</p>"
    )
    figures = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in shown.figures
    )
    return (
        f'<article id="{exhibit.key}" data-length="{length_s}" data-left="{LEFT}" '
        f'data-plot="{axis.plot_width}">'
        f"<h2>{html.escape(exhibit.title)}</h2><p>{html.escape(exhibit.asks)}</p>{sound}"
        f'<div class="roll"><img src="{shown.picture}" alt="Piano roll"><i></i></div>'
        f"<dl>{figures}</dl>"
        f'<p class="files"><a href="{exhibit.key}.mid">MIDI</a> '
        f'<a href="{exhibit.key}.cues.json">cue sheet</a></p></article>'
    )


def _claim(row: Row) -> str:
    mark = {True: "met", False: "not met", None: ""}[row.met]
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in (row.claim, row.figure, row.bar))
    return f'<tr class="{mark.replace(" ", "-")}">{cells}<td>{mark}</td></tr>'
