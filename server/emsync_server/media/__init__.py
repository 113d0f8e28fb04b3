"""Reading films: opened safely, decoded once, on the picture's own clock."""

from emsync_server.media.film import CEILING_S, Film, FilmFrame, PacketLog, open_film, probe_film
from emsync_server.media.languages import ENGLISH, UNKNOWN_LANGUAGE, Language, language_of
from emsync_server.media.opening import open_container
from emsync_server.media.probing import FilmProbe
from emsync_server.media.small_picture import Shrinker, SmallPicture, shrink
from emsync_server.media.sound import read_sound
from emsync_server.media.subtitles import (
    LONGEST_LINE_S,
    SIDECAR_FORMATS,
    SubtitleFile,
    SubtitleLine,
    SubtitleTrack,
    film_lines,
    film_tracks,
    sidecar_lines,
)

__all__ = [
    "CEILING_S",
    "ENGLISH",
    "LONGEST_LINE_S",
    "SIDECAR_FORMATS",
    "UNKNOWN_LANGUAGE",
    "Film",
    "FilmFrame",
    "FilmProbe",
    "Language",
    "PacketLog",
    "Shrinker",
    "SmallPicture",
    "SubtitleFile",
    "SubtitleLine",
    "SubtitleTrack",
    "film_lines",
    "film_tracks",
    "language_of",
    "open_container",
    "open_film",
    "probe_film",
    "read_sound",
    "shrink",
    "sidecar_lines",
]
