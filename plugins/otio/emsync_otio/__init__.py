"""Timelines as files: read the edit, lay the stems back."""
