"""Subtitles that are text: the tracks of a film, and files beside it.

One more pass over the file, without decoding anything but the track itself: a second for a gigabyte
of Matroska, ten milliseconds in MP4, whose index names the track's own bytes.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from emsync.errors import LimitError, MediaError
from emsync_server.access import ANY_FILE, Access
from emsync_server.media.languages import ENGLISH, Language, language_of
from emsync_server.media.opening import NO_PROTOCOL, open_container, open_file
from emsync_server.media.subtitle_text import spoken_words

__all__ = [
    "LONGEST_LINE_S",
    "SIDECAR_FORMATS",
    "SubtitleFile",
    "SubtitleLine",
    "SubtitleTrack",
    "film_lines",
    "film_tracks",
    "sidecar_lines",
]

SIDECAR_FORMATS = {".srt": "srt", ".vtt": "webvtt", ".ass": "ass", ".ssa": "ass"}
"""libav's demuxer by suffix. MicroDVD's .sub counts frames of a rate that it does not tell."""
MOST_SIDECAR_BYTES = 16 << 20
MOST_LINES = 20_000
"""Six hours of talk have half as many; titles that are set letter by letter are one line here."""
LONGEST_LINE_S = 10.0
"""A line that stays longer has a wrong end: what can be read at once is gone after seven."""
UNTOLD_S = 4.0
"""How long a line stays whose end is not told."""
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class SubtitleLine:
    """What is said from one moment to another, in seconds from the film's first frame."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """A track of subtitles in a film."""

    index: int
    """Among all streams."""
    number: int
    """Among the subtitles, from 1, as players count."""
    language: Language | None
    is_text: bool
    """Others are pictures (DVD, Blu-ray, broadcast)."""
    is_default: bool
    is_forced: bool
    """Only what even those who understand the film need told."""
    is_aside: bool
    """For the hard of hearing, or a comment on the film."""


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """What a file of subtitles holds."""

    lines: tuple[SubtitleLine, ...]
    guessed_encoding: str | None
    """What it was taken for, where it is not Unicode."""


def film_tracks(container: InputContainer) -> list[SubtitleTrack]:
    """The subtitles in a film; those of an unknown format are left out."""
    streams = [each for each in container.streams.subtitles if each.codec_context is not None]
    return [_track(stream, number) for number, stream in enumerate(streams, 1)]


def film_lines(
    path: Path,
    track: SubtitleTrack,
    start_s: Fraction,
    *,
    reads_on: Callable[[], None] = lambda: None,
    access: Access = ANY_FILE,
) -> tuple[SubtitleLine, ...]:
    """The lines of one of a film's tracks. `start_s`: the first frame, on the container's clock.
    `reads_on` is called before each line, and may raise to stop."""
    with open_container(path, access=access) as container:
        if track.index >= len(container.streams):
            raise MediaError(f"'{path}' changed while it was read. Start again.")
        stream = container.streams[track.index]
        if "mp4" in container.format.name:
            _pass_over_others(container, stream)
        return _in_order(_events(container, [stream], reads_on), float(start_s))


def sidecar_lines(
    path: Path, language: Language | None, *, access: Access = ANY_FILE
) -> SubtitleFile:
    """The lines of a file beside a film; none where it holds none. Text that is not Unicode is
    taken for the encoding that was usual in its language. Raises what `open_container` does."""
    with open_file(path, access) as file:
        content = file.read(MOST_SIDECAR_BYTES + 1)
    if len(content) > MOST_SIDECAR_BYTES:
        raise LimitError(f"'{path}' is larger than 16 MB: that is no subtitles. Move it away.")
    text, guessed = _decoded(content, language or language_of(ENGLISH))
    try:
        container: InputContainer = av.open(
            io.BytesIO(text.encode()),
            mode="r",
            format=SIDECAR_FORMATS[path.suffix.lower()],
            options={"protocol_whitelist": NO_PROTOCOL},
        )
        with container:
            return SubtitleFile(_in_order(_events(container, container.streams.subtitles)), guessed)
    except (av.FFmpegError, ValueError) as err:
        raise MediaError(
            f"'{path}' cannot be read as subtitles: it is damaged, or something else."
        ) from err


def _decoded(content: bytes, language: Language | None) -> tuple[str, str | None]:
    """The text, and as what it was taken where nothing says."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), None
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        assert language is not None
        return content.decode(language.encoding, errors="replace"), language.encoding


def _track(stream: Stream, number: int) -> SubtitleTrack:
    flags = stream.disposition
    aside = Disposition.hearing_impaired | Disposition.comment
    codec = stream.codec_context.codec
    return SubtitleTrack(
        index=stream.index,
        number=number,
        language=language_of(stream.metadata.get("language")),
        is_text=bool(codec.text_sub),
        is_default=bool(flags & Disposition.default),
        is_forced=bool(flags & Disposition.forced),
        is_aside=bool(flags & aside),
    )


def _pass_over_others(container: InputContainer, wanted: Stream) -> None:
    """Let the demuxer seek over what nobody wants; libav before PyAV's 17 cannot be told so."""
    for stream in container.streams:
        if stream is not wanted and hasattr(stream, "discard"):
            stream.discard = av.stream.Discard.all


def _events(
    container: InputContainer,
    streams: Sequence[Stream],
    reads_on: Callable[[], None] = lambda: None,
) -> Iterator[tuple[float, float | None, str]]:
    """Start on the container's clock, length if it is told, and the event; damaged ones are passed
    over."""
    packets = container.demux(*streams)
    while streams:
        reads_on()
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        if packet.pts is None or packet.time_base is None:
            continue
        start_s = float(packet.pts * packet.time_base)
        length_s = float(packet.duration * packet.time_base) if packet.duration else None
        try:
            found = packet.decode()
        except av.FFmpegError:
            continue
        for each in found:
            if isinstance(each, av.subtitles.subtitle.AssSubtitle):
                yield start_s, length_s, each.ass.decode("utf-8", errors="replace")


def _in_order(
    events: Iterator[tuple[float, float | None, str]], zero_s: float = 0.0
) -> tuple[SubtitleLine, ...]:
    """Lines with words, in the order of their time; what is shown again and again while it moves or
    lights up is one."""
    found: dict[str, SubtitleLine] = {}
    done: list[SubtitleLine] = []
    for start_s, length_s, event in events:
        words = spoken_words(event)
        if not words or len(done) + len(found) >= MOST_LINES:
            continue
        length_s = min(UNTOLD_S if length_s is None else length_s, LONGEST_LINE_S)
        start_s, end_s = (round(at - zero_s, 3) for at in (start_s, start_s + length_s))
        before = found.get(words)
        is_again = before is not None and before.start_s <= start_s <= before.end_s
        if before is not None and is_again and end_s - before.start_s <= LONGEST_LINE_S:
            found[words] = SubtitleLine(before.start_s, max(before.end_s, end_s), words)
            continue
        if before is not None:
            done.append(before)
        found[words] = SubtitleLine(start_s, end_s, words)
    return tuple(sorted([*done, *found.values()], key=lambda line: (line.start_s, line.end_s)))
