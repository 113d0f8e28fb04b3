"""Grooves, basses, ostinati and pads of our own, as data: laid under training crops, and what the
drums of a cue keep to.
"""

from emsync_server.composition.patterns.library import FEEL_BAR_STEPS, Pattern, patterns

__all__ = ["FEEL_BAR_STEPS", "Pattern", "patterns"]
