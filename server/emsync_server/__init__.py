"""The emsync server: spotting, composition, rendering and placement."""
