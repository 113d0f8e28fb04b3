"""Reading films: opened safely, decoded once, on the picture's own clock."""

from emsync_server.media.film import CEILING_S, Film, FilmFrame, PacketLog, open_film, probe_film
from emsync_server.media.probing import FilmProbe
from emsync_server.media.small_picture import Shrinker, SmallPicture, shrink
from emsync_server.media.sound import read_sound

__all__ = [
    "CEILING_S",
    "Film",
    "FilmFrame",
    "FilmProbe",
    "PacketLog",
    "Shrinker",
    "SmallPicture",
    "open_film",
    "probe_film",
    "read_sound",
    "shrink",
]
