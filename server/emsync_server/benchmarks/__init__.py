"""The commands behind BENCHMARKS.md: `python -m emsync_server.benchmarks --help`.

Each writes its figures as JSON and as rows of a Markdown table.
"""

from emsync_server.benchmarks.tables import Table, write_table

__all__ = ["Table", "write_table"]
