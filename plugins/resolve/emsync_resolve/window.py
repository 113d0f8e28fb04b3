"""The brief's window, drawn by Resolve's UIManager; closed before the work begins.

The work itself shows its progress in the Console: no loop of ours stays inside Resolve.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from emsync_resolve.brief import CHOICES, DEFAULTS

__all__ = ["ask_in_window"]

SIZE = [300, 300, 460, 520]


def ask_in_window(fusion: Any, bmd: Any, sentence: str) -> Optional[Dict[str, Any]]:
    """The brief; None where the window was closed."""
    ui = fusion.UIManager
    dispatcher = bmd.UIDispatcher(ui)
    rows = [ui.Label({"Text": sentence, "WordWrap": True, "Weight": 0})]
    for name, question, choices in CHOICES:
        field = ui.ComboBox({"ID": name}) if choices else ui.LineEdit({"ID": name})
        rows.append(ui.HGroup({"Weight": 0}, [ui.Label({"Text": question}), field]))
    buttons = [
        ui.Button({"ID": "score", "Text": "Score"}),
        ui.Button({"ID": "no", "Text": "Cancel"}),
    ]
    rows.append(ui.HGroup({"Weight": 0}, buttons))
    options = {"ID": "emsync", "WindowTitle": "emsync", "Geometry": SIZE}
    window = dispatcher.AddWindow(options, [ui.VGroup(rows)])
    items = window.GetItems()
    for name, _, choices in CHOICES:
        if choices:
            items[name].AddItems([choice or "open" for choice in choices])
        else:
            items[name].Text = DEFAULTS.get(name, "")
    brief: Dict[str, Any] = {}

    def take(event: Any) -> None:
        for name, _, choices in CHOICES:
            text = str(items[name].CurrentText if choices else items[name].Text)
            brief[name] = "" if choices and text == "open" else text
        dispatcher.ExitLoop()

    def leave(event: Any) -> None:
        dispatcher.ExitLoop()

    window.On.score.Clicked = take
    window.On.no.Clicked = leave
    window.On.emsync.Close = leave
    window.Show()
    dispatcher.RunLoop()
    window.Hide()
    return brief or None
