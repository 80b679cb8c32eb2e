"""The timeline of a demo: its moments with their time since the start, printed as they are observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from autoglm_embodied.graph_recording import FusionTick, GraphRecording, Sample
from autoglm_embodied.policy.goal import REFUSAL_WORDS

STYLES = {"held": "bold green", "judged": "bold green", "refused": "bold yellow", "not held": "bold yellow"}


@dataclass(frozen=True)
class Moment:
    """Something that happened: its name, when [ns], and what it was."""

    name: str
    t_ns: int
    text: str


class Timeline:
    """Notes and prints each moment once.

    Args:
        clock_ns: now in ROS time.
        console: where the moments are printed.
    """

    def __init__(self, clock_ns: Callable[[], int], console: Console) -> None:
        self._clock_ns, self._console, self.start_ns = clock_ns, console, clock_ns()
        self.moments: list[Moment] = []

    def mark(self, name: str, text: str, t_ns: int | None = None) -> None:
        """Note what happens now, or happened at `t_ns`; only the first of a name counts."""
        if self.at_s(name) is not None:
            return
        moment = Moment(name, self._clock_ns() if t_ns is None else t_ns, text)
        self.moments.append(moment)
        line = Text(f"{self.since_start_s(moment.t_ns):7.2f} s  ", style="dim")
        line.append(f"{name:<15}", style=STYLES.get(name, "bold cyan")).append(text, style="not dim")
        self._console.print(line, soft_wrap=True)

    def since_start_s(self, t_ns: int) -> float:
        """Seconds from the start to `t_ns`."""
        return (t_ns - self.start_ns) / 1e9

    def at_s(self, name: str) -> float | None:
        """Seconds from the start to the moment `name`; None if it has not come."""
        return next((self.since_start_s(moment.t_ns) for moment in self.moments if moment.name == name), None)


STILL_M = 0.0005  # fingers that moved less in STILL_NS stand still
STILL_NS = 60_000_000
CLOSED_BY_M = 0.003  # fingers stopped by an object have closed at least so far
EMPTY_M = 0.006  # fingers that met each other hold nothing


class Narrator:
    """Marks each moment on the timeline as soon as it shows."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._closing_from: Sample | None = None
        self._ticks_read = 0
        self.end: FusionTick | None = None

    def follow(self, recording: GraphRecording) -> bool:
        """Read what is new; whether the grasp has an outcome."""
        for heard in recording.commands[:1]:
            self._timeline.mark("heard", f"“{heard.text}”", heard.recognised_ns)
        ticks, self._ticks_read = recording.ticks[self._ticks_read :], len(recording.ticks)
        for tick in ticks:
            if self.end is None:
                self._follow_tick(tick, recording.joints)
        return self.end is not None

    def _follow_tick(self, tick: FusionTick, joints: list[Sample]) -> None:
        if tick.outcome:
            self.end = tick
            name = "refused" if tick.outcome in REFUSAL_WORDS else tick.outcome.replace("_", " ")
            self._timeline.mark(name, tick.message, tick.stamp_ns)
        elif tick.instruction:
            self._timeline.mark("understood", tick.instruction, tick.stamp_ns)
            if tick.phase != "idle":
                x, y, z = tick.target_m
                self._timeline.mark("seen", f"at x {x:.2f}, y {y:+.2f}, z {z:.2f} m", tick.stamp_ns)
            if tick.phase in ("close", "lift") and joints:
                self._look_for_contact(joints)

    def _look_for_contact(self, joints: list[Sample]) -> None:
        self._closing_from = self._closing_from or joints[-1]
        stopped = fingers_stopped(joints, self._closing_from)
        if stopped is not None:
            self._timeline.mark("contact", f"fingers stopped {1e3 * stopped[1][-1]:.0f} mm apart", stopped[0])


def fingers_stopped(joints: list[Sample], start: Sample) -> Sample | None:
    """The newest sample if fingers that closed since `start` now stand still with something between them."""
    stamp_ns, now = joints[-1]
    before = next((sample for sample in reversed(joints) if sample[0] <= stamp_ns - STILL_NS), start)
    still = before[0] > start[0] and abs(now[-1] - before[1][-1]) < STILL_M
    return joints[-1] if still and EMPTY_M < now[-1] < start[1][-1] - CLOSED_BY_M else None
