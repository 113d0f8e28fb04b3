# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons: each begins a job and follows it with a timer, so that Blender never waits."""

# No postponed annotations here: Blender reads properties from them.

import time
from threading import Thread
from typing import TYPE_CHECKING, Any

import bpy  # noqa: TID251 - operators are classes of Blender

from emsync.errors import EmsyncError

from .api import scene_of
from .settings import wishes_of
from .telling import Telling

if TYPE_CHECKING:  # the client comes with the first button: Blender's start does not wait for it
    from .actions import Session

__all__ = ["OPERATORS", "State", "state"]

TIMER_S = 0.2
POLL_S = 0.05


class State:
    """What runs, and what the panel shows of it."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.telling: Telling | None = None
        self.diagnosis: tuple[str, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return self.session is not None and self.session.job is not None

    def learn(self, lines: tuple[str, ...]) -> None:
        """What a diagnosis said."""
        self.diagnosis = lines

    def leave(self) -> None:
        """Stop what runs and wait for it: no thread of ours outlives the project. A finished take
        stays to be fetched."""
        job = self.session.job if self.session is not None else None
        self.session = None
        if job is not None:
            job.leave()
            job.wait()


state = State()


def _session() -> "Session":
    """For the scene that the sequencer shows, through the emsync that the preferences name or that
    is found. The job's thread connects: what it needs of Blender is asked here.
    """
    from emsync.client import Client, ProcessTransport

    from .actions import Session, command_of
    from .host import BlenderHost

    addon = bpy.context.preferences.addons.get(__package__)
    words = addon.preferences.command.strip() if addon and addon.preferences else ""
    command = command_of(words, bpy.path.abspath(words))
    return Session(
        BlenderHost(),
        lambda: Client(ProcessTransport(command)),
        lambda request, watch: ProcessTransport(command).run_job(request, watch),
    )


class _JobOperator:
    """Follows a job to its end; ESC cancels it. One undo step when the timeline was changed."""

    # Not REGISTER: 'Adjust Last Operation' would do the whole job again and wait for it.
    bl_options = {"UNDO"}  # noqa: RUF012 - Blender reads it from the class
    _timer: Any = None

    @classmethod
    def poll(cls, context: Any) -> bool:
        """One job at a time."""
        return not state.is_busy

    def begin(self, session: "Session", context: Any) -> None:
        """Start the job; raises EmsyncError."""
        raise NotImplementedError

    def invoke(self, context: Any, event: Any) -> set[str]:
        """From a button: in the background, with a timer."""
        if bpy.app.background:
            return self.execute(context)
        if not self._begun(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """From a script: until it is done. Timers need an event loop, which scripts have not."""
        if not self._begun(context):
            return {"CANCELLED"}
        while True:
            telling = self._pumped()
            if telling is not None and telling.is_over:
                return self._over(telling)
            time.sleep(POLL_S)

    def modal(self, context: Any, event: Any) -> set[str]:
        """A timer's tick or a key."""
        if event.type == "ESC" and state.session is not None:
            state.session.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        telling = self._pumped()
        _redraw(context)
        if telling is None or not telling.is_over:
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self._over(telling)

    def cancel(self, context: Any) -> None:
        """Blender closes, or another project is opened."""
        state.leave()
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)

    def _begun(self, context: Any) -> bool:
        state.session = _session()
        state.telling = Telling(0.0, "starting")
        try:
            self.begin(state.session, context)
        except EmsyncError as err:
            state.telling = Telling(0.0, err.sentence, is_over=True, is_failure=True)
            self.report({"ERROR"}, err.sentence)  # type: ignore[attr-defined]
            return False
        return True

    def _pumped(self) -> Telling | None:
        if state.session is None:
            return Telling(0.0, "The project was closed.", is_over=True)
        try:
            telling = state.session.pump()
        except ReferenceError:  # the scene was deleted under the job
            state.leave()
            telling = Telling(
                0.0, "The scene is gone. 'Fetch' lays the score in another.", is_over=True
            )
        state.telling = telling or state.telling
        return telling

    def _over(self, telling: Telling) -> set[str]:
        report = self.report  # type: ignore[attr-defined]
        report({"ERROR" if telling.is_failure else "INFO"}, telling.line)
        for line in telling.warnings:
            report({"WARNING"}, line)
        return {"FINISHED"} if telling.is_laid else {"CANCELLED"}


class EMSYNC_OT_score(_JobOperator, bpy.types.Operator):  # noqa: N801 - Blender's form
    """Compose music for the timeline and lay its stems on new channels"""

    bl_idname = "emsync.score"
    bl_label = "Score"

    def begin(self, session: "Session", context: Any) -> None:
        """Read the brief and the timeline."""
        from .actions import Scope

        brief = scene_of(context).emsync_brief
        cues = list(session.host.notes())
        session.score(wishes_of(brief), Scope[brief.scope], cues[0] if cues else None)


class EMSYNC_OT_choose(_JobOperator, bpy.types.Operator):  # noqa: N801 - Blender's form
    """Lay another take of this score"""

    bl_idname = "emsync.choose_take"
    bl_label = "Use this take"

    cue: bpy.props.StringProperty()  # type: ignore[valid-type]
    take: bpy.props.IntProperty(min=1, default=1)  # type: ignore[valid-type]

    def begin(self, session: "Session", context: Any) -> None:
        """Render it unless that was done."""
        session.choose(self.cue, self.take)


class EMSYNC_OT_regenerate(_JobOperator, bpy.types.Operator):  # noqa: N801 - Blender's form
    """Write bars anew, those named or those inside the preview range; the others stay"""

    bl_idname = "emsync.regenerate"
    bl_label = "Regenerate range"

    cue: bpy.props.StringProperty()  # type: ignore[valid-type]
    seed: bpy.props.IntProperty(min=0, default=1)  # type: ignore[valid-type]
    first_bar: bpy.props.IntProperty(  # type: ignore[valid-type]
        min=0, description="0: the preview range says which"
    )
    last_bar: bpy.props.IntProperty(min=0)  # type: ignore[valid-type]

    def begin(self, session: "Session", context: Any) -> None:
        """With another seed."""
        bars = (self.first_bar, self.last_bar + 1) if self.first_bar else None
        session.regenerate(self.cue, self.seed, bars)


class EMSYNC_OT_renew(_JobOperator, bpy.types.Operator):  # noqa: N801 - Blender's form
    """After a re-edit: compose anew what the picture changed, and keep every other note"""

    bl_idname = "emsync.renew"
    bl_label = "Score again"

    def begin(self, session: "Session", context: Any) -> None:
        """By the brief, seed and takes that the scene keeps."""
        session.renew()


class EMSYNC_OT_fetch(_JobOperator, bpy.types.Operator):  # noqa: N801 - Blender's form
    """Lay the last score that was composed, but never laid"""

    bl_idname = "emsync.fetch"
    bl_label = "Fetch last score"

    def begin(self, session: "Session", context: Any) -> None:
        """From the project's folder."""
        session.resume()


class EMSYNC_OT_remove(bpy.types.Operator):  # noqa: N801 - Blender's form
    """Take the score's stems and markers out; the files stay"""

    bl_idname = "emsync.remove"
    bl_label = "Remove score"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender reads it from the class

    cue: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: Any) -> set[str]:
        """At once."""
        try:
            line = _session().remove(self.cue)
        except EmsyncError as err:
            self.report({"ERROR"}, err.sentence)
            return {"CANCELLED"}
        state.telling = Telling(0.0, line, is_over=True)
        self.report({"INFO"}, line)
        return {"FINISHED"}


class EMSYNC_OT_cancel(bpy.types.Operator):  # noqa: N801 - Blender's form
    """Stop the job; nothing is left behind"""

    bl_idname = "emsync.cancel"
    bl_label = "Cancel"

    def execute(self, context: Any) -> set[str]:
        """Ask it."""
        if state.session is not None:
            state.session.cancel()
        return {"FINISHED"}


class EMSYNC_OT_diagnose(bpy.types.Operator):  # noqa: N801 - Blender's form
    """Say what is wrong between Blender and emsync, and what to do"""

    bl_idname = "emsync.diagnose"
    bl_label = "Diagnose"

    _timer: Any = None
    _thread: Any = None

    def invoke(self, context: Any, event: Any) -> set[str]:
        """From the button: the server may take its time to start, and Blender does not wait."""
        if bpy.app.background:
            return self.execute(context)
        ask = _session().diagnose
        state.diagnosis = ("Asking the server …",)
        self._thread = Thread(target=lambda: state.learn(ask()), daemon=True)
        self._thread.start()
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Until the answer is there."""
        if event.type == "TIMER" and not self._thread.is_alive():
            context.window_manager.event_timer_remove(self._timer)
            _redraw(context)
            return {"FINISHED"}
        return {"PASS_THROUGH"}

    def execute(self, context: Any) -> set[str]:
        """From a script: ask and wait."""
        state.learn(_session().diagnose())
        for line in state.diagnosis:
            self.report({"INFO"}, line)
        return {"FINISHED"}


def _redraw(context: Any) -> None:
    """The panel shows how far it is."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


OPERATORS = (
    EMSYNC_OT_score,
    EMSYNC_OT_choose,
    EMSYNC_OT_regenerate,
    EMSYNC_OT_renew,
    EMSYNC_OT_fetch,
    EMSYNC_OT_remove,
    EMSYNC_OT_cancel,
    EMSYNC_OT_diagnose,
)
