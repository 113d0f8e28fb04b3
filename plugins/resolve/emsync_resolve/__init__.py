"""emsync in DaVinci Resolve: for whatever Python from 3.8 on Resolve finds, standard library only.

The work is done by `emsync host` in emsync's own Python; here the timeline is read and the stems
are laid. No DaVinci Resolve has run this yet: what it was tested on is in the folder's README.
"""

__version__ = "0.1.0"
