"""Nodes come up in order, what is missing is told, and what was lost comes up again: on a clock of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.ros.bring_up import UP, Bond, BringUp, BringUpSettings, Transition
from autoglm_embodied.ros.diagnostics import Level

GOVERNOR, FUSION, VOICE = "governor_node", "fusion_node", "voice_node"
MS, S = 1_000_000, 1_000_000_000
STEP_NS = 100 * MS
WAY = {
    ("unconfigured", Transition.CONFIGURE): "inactive",
    ("inactive", Transition.ACTIVATE): "active",
    ("active", Transition.DEACTIVATE): "inactive",
    ("inactive", Transition.CLEANUP): "unconfigured",
}


@dataclass
class Process:
    """A lifecycle node."""

    state: str = "unconfigured"
    hangs: bool = False
    refuses: str = ""  # why it cannot be configured
    takes_ns: int = 0  # a transition


@dataclass
class World:
    """Nodes on a network, their manager, and a clock that moves by steps."""

    bring_up: BringUp = field(default_factory=lambda: BringUp(BringUpSettings()))
    now_ns: int = 1000 * S
    there: dict[str, Process] = field(default_factory=dict)
    known: dict[str, frozenset[object]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    answers: list[tuple[int, str, Process, Transition]] = field(default_factory=list)

    def start(self, *names: str, **how: Any) -> None:
        for name in names:
            self.there[name] = Process(**how)
            self.known[name] = self.known.get(name, frozenset()) | {object()}  # a killed one is known for a while

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * S / STEP_NS)):
            self.now_ns += STEP_NS
            self._look()

    def _look(self) -> None:
        for due_ns, name, process, transition in list(self.answers):
            if due_ns <= self.now_ns and self.there.get(name) is process and not process.hangs:
                self._answer(name, process, transition)
        self.answers = [answer for answer in self.answers if answer[0] > self.now_ns]
        for name, bond in self.bring_up.bonds.items():
            bond.seen(self.known.get(name, frozenset()), self.now_ns)
            process = self.there.get(name)
            if process is not None and not process.hangs:
                bond.told(process.state, self.now_ns)
        for name, transition in self.bring_up.asks(self.now_ns):
            self.asked.append((name, transition.value))
            self.asked_s.append(self.now_ns / S)
            process = self.there[name]
            self.answers.append((self.now_ns + process.takes_ns, name, process, transition))

    def _answer(self, name: str, process: Process, transition: Transition) -> None:
        state = WAY.get((process.state, transition))
        success = state is not None and not process.refuses
        if success:
            process.state = str(state)
        else:
            self.bring_up.bonds[name].said(process.refuses)
        self.bring_up.bonds[name].ended(success, self.now_ns)

    def item(self, name: str) -> Any:
        return next(item for item in self.bring_up.items(self.now_ns) if item.name == f"bond {name}")

    @property
    def ready(self) -> bool:
        return self.bring_up.ready(self.now_ns)


@pytest.fixture
def world() -> World:
    """Asked to bring up what is there."""
    world = World()
    world.bring_up.startup()
    return world


def up(*names: str) -> list[tuple[str, str]]:
    """What is asked of nodes that come up after each other."""
    return [(name, step) for name in names for step in ("configure", "activate")]


def test_nodes_come_up_one_after_the_other_and_then_it_is_ready(world: World) -> None:
    world.start(VOICE, FUSION, GOVERNOR)
    world.run(3.0)
    assert world.asked == up(GOVERNOR, FUSION, VOICE) and world.ready
    assert [item.level for item in world.bring_up.items(world.now_ns)] == [Level.OK] * 3
    assert world.item(FUSION).values == {"state": "active", "losses": 0}


def test_what_is_required_and_missing_is_told_and_holds_up_those_after_it(world: World) -> None:
    world.start(FUSION)
    world.run(60.0)
    assert world.asked == [] and not world.ready
    missing = world.item(GOVERNOR)
    assert missing.level == Level.ERROR and missing.message.startswith("governor_node is not on the network; start it")
    assert world.item(FUSION).level == Level.WARN and "not active yet" in world.item(FUSION).message
    world.start(GOVERNOR)
    world.run(3.0)
    assert world.asked == up(GOVERNOR, FUSION) and world.ready


def test_what_is_optional_is_not_waited_for_nor_missed_before_it_was_there(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    assert world.ready and world.item(VOICE).level == Level.OK
    world.start(VOICE, refuses="there is no microphone; plug one in")
    world.run(3.0)
    assert world.ready and world.item(VOICE).level == Level.WARN
    assert world.item(VOICE).message == "voice_node cannot configure: there is no microphone; plug one in"
    world.known[VOICE] = frozenset()
    world.run(1.0)
    assert world.ready and world.item(VOICE).message.startswith("voice_node is not on the network")


def test_one_that_cannot_is_asked_again_ever_later_and_says_why_in_between(world: World) -> None:
    world.start(GOVERNOR, refuses="the robot file\nis unfinished; fill it in")
    world.run(120.0)
    waits_s = [later - earlier for earlier, later in pairwise(world.asked_s)]
    assert waits_s == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.31)
    item = world.item(GOVERNOR)
    assert item.message == "governor_node cannot configure: the robot file is unfinished; fill it in"
    assert item.level == Level.ERROR and item.cure == "fill it in"
    world.there[GOVERNOR].refuses = ""
    world.run(31.0)
    assert world.there[GOVERNOR].state == "active" and world.item(GOVERNOR).level == Level.OK


def test_one_that_was_killed_is_told_and_the_next_of_its_name_comes_up_after_a_while(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    del world.there[GOVERNOR]
    world.run(3.9)
    assert world.ready, "an answer may be late"
    world.run(0.2)
    lost = world.item(GOVERNOR)
    assert not world.ready and lost.level == Level.ERROR and "does not answer" in lost.message
    assert lost.values == {"state": "unknown", "losses": 0}
    world.asked.clear()
    world.start(GOVERNOR)
    world.run(0.9)
    assert world.asked == [] and world.item(GOVERNOR).level == Level.WARN
    world.run(0.5)
    assert world.asked == up(GOVERNOR) and world.ready, "and of the fusion node, which lives, nothing is asked"
    assert world.item(GOVERNOR).values == {"state": "active", "losses": 1}


def test_one_that_is_back_before_it_was_missed_comes_up_too(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    world.start(GOVERNOR)
    world.run(0.1)
    assert not world.ready
    world.run(1.5)
    assert world.ready and world.item(GOVERNOR).values["losses"] == 1


def test_one_that_dies_again_and_again_waits_longer_until_it_lived_for_long(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    waits_s = []
    for lived_s in (0.5, 0.5, 0.5, 0.5, 31.0, 0.5):
        began_s = world.now_ns / S
        world.start(GOVERNOR)
        world.run(20.0)
        waits_s.append(world.asked_s[-1] - began_s)
        assert world.ready
        world.run(lived_s)
    assert waits_s == pytest.approx([1, 2, 4, 8, 16, 1], abs=0.31)


def test_one_that_hangs_is_told_and_nothing_is_asked_of_it_when_it_goes_on(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    world.asked.clear()
    world.there[FUSION].hangs = True
    world.run(10.0)
    assert not world.ready and "does not answer" in world.item(FUSION).message
    world.there[FUSION].hangs = False
    world.run(0.1)
    assert world.ready and world.asked == []


def test_one_that_leaves_the_network_and_is_the_same_when_it_is_back_is_as_before(world: World) -> None:
    world.start(GOVERNOR, FUSION)
    world.run(3.0)
    world.asked.clear()
    known, world.known[FUSION] = world.known[FUSION], frozenset()
    world.run(1.0)
    assert not world.ready and "not on the network" in world.item(FUSION).message
    world.known[FUSION] = known
    world.run(1.0)
    assert world.ready and world.asked == [] and world.item(FUSION).values["losses"] == 0


def test_one_that_somebody_took_down_is_left_to_them_until_startup_or_until_it_dies(world: World) -> None:
    for again in (world.bring_up.startup, lambda: world.start(GOVERNOR)):
        world.start(GOVERNOR, FUSION)
        world.run(40.0)
        world.asked.clear()
        for state in ("inactive", "unconfigured"):
            world.there[GOVERNOR].state = state
            world.run(10.0)
            assert world.item(GOVERNOR).message.startswith(f"governor_node was made {state} by somebody; call startup")
        assert world.asked == [] and not world.ready
        again()
        world.run(3.0)
        assert world.asked == up(GOVERNOR) and world.ready


def test_a_transition_that_takes_long_is_waited_for_and_one_that_does_not_end_is_given_up(world: World) -> None:
    world.start(GOVERNOR, takes_ns=60 * S)
    world.run(119.0)
    assert world.asked == up(GOVERNOR) and "is not active yet; wait" in world.item(GOVERNOR).message
    world.run(2.0)
    assert world.item(GOVERNOR).level == Level.OK
    world.start(FUSION, takes_ns=10**6 * S)
    world.run(120.5)
    assert world.item(FUSION).message.startswith("fusion_node cannot configure: it gave no answer for 120 s; see its")


def test_one_that_dies_in_a_transition_is_asked_anew(world: World) -> None:
    world.start(GOVERNOR, takes_ns=10**6 * S)
    world.run(10.0)
    world.start(GOVERNOR)
    world.run(2.0)
    assert world.there[GOVERNOR].state == "active"
    world.known[GOVERNOR] = frozenset()
    world.run(1.0)
    assert world.item(GOVERNOR).message.startswith("governor_node is not on the network")


@pytest.fixture
def bond() -> Bond:
    """With a governor that was configured and is asked to become active."""
    bond = Bond(GOVERNOR, BringUpSettings())
    bond.seen(frozenset({1}), S)
    bond.told("inactive", S)
    assert bond.step(UP, S) is Transition.ACTIVATE
    bond.ask(Transition.ACTIVATE, S)
    return bond


def test_one_that_fell_farther_than_it_was_is_asked_anew_and_not_taken_for_taken_down(bond: Bond) -> None:
    bond.said("the first error")
    bond.said("what came of it")
    bond.ended(False, 2 * S)
    bond.told("unconfigured", 2 * S)
    assert bond.fault(2 * S) == "governor_node cannot activate: the first error"
    assert (bond.step(UP, 2 * S), bond.step(UP, 4 * S)) == (None, Transition.CONFIGURE)


def test_a_state_of_before_the_transition_says_nothing(bond: Bond) -> None:
    bond.told("unconfigured", 2 * S)
    bond.ended(False, 3 * S)
    bond.told("inactive", 3 * S)
    assert bond.step(UP, 5 * S) is Transition.ACTIVATE


def test_one_that_left_the_network_in_a_transition_is_asked_again_when_it_is_back(bond: Bond) -> None:
    bond.seen(frozenset(), 2 * S)
    bond.seen(frozenset({1}), 3 * S)
    bond.told("inactive", 3 * S)
    assert bond.step(UP, 3 * S) is Transition.ACTIVATE


def test_reset_takes_all_down_in_the_reverse_order_and_they_stay_there_until_startup(world: World) -> None:
    world.start(GOVERNOR, FUSION, VOICE)
    world.run(3.0)
    world.asked.clear()
    world.bring_up.reset()
    world.run(60.0)
    down = [(name, step) for name in (VOICE, FUSION, GOVERNOR) for step in ("deactivate", "clean up")]
    assert world.asked == down and not world.ready
    assert world.item(GOVERNOR).message == "governor_node is not active yet; it was reset; call startup of the manager"
    world.start(FUSION)
    world.run(60.0)
    assert world.asked == down
    world.bring_up.startup()
    world.run(3.0)
    assert world.asked == down + up(GOVERNOR, FUSION, VOICE) and world.ready


def test_nothing_is_asked_before_startup_and_what_others_bring_up_is_ready() -> None:
    world = World()
    world.start(GOVERNOR, FUSION)
    world.run(10.0)
    assert world.asked == [] and "call startup of the manager" in world.item(GOVERNOR).message
    for process in world.there.values():
        process.state = "active"
    world.run(0.1)
    assert world.ready and world.asked == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"nodes": ("governor node",)},
            "bring_up.nodes must hold names of nodes, such as governor_node, got 'governor n",
        ),
        ({"nodes": ("a", "a"), "optional": ("",)}, "bring_up.nodes must hold each node once, got a, a"),
        ({"optional": ("ear",)}, "bring_up.optional must hold some of bring_up.nodes, got 'ear'; add it there"),
        ({"bond_timeout_s": 0.0}, "bring_up.bond_timeout_s must be from 1 to 600, got 0.0"),
        ({"least_wait_s": 5.0, "most_wait_s": 2.0}, "bring_up.most_wait_s must be at least least_wait_s, 5, got 2"),
    ],
)
def test_settings_that_cannot_be_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        BringUpSettings(**given)
