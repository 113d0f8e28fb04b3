"""A double of the window that Resolve's UIManager draws, and what a user does in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class FakeWindow:
    """UIManager's window: fields by their ID, and what a user does in it."""

    def __init__(self, press: str, fill: dict[str, str]) -> None:
        self._press, self._fill = press, fill
        self.fields: dict[str, SimpleNamespace] = {}
        self.On = SimpleNamespace(
            score=SimpleNamespace(), no=SimpleNamespace(), emsync=SimpleNamespace()
        )
        self.UIManager = self
        self.shown: list[str] = []

    def UIDispatcher(self, ui: Any) -> FakeWindow:
        return self

    def AddWindow(self, options: Any, rows: Any) -> FakeWindow:
        assert options["ID"] == "emsync" and rows
        return self

    def GetItems(self) -> Any:
        return self.fields

    def ComboBox(self, options: Any) -> Any:
        field = SimpleNamespace(CurrentText="")

        def add(items: list[str]) -> None:
            field.CurrentText = items[0]

        field.AddItems = add
        self.fields[options["ID"]] = field
        return field

    def LineEdit(self, options: Any) -> Any:
        self.fields[options["ID"]] = SimpleNamespace(Text="")
        return self.fields[options["ID"]]

    def Label(self, options: Any) -> Any:
        return options

    Button = VGroup = Label

    def HGroup(self, options: Any, inside: Any) -> Any:
        return inside

    def RunLoop(self) -> None:
        for name, text in self._fill.items():
            field = self.fields[name]
            setattr(field, "CurrentText" if hasattr(field, "CurrentText") else "Text", text)
        on: Any = getattr(self.On, self._press)
        (on.Close if self._press == "emsync" else on.Clicked)({})

    def ExitLoop(self) -> None:
        self.shown.append("left")

    def Show(self) -> None:
        self.shown.append("shown")

    def Hide(self) -> None:
        self.shown.append("hidden")
