"""Films that tests draw themselves, with cuts at known frames."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

PALETTE = (
    (200, 40, 30),
    (30, 90, 200),
    (240, 230, 120),
    (20, 30, 25),
    (120, 200, 90),
    (150, 60, 170),
)


def draw_film(
    path: Path,
    *,
    seconds: float = 10.0,
    cuts_s: Sequence[float] = (2.5, 5.0, 7.5),
    rate: Fraction = Fraction(24),
    size: tuple[int, int] = (192, 108),
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    sound: bool = True,
    talk: np.ndarray | None = None,
    palette: Sequence[tuple[int, int, int]] = PALETTE,
) -> tuple[int, ...]:
    """A film of coloured shots with a moving block; returns the first frame of each new shot. Its
    sound is a tone, or `talk`: mono at 44.1 kHz, as long as the picture. `palette`: the shots'
    colours, in turn."""
    frames = round(seconds * rate)
    cuts = tuple(round(cut * rate) for cut in cuts_s)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.bit_rate = 400_000
        audio = container.add_stream("aac", rate=44_100) if sound else None
        for index in range(frames):
            shot = sum(index >= cut for cut in cuts)
            picture = np.empty((size[1], size[0], 3), np.uint8)
            picture[:] = palette[shot % len(palette)]
            left = abs((index * (1 + shot)) % (2 * (size[0] - 24)) - (size[0] - 24))  # to and fro
            picture[30:60, left : left + 24] = 255 - picture[30:60, left : left + 24]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            samples = np.arange(round(seconds * 44_100))
            tone = 0.1 * np.sin(2 * np.pi * 220 * samples / 44_100, dtype=np.float64)
            tone = tone if talk is None else talk
            for start in range(0, len(tone), 1024):
                block = tone[start : start + 1024].astype(np.float32)
                piece = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                piece.sample_rate = 44_100
                piece.pts = start
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return cuts


ENGLISH_LINES = (
    (200, 1200, "I hate you! You have destroyed everything that I had, and I don't know why."),
    (1600, 2800, "This is wonderful, thank you so much! They are with us, and you are just great."),
)
FRENCH_LINES = (
    (200, 1200, "Je te déteste ! Tu as détruit tout ce que j'avais, et je ne sais pas pourquoi."),
    (
        1600,
        2800,
        "C'est merveilleux, merci beaucoup ! Ils sont avec nous, et vous êtes superbes. Mais moi, "
        "on me dit que ce n'est pas fini.",
    ),
)
"""What subtitles say: from and to in milliseconds, and the words."""


@dataclass(frozen=True)
class Track:
    """Subtitles to lay into a film."""

    lines: tuple[tuple[int, int, str], ...]
    """From and to in milliseconds, and what is said."""
    language: str | None = None
    flags: int = 0
    """As `av.stream.Disposition` has them."""
    is_picture: bool = False


def srt_of(lines: Sequence[tuple[int, int, str]]) -> str:
    """The text of a SubRip file."""
    cues = (
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{words}\n"
        for number, (start, end, words) in enumerate(lines, 1)
    )
    return "\n".join(cues)


def lay_subtitles(film: Path, target: Path, tracks: Sequence[Track]) -> None:
    """A copy of a film with subtitles: SubRip or DVD pictures in Matroska, Timed Text in MP4."""
    with av.open(str(film)) as source, av.open(str(target), "w") as container:
        streams = {each.index: container.add_stream_from_template(each) for each in source.streams}
        laid = [_laid(container, track, target.suffix == ".mp4") for track in tracks]
        packets = [packet for packet in source.demux() if packet.dts is not None]
        for packet in packets:
            packet.stream = streams[packet.stream_index]
            container.mux(packet)
        for track, stream in zip(tracks, laid, strict=True):
            for start, end, words in track.lines:
                content = b"\0" * 20 if track.is_picture else words.encode()
                if target.suffix == ".mp4":
                    content = len(content).to_bytes(2, "big") + content
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = start
                packet.duration = end - start
                container.mux(packet)


def _laid(container: av.container.OutputContainer, track: Track, in_mp4: bool) -> av.stream.Stream:
    if in_mp4:
        stream = container.add_stream("mov_text")
        stream.codec_context.subtitle_header = ASS_HEADER
    elif track.is_picture:
        stream = container.add_stream("dvd_subtitle")
    else:
        one = io.BytesIO(srt_of([(0, 1, "a")]).encode())
        with av.open(one, format="srt") as template:
            stream = container.add_stream_from_template(template.streams.subtitles[0])
    if track.language is not None:
        stream.metadata["language"] = track.language
    stream.disposition = track.flags
    return stream


def _clock(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{ms:03}"


ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""What libav's writer of Timed Text wants to be told."""
