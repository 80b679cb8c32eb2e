"""Which lifecycle node is to be asked for which transition next, and what is wrong with each; times are an argument.

Nodes come up one after the other. One that is lost and comes back is brought up again, ever later if that happens
often; one that somebody else took down is left to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.growing_wait import GrowingWait
from autoglm_embodied.ros.diagnostics import Item, Level, trouble_if
from autoglm_embodied.ros.managed_node import ACTIVE, INACTIVE, UNCONFIGURED
from autoglm_embodied.setting import check_ranges, setting

NODE_NAME = re.compile(r"(/?[A-Za-z_]\w*)(/[A-Za-z_]\w*)*", re.ASCII)
FINALIZED = "finalized"
HEIGHT = {FINALIZED: 0, UNCONFIGURED: 1, INACTIVE: 2, ACTIVE: 3}
NS_PER_S = 1e9


class Transition(Enum):
    """What a node is asked for, and the state that it then has."""

    CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP = "configure", "activate", "deactivate", "clean up"

    @property
    def reached(self) -> str:
        """The state after it."""
        return REACHED[self]


REACHED = {
    Transition.CONFIGURE: INACTIVE,
    Transition.ACTIVATE: ACTIVE,
    Transition.DEACTIVATE: INACTIVE,
    Transition.CLEANUP: UNCONFIGURED,
}
UP = {UNCONFIGURED: Transition.CONFIGURE, INACTIVE: Transition.ACTIVATE}
DOWN = {ACTIVE: Transition.DEACTIVATE, INACTIVE: Transition.CLEANUP}


@dataclass(frozen=True)
class BringUpSettings:
    """Which nodes there are, and how long each may take."""

    nodes: tuple[str, ...] = setting(
        ("governor_node", "fusion_node", "voice_node"), "lifecycle nodes, in the order in which they come up"
    )
    optional: tuple[str, ...] = setting(("voice_node",), "those of them without which the robot is ready; '': none")
    bond_timeout_s: float = setting(4.0, "time without an answer after which a node is lost", least=1.0, most=600.0)
    transition_timeout_s: float = setting(120.0, "longest time of a transition", least=1.0, most=3600.0)
    least_wait_s: float = setting(1.0, "before a node that was lost or failed is asked again", least=0.1, most=60.0)
    most_wait_s: float = setting(30.0, "likewise, doubled with each loss or failure up to this", least=0.1, most=3600.0)

    def __post_init__(self) -> None:
        check_ranges(self, "bring_up")
        if self.most_wait_s < self.least_wait_s:
            least, most = self.least_wait_s, self.most_wait_s
            raise ConfigError(f"bring_up.most_wait_s must be at least least_wait_s, {least:g}, got {most:g}")
        for name in self.nodes:
            if NODE_NAME.fullmatch(name) is None:
                raise ConfigError(f"bring_up.nodes must hold names of nodes, such as governor_node, got {name!r}")
        if len(set(self.nodes)) < len(self.nodes):
            raise ConfigError(f"bring_up.nodes must hold each node once, got {', '.join(self.nodes)}")
        unknown = sorted(set(self.optional) - {*self.nodes, ""})
        if unknown:
            raise ConfigError(f"bring_up.optional must hold some of bring_up.nodes, got {unknown[0]!r}; add it there")


class Bond:
    """What is known of one node. Times are on the monotonic clock [ns]."""

    def __init__(self, name: str, settings: BringUpSettings) -> None:
        self.name, self.required = name, name not in settings.optional
        self.state = ""  # that it told last; empty: not since it appeared
        self.losses = 0
        self._settings = settings
        self._known: frozenset[object] = frozenset()  # processes of its name that there were
        self._present = False
        self._heard_ns = 0  # when it last answered, appeared or was asked for a transition
        self._asked: tuple[Transition, int] | None = None
        self._failed: Transition | None = None
        self._reason = ""  # its first error since it was asked
        self._wait = GrowingWait(settings.least_wait_s, settings.most_wait_s)  # after losses and failures
        self._active_ns = 0
        self._taken_down = False  # by others

    @property
    def expected(self) -> bool:
        """Whether it is missed where it is not there: an optional one is only after it was there once."""
        return self.required or bool(self._known)

    @property
    def pending(self) -> bool:
        """Whether it was asked for a transition that has not ended."""
        return self._asked is not None

    def alive(self, now_ns: int) -> bool:
        """Whether it is on the network and answers."""
        silent_s = (now_ns - self._heard_ns) / NS_PER_S
        return self._present and (self.pending or silent_s < self._settings.bond_timeout_s)

    def up(self, now_ns: int) -> bool:
        """Whether it is active, as far as can be known."""
        return self.state == ACTIVE and not self.pending and self.alive(now_ns)

    def seen(self, processes: frozenset[object], now_ns: int) -> None:
        """Take which processes of its name are on the network; one that was killed is there for a while longer."""
        self._present = bool(processes)
        if not self._present:
            self._asked = None
        if processes <= self._known:
            return
        if self._known:
            self.losses += 1
            self._wait.failed(now_ns)
        self._known |= processes
        self._heard_ns, self.state, self._asked, self._failed, self._taken_down = now_ns, "", None, None, False

    def told(self, state: str, now_ns: int) -> None:
        """Take the state that it told."""
        if self.pending or state not in HEIGHT:
            return
        self._heard_ns = now_ns
        # Nothing was asked of this process, and it is no other: somebody wants it so.
        self._taken_down = HEIGHT[state] < HEIGHT.get(self.state, 0) or (self._taken_down and state != ACTIVE)
        self._note(state, now_ns)

    def said(self, error: str) -> None:
        """Take an error that it logged: the first after it was asked is why it could not."""
        self._reason = self._reason or " ".join(error.split())

    def ask(self, transition: Transition, now_ns: int) -> None:
        """Note that it is asked for a transition."""
        self._asked, self._reason, self._heard_ns, self._failed = (transition, now_ns), "", now_ns, None

    def ended(self, success: bool, now_ns: int) -> None:
        """Take whether the transition happened."""
        if self._asked is None:
            return
        transition, _ = self._asked
        self._asked, self._heard_ns = None, now_ns
        if success:
            self._note(transition.reached, now_ns)
        else:
            self._failed, self.state = transition, ""  # it may be in any
            self._wait.failed(now_ns)

    def expire(self, now_ns: int) -> None:
        """Give up a transition that takes too long."""
        limit_s = self._settings.transition_timeout_s
        if self._asked is not None and (now_ns - self._asked[1]) / NS_PER_S > limit_s:
            self.said(f"it gave no answer for {limit_s:g} s; see its log")
            self.ended(False, now_ns)

    def again(self) -> None:
        """Forget what keeps it from being asked at once."""
        self._taken_down = False
        self._wait.reset()

    def step(self, steps: dict[str, Transition], now_ns: int) -> Transition | None:
        """The next of these steps, if it can be asked for it now."""
        waits = self.pending or self._taken_down or not self.alive(now_ns) or not self._wait.over(now_ns)
        return None if waits else steps.get(self.state)

    def fault(self, now_ns: int) -> str:
        """Why it does not come up by itself, one sentence; empty if it is up, or comes up in its turn."""
        if self.up(now_ns) or not self.expected:
            return ""
        if not self._present:
            return f"{self.name} is not on the network; start it, and see its log if it ended"
        if not self.alive(now_ns):
            return f"{self.name} does not answer: it hangs or was killed; see its log and restart it"
        if self._failed is not None:
            return f"{self.name} cannot {self._failed.value}: {self._reason or 'it does not say why; see its log'}"
        if self.state == FINALIZED:
            return f"{self.name} was shut down; restart it"
        if self._taken_down:
            return f"{self.name} was made {self.state} by somebody; call startup of the manager"
        return ""

    def _note(self, state: str, now_ns: int) -> None:
        if state == ACTIVE:
            if self.state != ACTIVE:
                self._active_ns = now_ns
            self._failed = None
            self._wait.works(self._active_ns, now_ns)
        self.state = state


class BringUp:
    """Bonds with all nodes. `startup` brings them up in order, `reset` down in the reverse one."""

    def __init__(self, settings: BringUpSettings) -> None:
        self.bonds = {name: Bond(name, settings) for name in settings.nodes}
        self._steps: dict[str, Transition] = {}
        self._idle = "call startup of the manager"

    def startup(self) -> None:
        """Bring the nodes up from now on, and up again if they are lost and come back."""
        self._go(UP, "")

    def reset(self) -> None:
        """Bring the nodes down, to where nothing of them is configured; they stay there until `startup`."""
        self._go(DOWN, "it was reset; call startup of the manager")

    def _go(self, steps: dict[str, Transition], idle: str) -> None:
        self._steps, self._idle = steps, idle
        for bond in self.bonds.values():
            bond.again()

    def asks(self, now_ns: int) -> Iterator[tuple[str, Transition]]:
        """The nodes to be asked now, and for what."""
        for bond in self.bonds.values():
            bond.expire(now_ns)
        down = self._steps is DOWN
        for bond in reversed(self.bonds.values()) if down else self.bonds.values():
            transition = bond.step(self._steps, now_ns)
            if transition is not None:
                bond.ask(transition, now_ns)
                yield bond.name, transition
            if bond.pending if down else bond.required and not bond.up(now_ns):
                return  # its turn is not over

    def ready(self, now_ns: int) -> bool:
        """Whether every node that is required is active."""
        return all(bond.up(now_ns) for bond in self.bonds.values() if bond.required)

    def items(self, now_ns: int) -> list[Item]:
        """For the diagnostics: one a node."""
        return [self._item(bond, now_ns) for bond in self.bonds.values()]

    def _item(self, bond: Bond, now_ns: int) -> Item:
        state = bond.state if bond.alive(now_ns) and bond.state else "unknown"
        fault = bond.fault(now_ns)
        level = Level.ERROR if fault and bond.required else Level.WARN
        comes = f"{bond.name} is not active yet; {self._idle or 'wait'}"
        well = not bond.expected or bond.up(now_ns)
        troubles = trouble_if(not well, level, fault or comes)
        return Item(f"bond {bond.name.strip('/')}", {"state": state, "losses": bond.losses}, troubles)
