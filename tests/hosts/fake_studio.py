"""`emsync host` for tests of the hosts' side: real requests in, scores of silence out, at once.

`python fake_studio.py host`: spotting, composition and rendering are played by a client that writes
the files that the server would; everything between is the real thing. The timeline's name says what
happens: 'slow' until cancelled, 'late' as slow when its takes are there, 'lost' when the server
goes, else all is well.
"""

from __future__ import annotations

import sys
import time
import wave
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(REPOSITORY),
    *(str(REPOSITORY / p) for p in ("shared", "server", "plugins/otio")),
]

from emsync import wire  # noqa: E402 - the paths come first
from emsync.client import Watcher  # noqa: E402
from emsync.client.failures import stopped_midway  # noqa: E402
from emsync.cue import Cue, CueSheet, Hit, HitSource, Key, Mode  # noqa: E402
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal  # noqa: E402
from emsync.family import Family  # noqa: E402
from emsync.score import (  # noqa: E402
    Landing,
    Meter,
    Note,
    Part,
    Score,
    Take,
    TempoAnchor,
    TempoMap,
)
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings  # noqa: E402
from emsync.stem import GainCurve, GainPoint, LoudnessTarget, Stem, StemSet  # noqa: E402
from emsync.timecode import RationalTime, TimeRange  # noqa: E402
from emsync.wire.calls import Model, ModelList, ServerInfo  # noqa: E402
from emsync_otio import read_edit  # noqa: E402
from emsync_server.midi import write_midi  # noqa: E402

RATE_HZ = 8000


class FakeClient:
    """A client whose server answers at once."""

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def spot(self, source: Path, settings: SpotSettings, watch: Watcher) -> CueSheet:
        """The edit is really read: what the host wrote must be a timeline."""
        watch(0.5, "reading the edit")
        edit = read_edit(source, markers=settings.markers)
        whole = TimeRange(RationalTime(0, edit.picture.rate), edit.picture.duration)
        cuts = [Hit(b.time, 0.5, True, HitSource.BOUNDARY) for b in edit.boundaries]
        marked = {hit.time for hit in edit.hits}
        hits = sorted(
            [*edit.hits, *(h for h in cuts if h.time not in marked)], key=lambda h: h.time.seconds
        )
        sure = ValenceArousal(0.1, 0.1)
        curve = EmotionCurve((EmotionPoint(whole.start, ValenceArousal(0.2, 0.1), sure),))
        cue = Cue(source.stem, whole, tuple(hits), curve, settings.brief)
        return CueSheet(edit.picture, edit.boundaries, (cue,))

    def compose(
        self, sheet: CueSheet, name: str, folder: Path, settings: ComposeSettings, watch: Watcher
    ) -> tuple[Take, ...]:
        """Takes of 60 quarters a minute, each landing exact."""
        cue = sheet.cues[0]
        assert cue.name == name
        _act(name, watch)
        start_s, length_s = cue.range.start.seconds, cue.range.duration.seconds
        anchors = (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(length_s, length_s))
        takes = []
        for number in range(1, settings.takes + 1):
            ending = "" if number == 1 else f"-{number}"
            landings = tuple(
                Landing(h.time.seconds - start_s, Fraction(1), 0.0) for h in cue.hits if h.locked
            )
            take = Take(
                sheet.picture, cue, number, settings.seed, "fake", "0", f"score{ending}.mid",
                TempoMap(anchors, (Meter(Fraction(0), 4, 4),)), landings,
                key=cue.brief.key or Key(number, Mode.MINOR),
            )  # fmt: skip
            if settings.bars is not None:
                standing = wire.read_take(folder / "take.json")
                assert standing.number == 1  # the copied one
                measures = (("first_bar", float(settings.bars[0])),)
                take = replace(take, measures=measures, tempo_map=standing.tempo_map)
            write_midi(_score(take), folder / take.midi)
            (folder / f"take{ending}.json").write_text(wire.dumps(take), encoding="utf-8")
            takes.append(take)
        return tuple(takes)

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, watch: Watcher
    ) -> StemSet:
        """Two stems of silence, a quarter of a second longer than the cue."""
        take = wire.read_take(take_path)
        watch(0.5, "playing the instruments")
        if take.cue.name.startswith("late"):
            _act("slow", watch)
        samples = round(take.cue.range.duration.seconds * RATE_HZ) + RATE_HZ // 4
        (folder / "stems").mkdir(parents=True)
        families = (Family.STRINGS, Family.BRASS)
        for family in families:
            with wave.open(str(folder / "stems" / f"{family.value}.wav"), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(RATE_HZ)
                file.writeframes(b"\x10\x00\x10\x00" * samples)
        stems = StemSet(
            take.cue.name,
            tuple(Stem(f, f"stems/{f.value}.wav", -60.0) for f in families),
            "mix.wav", RATE_HZ, samples, RATE_HZ // 4, -23.0, -1.0, LoudnessTarget.EBU_R128,
            GainCurve((GainPoint(0.0, 0.0), GainPoint(1.0, -9.0))), "silence",
        )  # fmt: skip
        (folder / "stems.json").write_text(wire.dumps(stems), encoding="utf-8")
        return stems

    def server_info(self) -> ServerInfo:
        """One that is not of this version."""
        return ServerInfo("9.9", "1.1", 1, ("/films",), 0)

    def models(self) -> ModelList:
        """One is missing, and one that nobody needs."""
        composer = Model("composer", False, "0" * 64, "Apache-2.0")
        return ModelList((composer, Model("scene_full", False, "", "MIT", is_optional=True)))


def _score(take: Take) -> Score:
    """A note a bar, of another pitch each."""
    notes = tuple(
        Note(bar.start_q, Fraction(1), 60 + bar.index % 12, 80) for bar in take.tempo_map.bars()
    )
    return Score((Part("Strings", 48, False, Family.STRINGS, notes),), take.tempo_map)


def _act(name: str, watch: Watcher) -> None:
    if name.startswith("lost"):
        raise stopped_midway()
    for step in range(2000 if name.startswith("slow") else 3):
        watch(0.5, f"step {step}")
        time.sleep(0.01)


def connected() -> Any:
    """In the place of a real client."""
    return FakeClient()


if __name__ == "__main__":
    bridge_module: Any = import_module("emsync_server.rpc.host_bridge")
    bridge_module.Client = lambda transport: FakeClient()
    bridge_module.connect = lambda: None
    arguments = [Path(each) for each in sys.argv[2:]]
    sys.exit(bridge_module.host_bridge(sys.stdin, sys.stdout, *arguments))
