"""A graph of real nodes in simulation, into which faults are injected one by one while the arm moves; their figures."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.faults.fault import BESIDE, FAULTS, FUSION, GOVERNOR, VOICE, Fault, Harm, Policy
from autoglm_embodied.faults.trial import Result, Trial, add_figures, result
from autoglm_embodied.graph.domain import environment
from autoglm_embodied.graph.launch import GraphExit, RunningGraph, parameters, run_graph, start_node
from autoglm_embodied.graph.processes import Process
from autoglm_embodied.ingest.rgbd_frames import FROZEN_AFTER_NS
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.policy.command_repeater import LIMIT_NS
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.tools.faults.beside import BesideProcess
from autoglm_embodied.types import Intent

if TYPE_CHECKING:
    from autoglm_embodied.nodes.fault_observer import FaultObserver

RELAY, SIM = "fault_relay", "sim_node"
SWITCH_INTERVAL_S = 0.0005  # what comes is timed by a thread that must not wait 5 ms for its turn
SPEED_M_S = 0.1
READY_S, MOVING_S, SERVICE_S, RECOVERY_S, GRASPING_S = 90.0, 30.0, 30.0, 3.0, 8.0
STEADY_S, REST_S, QUIET_S, QUIET_LIMIT_S = 0.3, 0.15, 1.2, 8.0
ONSET_S, BESIDE_S = 2.0, 240.0
ATTEMPTS = 20
BUSY = "end other programs on this machine"
NOTHING_MISSING = "fusion: without language"  # which is there while a grasp runs
RELAYED = {"wrench": "wrench_topic", "joints": "joints_topic", "rgb": "rgb_topic", "depth": "depth_topic"}
"""Streams, and the simulator's parameters that name their topics."""
SIGNALS = {Harm.PAUSED: signal.SIGSTOP, Harm.KILLED: signal.SIGKILL, Harm.BEGINS: signal.SIGUSR1}


@contextmanager
def fault_bench(grasp: bool, seed: int, log_dir: Path, sound: bool = False) -> Iterator[FaultBench]:
    """A running graph for faults of grasps, or of steady motion; with a microphone of its own where `sound` is so.

    Raises:
        SetupError: a node died, or the arm does not begin to move.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    streams = ("rgb", "depth") if grasp else ("wrench", "joints")
    topics = {RELAYED[name]: f"simulated/{SENSOR_STREAMS[name].topic}" for name in streams}
    limits = {f"limits.{name}_timeout_ns": getattr(Limits(), f"{name}_timeout_ns") for name in ("policy", "wrench")}
    nodes = {SIM: parameters(seed=seed, **topics), GOVERNOR: parameters(**limits)}  # as shipped, for a robot
    fusion = parameters(command_limit_ns=LIMIT_NS, **{"camera.frozen_after_ns": FROZEN_AFTER_NS})
    nodes |= {FUSION: fusion} if grasp else {}
    with run_graph(nodes, log_dir, sound=sound, ended=GraphExit(), record_sensors=False, real_time=True) as graph:
        from autoglm_embodied.nodes.fault_observer import FaultObserver
        from autoglm_embodied.ros.ticker import MEASURING_PRIORITY, real_time_threads

        camera = environment(graph.domain, os.environ, sends_frames=True)
        graph.processes.start(RELAY, f"autoglm_embodied.nodes.{RELAY}", *streams, environment=camera)
        robot, joints = Robot.from_file(shipped("panda.yaml")), SENSOR_STREAMS["joints"].topic
        topic = joints if grasp else f"simulated/{joints}"
        with real_time_threads(MEASURING_PRIORITY):
            observer = FaultObserver(graph.domain, robot, topic, steady=not grasp)
        with observer:
            yield FaultBench(graph, observer, grasp)


class FaultBench:
    """Makes trials on a running graph."""

    def __init__(self, graph: RunningGraph, observer: FaultObserver, grasp: bool) -> None:
        self.graph, self.observer, self._grasp = graph, observer, grasp
        self._beside: BesideProcess | None = None  # of the running trial

    def trial(self, fault: Fault) -> Trial:
        """Inject a fault while the arm moves, and clear it."""
        self._wait_until_quiet(fault)
        self._begin_beside(fault)
        self.begin_to_move()
        onset_ns = self._inject(fault)
        self.let_pass(fault.lasts_s, checked=False)
        if fault.harm is Harm.BEGINS and self._beside is not None:
            self.wait(self._beside.is_done, BESIDE_S, f"{fault.process} is not done")
        crashed = self._crashed(fault)
        clear_ns = time.monotonic_ns()
        for name in (*crashed, *([fault.process] if fault.needs_restart else [])):
            self._restart(name)
        self._clear(fault)
        self._recover(fault, clear_ns)
        return Trial(fault, onset_ns, clear_ns, time.monotonic_ns(), crashed)

    def realtime_factors(self) -> list[float]:
        """Of the simulator, once a second since the start."""
        statuses = [status for status in self.graph.observer.recording.statuses if status.node == SIM]
        return [float(status.values["realtime_factor"]) for status in statuses]

    def _wait_until_quiet(self, fault: Fault) -> None:
        """Until nothing tells of the fault any more, as diagnostics do for a while."""

        def quiet() -> bool:
            since_ns = time.monotonic_ns() - round(QUIET_S * 1e9)
            return not any(t_ns > since_ns and fault.tells(text) for t_ns, text in list(self.observer.received.told))

        self.observer.wait_for(quiet, QUIET_LIMIT_S, self.graph.processes.check)

    def _begin_beside(self, fault: Fault) -> None:
        """Start what is there for this fault alone, and wait until it is at work."""
        if fault.process in BESIDE:
            self._beside = BesideProcess(self.graph, fault.process, self.observer.tell)
            self.wait(self._beside.is_ready, BESIDE_S, f"{fault.process} is not at work")
        if fault.policy is Policy.STOPPED_BY_SERVICE:
            self.wait(self.observer.can_call_stop, READY_S, "the service stop is not there")

    def begin_to_move(self) -> None:
        """Until the arm moves and nothing holds it up, as a busy machine may."""
        for _ in range(ATTEMPTS):
            moves = self._begin_grasp() if self._grasp else self._move_steadily()
            self.observer.forget()
            if moves:
                return
        raise SetupError(f"the arm is held up again and again; {BUSY}")

    def _move_steadily(self) -> bool:
        observer = self.observer
        observer.say(Intent.RESUME.value)
        self.wait(lambda: bool(observer.received.tool), READY_S, "no joint states come")
        observer.twist = np.zeros(6)
        self.let_pass(2 * REST_S)
        away = 1.0 if observer.received.tool[-1][1][1] < 0.0 else -1.0
        observer.twist = np.array([0.0, away * SPEED_M_S, 0.0, 0.0, 0.0, 0.0])
        self.wait(lambda: self._speed_m_s() > 0.99 * SPEED_M_S, MOVING_S, "the arm does not move")
        self.let_pass(STEADY_S)
        return self._speed_m_s() > 0.99 * SPEED_M_S

    def _begin_grasp(self) -> bool:
        observer, graph = self.observer, self.graph.observer
        observer.say(Intent.CANCEL.value)
        self.wait(self._can_grasp, READY_S, "fusion_node is not ready")
        scene = json.loads(graph.call("sim/reset", SERVICE_S, self.graph.processes.check))
        observer.say(Intent.GRASP.value, scene["instruction"])
        moves = partial(observer.wait_for, lambda: self._speed_m_s() > SPEED_M_S / 2, GRASPING_S)
        return moves(self.graph.processes.check)

    def _can_grasp(self) -> bool:
        """Whether the last that fusion_node told is that nothing is missing, and that it is governed."""
        status = self.graph.observer.recording.latest_status().get(FUSION)
        told = [text for _, text in list(self.observer.received.told) if text.startswith("fusion:")]
        seen = bool(told) and told[-1] == NOTHING_MISSING
        return seen and status is not None and status.values.get("governed") == "1"

    def _inject(self, fault: Fault) -> int:
        """Begin the fault; returns when it did."""
        now_ns = time.monotonic_ns()
        if fault.streams:
            self.observer.order(fault.name)
            self.wait(lambda: self.observer.onset_ns > now_ns, ONSET_S, "the relay does not answer")
            return self.observer.onset_ns
        if fault.process:
            self._harm(fault)
        if fault.policy is Policy.STOPPED:
            self.observer.say(Intent.STOP.value)
        elif fault.policy is Policy.STOPPED_BY_SERVICE:
            now_ns = time.monotonic_ns()
            self.observer.call_stop()
        self.observer.policy = fault.policy
        return now_ns

    def _harm(self, fault: Fault) -> None:
        popen = self._process(fault.process).popen
        if fault.harm is Harm.FULL_DISK:
            assert self._beside is not None
            self._beside.fill_disk()
        else:
            os.kill(popen.pid, SIGNALS[fault.harm])
        if fault.harm is Harm.KILLED:
            popen.wait()

    def _restart(self, name: str) -> None:
        """Start a node again, as it is shipped."""
        processes = self.graph.processes
        processes.running.remove(self._process(name))
        start_node(processes, name, self.graph.domain, real_time=True)

    def _clear(self, fault: Fault) -> None:
        observer = self.observer
        observer.policy = None
        if fault.streams:
            observer.order("")
        elif self._beside is not None:
            self._beside.end()
            self._beside = None
        elif fault.process and not fault.ends_process:
            os.kill(self._process(fault.process).popen.pid, signal.SIGCONT)
        if fault.policy in (Policy.STOPPED, Policy.STOPPED_BY_SERVICE):
            observer.say(Intent.RESUME.value)

    def _recover(self, fault: Fault, clear_ns: int) -> None:
        """Wait until the arm moves again; a steady policy rests for a moment first, as after every stop."""
        observer, twist = self.observer, self.observer.twist
        if fault.needs_restart and self._grasp:
            return
        if not self._grasp and fault.safe_ms is not None:
            observer.twist = np.zeros(6)
            self._rest_governed(clear_ns)
            observer.twist = twist
        goes_on = 0.0 if self._grasp else 0.99 * SPEED_M_S  # a policy that grasps commands zero only to hold

        def moves() -> bool:
            since = [twist for t_ns, twist in list(observer.received.twists) if t_ns > clear_ns]
            return bool(since) and float(np.linalg.norm(since[-1][:3])) > goes_on

        observer.wait_for(moves, READY_S if fault.needs_restart else RECOVERY_S, self.graph.processes.check)

    def _rest_governed(self, since_ns: int) -> None:
        """Rest until a governor that runs has seen it."""
        twists = self.observer.received.twists
        self.observer.wait_for(lambda: twists[-1][0] > since_ns, READY_S, self.graph.processes.check)
        self.let_pass(REST_S)

    def _crashed(self, fault: Fault) -> tuple[str, ...]:
        """Nodes that ended though nobody killed them; without simulator and relay nothing can go on."""
        killed = (SIM, RELAY, fault.process if fault.ends_process else "")
        ended = [process.name for process in self.graph.processes.running if process.popen.poll() is not None]
        return tuple(name for name in ended if name not in killed)

    def _process(self, name: str) -> Process:
        return next(process for process in self.graph.processes.running if process.name == name)

    def _speed_m_s(self) -> float:
        """Of the last command to the robot."""
        twists = self.observer.received.twists
        return float(np.linalg.norm(twists[-1][1][:3])) if twists else 0.0

    def let_pass(self, seconds: float, checked: bool = True) -> None:
        """Wait so long, meanwhile raising SetupError where a node died, unless `checked` is not so."""

        def meanwhile() -> None:
            if self._beside is not None:
                self._beside.read_log()
            if checked:
                self.graph.processes.check()

        self.observer.wait_for(lambda: False, seconds, meanwhile)

    def wait(self, condition: Callable[[], bool], limit_s: float, late: str) -> None:
        """Wait until a condition holds; SetupError with `late` if it does not within so long."""
        if not self.observer.wait_for(condition, limit_s, self.graph.processes.check):
            logs = f"see the logs in {self.graph.processes.log_dir}"
            raise SetupError(f"no fault can be injected, {late} within {limit_s:.0f} s; {logs}")


def sorted_by_graph(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Those of steady motion, then those of grasps, each of which needs a graph."""
    parts = ([fault for fault in faults if fault.grasp is grasp] for grasp in (False, True))
    return [part for part in parts if part]


COMMAND = "autoglm faults"
OVER_LIMIT = "wrench_over_limit"


def chosen(only: Sequence[str]) -> list[Fault]:
    """The faults of these names, all if there are none; ConfigError for a name that none has."""
    names = [fault.name for fault in FAULTS]
    wrong = [name for name in only if name not in names]
    if wrong:
        raise ConfigError(f"there is no fault {wrong[0]!r}; --only takes {', '.join(names)}")
    return [fault for fault in FAULTS if not only or fault.name in only]


def measure(
    faults: Sequence[Fault],
    n: int,
    seed: int,
    log_dir: Path,
    say: Callable[[str], None],
    keep: Callable[[Report], None],
) -> Report:
    """The figures of `n` trials of each fault.

    Args:
        faults: to inject.
        n: trials of each.
        seed: of the simulator's scenes.
        log_dir: for what the nodes print.
        say: called with each result.
        keep: called with the figures so far after each fault, for a later one may end all.

    Raises:
        SetupError: a node died, or the arm does not move.
    """
    report, factors = Report(COMMAND, seed, time.time_ns()), list[float]()
    report.details["load_at_start"] = os.getloadavg()[0]
    for part in sorted_by_graph(faults):
        grasp = part[0].grasp
        sound = any(fault.process == VOICE for fault in part)
        with fault_bench(grasp, seed, log_dir / ("grasp" if grasp else "steady"), sound) as bench:
            for fault in part:
                add_figures(report, fault, _trials(bench, fault, n, say))
                _add_conditions(report, [*factors, *bench.realtime_factors()])
                keep(report)
            factors += bench.realtime_factors()
    for stat in ("p50", "p99"):
        reaction_ms = report.value("fault.safe_ms", case=OVER_LIMIT, stat=stat)
        if reaction_ms is not None:
            report.add("reaction.force_to_command_ms", reaction_ms, "ms", n, stat=stat)
    return report


def _add_conditions(report: Report, realtime_factors: Sequence[float]) -> None:
    report.details["realtime_factor"] = round(median(realtime_factors), 3) if realtime_factors else None
    report.details["load_at_end"] = os.getloadavg()[0]


def _trials(bench: FaultBench, fault: Fault, n: int, say: Callable[[str], None]) -> list[Result]:
    results = []
    for number in range(n):
        trial = bench.trial(fault)
        results.append(result(trial, bench.observer.received))
        say(f"{fault.name} {number + 1}/{n}: {_line(fault, results[-1])}")
    return results


def _line(fault: Fault, one: Result) -> str:
    parts = [f"told {_ms(one.detect_ms)}"] if fault.told else []
    if fault.safe_ms is None:
        parts.append("undisturbed" if one.undisturbed else "DISTURBED")
    else:
        parts.append(f"stands {_ms(one.safe_ms)}, {one.motion_mm:.1f} mm")
    parts.append(f"moves again {_ms(one.recovery_ms)}")
    bad = {"uncommanded motion": one.uncommanded, "NaN": one.nan, "a node crashed": one.crashed}
    return ", ".join([*parts, *(name.upper() for name, so in bad.items() if so)])


def _ms(time_ms: float | None) -> str:
    return "never" if time_ms is None else f"after {time_ms:.0f} ms"
