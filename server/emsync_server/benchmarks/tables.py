"""Figures as files: JSON for machines, a Markdown table for BENCHMARKS.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emsync_server.outputs import write_text

__all__ = ["Table", "milliseconds", "percent", "signed", "write_table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and the command that made it."""

    command: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As BENCHMARKS.md has it."""
        lines = [
            f"`{self.command}`",
            "",
            _row(self.columns),
            _row(["---"] * len(self.columns)),
            *(_row(row) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def write_table(table: Table, figures: dict[str, Any] | list[Any], path: Path) -> None:
    """Write `path` (JSON) and, beside it, the table with the suffix .md."""
    write_text(path, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    write_text(path.with_suffix(".md"), table.markdown())


def percent(share: float | None) -> str:
    """'97 %', or a dash where there is nothing to share."""
    return "–" if share is None else f"{100 * share:.0f} %"


def signed(value: float | None) -> str:
    """'+0.31', or a dash."""
    return "–" if value is None else f"{value:+.2f}"


def milliseconds(value_s: float | None) -> str:
    """'+1.2' for 0.0012 s, or a dash."""
    return "–" if value_s is None else f"{1000 * value_s:+.1f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
