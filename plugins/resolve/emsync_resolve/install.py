"""Puts emsync into Resolve's menu: `python -m emsync_resolve.install` (or `--remove`).

Workspace > Scripts > emsync. Only our own folders are written and removed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import Dict, List, Optional

from emsync_resolve.menu import ENTRIES
from emsync_resolve.process import COMMAND_FILE, HostError, emsync_command

__all__ = ["fusion_folder", "install", "main", "remove"]

SCRIPT = '''"""emsync: {title}. Written by emsync's installer."""
import sys

sys.path.insert(0, {folder!r})
from emsync_resolve.menu import main

given = globals()
handle = given.get("resolve") or (given["app"].GetResolve() if "app" in given else None)
main({action!r}, handle, given.get("fusion") or given.get("fu"), given.get("bmd"))
'''


def fusion_folder(platform: str, environment: Dict[str, str]) -> str:
    """Where this user's Resolve looks for scripts and the like."""
    if platform == "win32":
        roaming = environment.get("APPDATA", "")
        parts = [roaming, "Blackmagic Design", "DaVinci Resolve", "Support", "Fusion"]
        return "\\".join(parts) if os.sep == "/" else os.path.join(*parts)
    home = environment.get("HOME", os.path.expanduser("~"))
    if platform == "darwin":
        support = os.path.join(home, "Library", "Application Support", "Blackmagic Design")
        return os.path.join(support, "DaVinci Resolve", "Fusion")
    return os.path.join(home, ".local", "share", "DaVinciResolve", "Fusion")


def install(fusion: str, command: Optional[List[str]] = None) -> List[str]:
    """Write the package and the menu's scripts; the paths that were written."""
    home = os.path.join(fusion, "emsync")  # beside Scripts: all below that would be menu entries
    package = os.path.join(home, "emsync_resolve")
    menu = os.path.join(fusion, "Scripts", "Utility", "emsync")
    source = os.path.dirname(os.path.abspath(__file__))
    remove(fusion)
    os.makedirs(menu)
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    if command:
        with open(os.path.join(package, COMMAND_FILE), "w", encoding="utf-8") as file:
            file.write("\n".join(command) + "\n")
    written = [package]
    for action, title in ENTRIES.items():
        path = os.path.join(menu, f"{title}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SCRIPT.format(title=title, folder=home, action=action))
        written.append(path)
    return written


def remove(fusion: str) -> None:
    """Take all of it out again."""
    for folder in (
        os.path.join(fusion, "emsync"),
        os.path.join(fusion, "Scripts", "Utility", "emsync"),
    ):
        if os.path.isdir(folder):
            shutil.rmtree(folder)


def main(arguments: Optional[List[str]] = None) -> int:
    """From a terminal; returns the exit code."""
    parser = argparse.ArgumentParser(description="Puts emsync into DaVinci Resolve's menu.")
    parser.add_argument("--target", help="Resolve's Fusion folder; default: this user's")
    parser.add_argument("--remove", action="store_true", help="take it out again")
    options = parser.parse_args(arguments)
    fusion = options.target or fusion_folder(sys.platform, dict(os.environ))
    if options.remove:
        remove(fusion)
        print(f"emsync is out of '{fusion}'.")
        return 0
    try:
        command: Optional[List[str]] = emsync_command()
    except HostError as err:
        command = None
        print(f"Note: {err}")
    for path in install(fusion, command):
        print(path)
    print("Start DaVinci Resolve anew: Workspace > Scripts > emsync.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
