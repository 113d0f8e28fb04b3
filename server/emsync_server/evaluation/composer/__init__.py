"""What the composer is worth: each claim measured on cues that are composed for it."""

from emsync_server.evaluation.composer.extent import FULL, QUICK, Extent
from emsync_server.evaluation.composer.findings import Row
from emsync_server.evaluation.composer.run import (
    EVERYTHING,
    FACTS,
    TABLE,
    Experiment,
    evaluate_composer,
    markdown,
)

__all__ = [
    "EVERYTHING",
    "FACTS",
    "FULL",
    "QUICK",
    "TABLE",
    "Experiment",
    "Extent",
    "Row",
    "evaluate_composer",
    "markdown",
]
