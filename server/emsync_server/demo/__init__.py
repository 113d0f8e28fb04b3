"""A half-minute film that the product draws itself, to be scored where nothing else is at hand."""

from emsync_server.demo.film import CUTS, FRAMES, RATE, draw_demo_film

__all__ = ["CUTS", "FRAMES", "RATE", "draw_demo_film"]
