"""emsync in OpenTimelineIO: an adapter for cue sheets, 'emsync_cues'. No hooks, nothing global.

OpenTimelineIO loads its plugins while it is being imported itself, so nothing is imported here.
"""
