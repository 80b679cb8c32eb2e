"""Random chunks of twists through the governor and a simulated arm: what it lets through, and what it refuses.

A chunk begins at rest or in motion, anywhere in the range of the joints. It is carried out twice with the same physics:
governed as shipped but for a workspace as large as the arm, and without the limits of the arm. MuJoCo judges both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.kinematics import Robot, forward_kinematics, joint_frames, tool_jacobian
from autoglm_embodied.metrics import Report
from autoglm_embodied.safety.arm_limits import ArmLimits
from autoglm_embodied.safety.governor import Governor, GovernorLoop
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.arm_rig import ArmRig
from autoglm_embodied_sim.robots.motion_oracle import MotionOracle, Nearest

LIMITS = Limits(workspace_lower_m=(-2.0,) * 3, workspace_upper_m=(2.0,) * 3, bias_samples=1)
TICK_STEPS = 10  # of 1 ms: the governor's 100 Hz
LOOK_STEPS = 5  # between two looks of the oracle
MS = 1_000_000
LEAD_IN_TICKS, CHUNK_TICKS, REST_TICKS, TWIST_TICKS = 20, 40, 10, 5
STARTING_TICKS = 5  # in which the arm may still be slow for its acceleration's sake
STANDS = 0.05  # of the commanded speed: slower is standing
KINDS = ("walk", "table", "joint", "itself")
LOW_M, NEAR_M, NEAR_RAD = 0.2, 0.12, 0.25  # how near to what they push at chunks of these kinds begin
BEGINS = (0.001, 0.001, 0.002)  # least distances [m, m, rad]: the physics' own errors must not decide
PROBE_RAD = 1e-4
BELOW_M = -10.0  # a table that nothing reaches
WIDENED_RAD = 0.3  # of the simulated joints, which do not hold the arm where the governor should
FAR = Nearest(np.inf, np.inf, np.inf)
SAID_CHUNKS = 100
ARM = {Reason.COLLISION, Reason.JOINT_LIMIT, Reason.JOINT_SPEED, Reason.SINGULARITY}


class Unlimited(ArmLimits):
    """Lets everything through."""

    def bound(self, twist: FloatArray, joint_rad: FloatArray, limits: Limits) -> tuple[FloatArray, list[Reason]]:
        """The twist as it is."""
        return twist, []


@dataclass(frozen=True)
class Chunk:
    """One chunk, and how it begins."""

    kind: str
    start_rad: FloatArray  # (J,)
    lead_in: FloatArray  # (6,) twist with which the arm comes, governed; zero: it begins at rest [m/s, rad/s]
    twists: FloatArray  # (CHUNK_TICKS, 6) base frame [m/s, rad/s]


@dataclass
class Driven:
    """What came of a chunk that was carried out."""

    violation: str = ""  # the first
    nearest: Nearest = FAR  # smallest distances of each kind
    condition: float = 1.0  # largest number of the Jacobian
    reasons: set[Reason] = field(default_factory=set)  # of the arm, in the chunk
    stood_for: set[Reason] = field(default_factory=set)  # of the arm, where it stood on their account


@dataclass(frozen=True)
class Trial:
    """A chunk that was carried out with the limits of the arm, and without."""

    kind: str
    governed: Driven
    free: Driven

    @property
    def let_through(self) -> bool:
        """Whether something was violated although it was governed."""
        return bool(self.governed.violation)

    @property
    def harmless(self) -> bool:
        """Whether nothing would have been violated without the limits of the arm."""
        return not self.free.violation

    @property
    def safe(self) -> bool:
        """Whether, moreover, all distances would have been kept, far from every singularity."""
        margins = LIMITS.clearance_m, LIMITS.clearance_m, LIMITS.joint_margin_rad
        regular = self.free.condition < LIMITS.singularity_stop
        return self.harmless and regular and self.free.nearest.keeps(*margins)

    @property
    def refused(self) -> bool:
        """Whether the arm was made to stand, be it for a moment, on account of its limits."""
        return bool(self.governed.stood_for)


def measure(report: Report, robot: Robot, chunks: int, say: Callable[[str], None]) -> None:
    """Add the figures of `autoglm bench limits`.

    Args:
        report: whose seed draws the chunks; the same number of a longer run is the same chunk.
        robot: the arm.
        chunks: how many, of all kinds in turn, one half from rest and the other in motion.
        say: called with each violation, and with how far the run is.
    """
    bench, trials = ChunkBench(robot), list[Trial]()
    for number in range(chunks):
        trials.append(bench.trial(report.seed or 0, number))
        governed = trials[-1].governed
        if governed.violation:
            say(f"chunk {number} ({trials[-1].kind}): {governed.violation} let through, {governed.nearest}")
        if (number + 1) % SAID_CHUNKS == 0:
            say(f"{number + 1} of {chunks} chunks, {sum(trial.let_through for trial in trials)} let through")
    bench.close()
    add_figures(report, robot.name, trials)


def add_figures(report: Report, name: str, trials: Sequence[Trial]) -> None:
    """The figures of all trials of a robot, and of each kind of chunk."""
    for case, kinds in ((name, KINDS), *((f"{name}/{kind}", (kind,)) for kind in KINDS)):
        of = [trial for trial in trials if trial.kind in kinds]
        if not of:
            report.skip("limits.let_through", f"no chunk of {case} was drawn")
            continue
        for stat, count in (
            ("governed", sum(trial.let_through for trial in of)),
            ("without", sum(not trial.harmless for trial in of)),
        ):
            report.add("limits.let_through", count, "chunks", len(of), case=case, stat=stat)
        for stat, those in (
            ("safe", [trial for trial in of if trial.safe]),
            ("harmless", [trial for trial in of if trial.harmless]),
        ):
            count = sum(trial.refused for trial in those)
            report.add_fraction("limits.refused", count, len(those), case=case, stat=stat)
    violations = Counter(trial.governed.violation for trial in trials if trial.let_through)
    reasons = Counter(reason.value for trial in trials if trial.safe for reason in trial.governed.stood_for)
    report.details |= {"violations": dict(violations), "safe_refused_for": dict(reasons)}


class ChunkBench:
    """One simulated arm, its governor and its oracle.

    Args:
        robot: the arm.
    """

    def __init__(self, robot: Robot) -> None:
        self.robot, self.limits = robot, ArmLimits(robot)
        wide = replace(
            robot,
            joint_lower_rad=tuple(np.subtract(robot.joint_lower_rad, WIDENED_RAD).tolist()),
            joint_upper_rad=tuple(np.add(robot.joint_upper_rad, WIDENED_RAD).tolist()),
        )
        self._rig = ArmRig(0, robot=wide)
        self.oracle = MotionOracle(self._rig.model, robot)
        self._unlimited = Unlimited(robot)

    def draw(self, kind: str, moving: bool, random: np.random.Generator) -> Chunk:
        """A chunk of a kind that begins where nothing is touched."""
        while True:
            start_rad = random.uniform(self.robot.joint_lower_rad, self.robot.joint_upper_rad)
            twists = self._twists(kind, start_rad, random)
            if twists is not None and self.oracle.nearest(start_rad).keeps(*BEGINS):
                return Chunk(kind, start_rad, _any_twist(random) if moving else np.zeros(6), twists)

    def trial(self, seed: int, number: int) -> Trial:
        """Draw a chunk by its seed and number, and carry it out both ways."""
        kind, moving = KINDS[number % len(KINDS)], number // len(KINDS) % 2 == 1
        chunk = self.draw(kind, moving, np.random.default_rng((seed, number)))
        governed = self.drive(chunk, governed=True)
        untouched = not (governed.reasons or governed.violation)
        return Trial(kind, governed, governed if untouched else self.drive(chunk, governed=False))

    def drive(self, chunk: Chunk, governed: bool) -> Driven:
        """Carry out a chunk until it violates something, with the limits of the arm or, after its lead-in, without."""
        rig, loop, driven = self._rig, GovernorLoop(Governor(LIMITS), self.robot), Driven()
        rig.rest_elbow(chunk.start_rad)  # what a servo does of its own is not what is measured here
        rig.reset(chunk.start_rad)
        lead_in = LEAD_IN_TICKS if chunk.lead_in.any() else 0
        twists = [chunk.lead_in] * lead_in + list(chunk.twists) + [np.zeros(6)] * REST_TICKS
        for tick, twist in enumerate(twists, -lead_in):
            now_ns, joint_rad = rig.time_ns, rig.joints()[0]
            loop.push_joints(now_ns, joint_rad)
            if not governed and tick >= 0:
                loop.governor.note_joints(self._unlimited, joint_rad[: self.robot.joints])
            loop.push_wrench(now_ns, np.full(6, now_ns * 1e-15))  # one that stays the same is a broken sensor's
            loop.push_twist(now_ns, twist)
            verdict = loop.step(now_ns)
            if 0 <= tick < CHUNK_TICKS:
                _note(driven, verdict.twist, twist, ARM & set(verdict.reasons), tick)
            rig.command(verdict.twist, MAX_WIDTH_M)
            if self._moves_into_something(driven):
                break
        return driven

    def close(self) -> None:
        """Free the simulated arm."""
        self._rig.close()

    def _moves_into_something(self, driven: Driven) -> bool:
        for _ in range(TICK_STEPS // LOOK_STEPS):
            self._rig.step(LOOK_STEPS)
            joint_rad = self._rig.joints()[0][: self.robot.joints]
            now = self.oracle.nearest(joint_rad)
            driven.nearest, driven.violation = now.least(driven.nearest), now.violation
            if driven.violation:
                return True
        condition = float(np.linalg.cond(tool_jacobian(joint_frames(self.robot, joint_rad))))
        driven.condition = max(driven.condition, condition)
        return False

    def _twists(self, kind: str, start_rad: FloatArray, random: np.random.Generator) -> FloatArray | None:
        """(CHUNK_TICKS, 6) of a kind; None where the arm is not near what they push at."""
        if kind == "walk":
            steps = np.array([_any_twist(random) for _ in range(CHUNK_TICKS // TWIST_TICKS)])
            return np.repeat(steps[0] + np.cumsum(steps - steps[0], axis=0) / 2, TWIST_TICKS, axis=0)
        if kind == "table":
            if forward_kinematics(self.robot, start_rad)[2, 3] > LOW_M:
                return None
            twist = _any_twist(random)
            twist[2] = -abs(twist[2]) - LIMITS.max_linear_m_s / 2
        elif kind == "joint":
            twist = self._towards_limit(start_rad, random)
        else:
            if self.limits.clearances_m(start_rad, BELOW_M).min() > NEAR_M:
                return None
            twist = self._towards_itself(start_rad)
        fast = max(_speed(twist, 0) / LIMITS.max_linear_m_s, _speed(twist, 3) / LIMITS.max_angular_rad_s)
        return np.tile(twist / fast * random.uniform(0.3, 1.5), (CHUNK_TICKS, 1))

    def _towards_limit(self, start_rad: FloatArray, random: np.random.Generator) -> FloatArray:
        """Turns one joint, which is brought near its limit, towards it."""
        joint, side = int(random.integers(self.robot.joints)), int(random.choice((-1, 1)))
        limit_rad = (self.robot.joint_lower_rad if side < 0 else self.robot.joint_upper_rad)[joint]
        start_rad[joint] = limit_rad - side * random.uniform(0.0, NEAR_RAD)
        return np.asarray(side * tool_jacobian(joint_frames(self.robot, start_rad))[:, joint])

    def _towards_itself(self, start_rad: FloatArray) -> FloatArray:
        """Brings the two parts nearest to each other nearer."""
        probes = start_rad + PROBE_RAD * np.eye(self.robot.joints)
        now_m = self.limits.clearances_m(start_rad, BELOW_M).min()
        nearing = np.array([now_m - self.limits.clearances_m(probe, BELOW_M).min() for probe in probes])
        return np.asarray(tool_jacobian(joint_frames(self.robot, start_rad)) @ nearing / PROBE_RAD)


def _note(driven: Driven, safe: FloatArray, asked: FloatArray, why: set[Reason], tick: int) -> None:
    driven.reasons |= why
    asked_share = min(1.0, LIMITS.max_linear_m_s / max(_speed(asked, 0), 1e-9))
    if tick >= STARTING_TICKS and np.linalg.norm(safe) < STANDS * asked_share * np.linalg.norm(asked):
        driven.stood_for |= why


def _any_twist(random: np.random.Generator) -> FloatArray:
    """Of any direction, and up to half as fast again as the governor allows."""
    directions = random.standard_normal((2, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    most = np.array([[LIMITS.max_linear_m_s], [LIMITS.max_angular_rad_s]])
    return np.asarray((directions * most * random.uniform(0.0, 1.5, (2, 1))).ravel())


def _speed(twist: FloatArray, first: int) -> float:
    return float(np.linalg.norm(twist[first : first + 3]))
