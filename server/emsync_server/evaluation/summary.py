"""A report in a few lines."""

from __future__ import annotations

from emsync_server.evaluation.report import AccentKind, Report

__all__ = ["summary_lines"]


def summary_lines(report: Report) -> tuple[str, ...]:
    """The figures that a person looks at first, one a line."""
    hits, music, levels = report.hits, report.music, report.levels
    lines = [
        f"{report.cue}: {report.length_s:.2f} s",
        f"locked hits within half a frame: {_percent(hits.landed_in_score)} in the score, "
        f"{_percent(hits.landed_in_sound)} in the sound "
        f"(moved by 60 ms: {_percent(hits.control_in_sound)}), of {hits.locked}",
    ]
    lines.extend(
        f"strong accents in the {row.medium.value} on {row.targets.value} "
        f"within {row.tolerance.value}: "
        f"{_percent(row.found.hit_share)}, chance {_percent(row.found.chance_share)}, "
        f"κ = {row.found.kappa:+.2f}, p = {row.found.p:.3f}"
        for row in report.agreements
        if row.accents is AccentKind.STRONG and row.found.kappa is not None
    )
    lines.append(
        f"music: {music.notes_per_s:.1f} notes a second, silent {_percent(music.silence_share)}, "
        f"repeated bars {_percent(music.repeated_bars_share)}; unlike real pieces in: "
        f"{', '.join(report.music_unlike_real_pieces) or 'nothing'}"
    )
    if levels:
        lines.append(
            f"mix: peak {levels.mix.peak_dbfs:.1f} dBFS, {levels.mix.clipped_samples} samples "
            f"clipped, longest silence {levels.mix.dead_air_s:.1f} s, "
            f"{levels.length_error_samples:+d} samples off the cue's length, "
            f"stems and mix differ by {levels.sum_error_lsb:.1f} LSB"
        )
    return tuple(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
