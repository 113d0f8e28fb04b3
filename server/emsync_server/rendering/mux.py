"""The scored film: the picture copied packet by packet, its sound mixed with the music.

The file has these tracks:

1. the picture, bit for bit, with its timing, rotation, aspect and colour; 2. production sound
and music together (default): AAC at 256 kb/s in MP4 and MOV, FLAC in Matroska; 3. the original
sound tracks, copied, not default, where the container carries their codec.

Picture time 0 (the first shown frame) is time 0 of the new file; what the source has before it
(pre-roll for an edit list) stays before it, outside the shown range. The mixed track is as long
as the picture to the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from emsync.errors import MediaError, OutputError
from emsync_server.media import FilmProbe, probe_film
from emsync_server.media.opening import open_container
from emsync_server.outputs import replacing_file
from emsync_server.progress import Progress
from emsync_server.rendering.copying import copy_film
from emsync_server.rendering.soundtrack import RATE_HZ, PlacedMix, Soundtrack

__all__ = ["FILM_SUFFIXES", "PlacedMix", "mux_scored"]

CONTAINERS: dict[str, frozenset[str]] = {
    ".mp4": frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"}),
    ".mov": frozenset(
        {
            "prores",
            "qtrle",
            "mjpeg",
            "dnxhd",
            "mpeg2video",
            "mpeg1video",
            "png",
            "rawvideo",
            "v210",
            "h263",
            "cinepak",
            "svq3",
            "dvvideo",
            "cfhd",
            "hap",
            "jpeg2000",
        }
    ),
    ".mkv": frozenset(),  # carries nearly anything
}
"""Which picture codecs each container is first choice for; the next one is tried where it
fails."""
FILM_SUFFIXES = tuple(CONTAINERS)


def mux_scored(film: Path, placed: Sequence[PlacedMix], out: Path, progress: Progress) -> Path:
    """Write the film with its music: at `out` where its suffix is one of `FILM_SUFFIXES`, else at
    `out` + the one that suits the picture. Returns the file's path.

    `placed` are the mixes and where each plays in picture time. The film is only read.
    Raises NotFoundError, MediaError, InputError, OutputError, DiskFullError or JobCancelledError;
    nothing is left behind then.
    """
    probe = probe_film(film)
    length_s, codec = _measured(probe)
    soundtrack = Soundtrack(probe, placed, round(length_s * RATE_HZ))
    listening, copying = progress.part(0.0, 0.3), progress.part(0.3, 1.0)
    soundtrack.find_peaks(lambda share: listening.report(share, "mixing sound and music"))
    reasons = []
    named = out.suffix in CONTAINERS
    for suffix in [out.suffix] if named else _containers_for(codec):
        for keeps_sound in (True, False):
            target = out if named else out.with_name(out.name + suffix)
            try:
                with replacing_file(target) as working:
                    copy_film(probe, soundtrack, working, copying, keeps_sound=keeps_sound)
            except (av.FFmpegError, ValueError) as err:  # not this container: try the next
                reasons.append(f"{suffix}: {err}")
                continue
            progress.report(1.0, "film written")
            return target
    if named:
        raise OutputError(
            f"The picture of '{film}' ({codec}) does not fit into '{out.name}' "
            f"({'; '.join(reasons)}). Leave '{out.suffix}' out of -o: the container is chosen then."
        )
    raise OutputError(
        f"The picture of '{film}' ({codec}) fits into no container that carries sound "
        f"({'; '.join(reasons)}). Convert the film to H.264 and score it again."
    )


def _containers_for(codec: str) -> list[str]:
    """All containers, the codec's own first."""
    first = next((suffix for suffix, codecs in CONTAINERS.items() if codec in codecs), ".mkv")
    order = list(CONTAINERS)
    return order[order.index(first) :] if first != ".mkv" else [".mkv", ".mov"]


def _measured(probe: FilmProbe) -> tuple[Fraction, str]:
    """The picture's length in seconds, from all its packets, and its codec."""
    with open_container(probe.path) as container:
        stream = container.streams[probe.picture_index]
        assert isinstance(stream, VideoStream) and stream.time_base is not None
        end = _end(container, stream, probe)
        length_s = end * stream.time_base - probe.start_s
        frames = max(round(length_s * probe.rate), 1)
        if abs(frames / probe.rate - length_s) <= Fraction(101, 100) * stream.time_base:
            length_s = frames / probe.rate  # the container rounded its times: Matroska to 1 ms
        if length_s <= 0:
            raise MediaError(f"Not one frame of '{probe.path}' has a time. Export it again.")
        return length_s, stream.codec_context.codec.canonical_name


def _end(container: InputContainer, stream: VideoStream, probe: FilmProbe) -> int:
    """Where the last frame ends, in ticks."""
    assert stream.time_base is not None
    nominal = max(round(1 / (probe.rate * stream.time_base)), 1)
    end = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):  # cut off: what came before counts
            return end
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None and packet.size:
            end = max(end, time + (packet.duration or nominal))
