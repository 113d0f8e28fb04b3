"""Options of `emsync compose` whose words become ranges."""

from __future__ import annotations

import pytest
import typer
from tests.cues import sheet_of

from emsync import wire
from emsync_server.cli import main
from emsync_server.cli.options import parse_bars, parse_tempo


def test_ranges_are_read():
    assert parse_tempo("80:110") == (80.0, 110.0)
    assert parse_tempo("90") == (90.0, 90.0)
    assert parse_bars("5:9") == (5, 9)


@pytest.mark.parametrize("text", ["", "5", "9:5", "0:3", "a:b", "5:9:12"])
def test_what_is_no_range_of_bars_is_refused(text):
    with pytest.raises(typer.BadParameter):
        parse_bars(text)


@pytest.mark.parametrize("words", [["--bars", "1:3"], ["--tempo", "80:110"]], ids=["bars", "tempo"])
def test_a_range_is_one_argument_of_the_command(tmp_path, capsys, monkeypatch, words):
    cues = tmp_path / "cues.json"
    cues.write_text(wire.dumps(sheet_of(48)), encoding="utf-8")
    command = ["emsync", "compose", str(cues), "-o", str(tmp_path), "--cue", "x", *words]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert "requires 2 arguments" not in said
    assert "has no cue 'x'" in said
