"""What a clip puts on the screen: a picture, an overlay that one sees through, or nothing."""

from __future__ import annotations

from enum import Enum

import opentimelineio as otio

__all__ = ["Looks", "blend_kind_words", "is_black", "is_still", "looks_of"]


class Looks(Enum):
    """How much a clip hides of what lies below it."""

    OPAQUE = "opaque"
    SEE_THROUGH = (
        "see-through"  # titles and other overlays: a picture only where nothing lies below
    )
    NOTHING = "nothing"


_OPAQUE_WORDS = ("color", "colour", "solid", "matte", "bars", "leader", "black", "slug", "white")
_NOTHING_WORDS = ("transparent", "adjustment layer", "adjustment clip")
_BLACKS = ("black", "0x000000ff", "#000000", "#ff000000")
_STILLS = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".webp",
        ".exr",
        ".dpx",
        ".tga",
        ".psd",
        ".svg",
    ]
)


def looks_of(clip: otio.schema.Clip) -> Looks:
    """Whether a clip hides what lies below. Footage does; generated titles do not."""
    media = clip.media_reference
    name = clip.name.lower()
    if any(word in name for word in _NOTHING_WORDS) and not _is_footage(media):
        return Looks.NOTHING
    if not isinstance(media, otio.schema.GeneratorReference):
        return Looks.OPAQUE
    if media.metadata.get("emsync_otio", {}).get("see_through") is True:
        return Looks.SEE_THROUGH
    # Premiere writes every title and synthetic clip as a 'Slug': there the clip's name must tell.
    kind = media.generator_kind.lower()
    words = name if kind == "slug" else f"{kind} {name}"
    return Looks.OPAQUE if any(word in words for word in _OPAQUE_WORDS) else Looks.SEE_THROUGH


def is_black(clip: otio.schema.Clip | None) -> bool:
    """Whether a clip is made of black, as one fades to it."""
    media = clip.media_reference if clip is not None else None
    if not isinstance(media, otio.schema.GeneratorReference):
        return False
    said = f"{media.generator_kind} {media.name} {clip.name if clip is not None else ''}".lower()
    return "black" in said or str(media.parameters.get("color", "")).lower() in _BLACKS


def is_still(path_suffix: str) -> bool:
    """Whether a file of this suffix is a single picture, shown as long as the clip lasts."""
    return path_suffix.lower() in _STILLS


def blend_kind_words(transition: otio.schema.Transition) -> str:
    """Everything that a transition says about its kind, in lower case."""
    return f"{transition.transition_type} {transition.name}".lower()


def _is_footage(media: otio.core.MediaReference) -> bool:
    return isinstance(media, otio.schema.ExternalReference | otio.schema.ImageSequenceReference)
