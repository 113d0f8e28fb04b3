"""PySceneDetect's detectors, run in the one decoding pass, as they come."""

from __future__ import annotations

from fractions import Fraction

import av
from scenedetect import FrameTimecode
from scenedetect.detectors import (
    AdaptiveDetector,
    ContentDetector,
    HashDetector,
    HistogramDetector,
    ThresholdDetector,
)

from emsync.picture import BoundaryKind
from emsync.settings import ShotDetector
from emsync_server.media import SmallPicture
from emsync_server.spotting.changes import SeenChange

__all__ = ["DETECTORS", "SceneDetectFinder"]

DETECTORS = {
    ShotDetector.ADAPTIVE: AdaptiveDetector,
    ShotDetector.CONTENT: ContentDetector,
    ShotDetector.HASH: HashDetector,
    ShotDetector.HISTOGRAM: HistogramDetector,
    ShotDetector.THRESHOLD: ThresholdDetector,
}
WIDTH = 256
"""PySceneDetect's own choice."""
SHORTEST_SHOT = 1
"""Frames. PySceneDetect's own 15 hides the cuts of fast films."""


class SceneDetectFinder:
    """One of PySceneDetect's detectors, fed frame by frame."""

    def __init__(self, detector: ShotDetector, rate: Fraction) -> None:
        """`rate`: nominal frames per second."""
        self._detector = DETECTORS[detector](min_scene_len=SHORTEST_SHOT)
        fades = detector is ShotDetector.THRESHOLD
        self._kind = BoundaryKind.FADE if fades else BoundaryKind.CUT
        self._rate = rate
        self._seen = 0
        self._found: set[int] = set()

    def see(self, small: SmallPicture) -> None:
        """These detectors make their own small pictures."""

    def look(self, frame: av.VideoFrame) -> None:
        """The next frame."""
        width = min(WIDTH, frame.width)
        height = max(1, round(frame.height * width / frame.width))
        bgr = frame.to_ndarray(format="bgr24", width=width, height=height)
        self._note(self._detector.process_frame(self._moment(), bgr))
        self._seen += 1

    def finish(self) -> tuple[SeenChange, ...]:
        """No more frames: all changes, in order."""
        if self._seen:
            self._note(self._detector.post_process(self._moment()))
        return tuple(
            SeenChange(frame, self._kind, 1.0, frame, frame)
            for frame in sorted(self._found)
            if 0 < frame < self._seen
        )

    def _moment(self) -> FrameTimecode:
        return FrameTimecode(self._seen, fps=float(self._rate))

    def _note(self, moments: list[FrameTimecode]) -> None:
        self._found.update(moment.frame_num for moment in moments)
