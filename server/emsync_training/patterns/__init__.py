"""Grooves, basses, ostinati and pads of our own, laid under music that has none."""

from emsync_training.patterns.laying import lay_patterns

__all__ = ["lay_patterns"]
