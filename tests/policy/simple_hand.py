"""A hand that moves as it is commanded, over a support that pushes back: enough of an arm for a script, in no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.goal import Goal
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.motion_episode import MotionEpisode
from autoglm_embodied.policy.motions import ActionSettings
from autoglm_embodied.policy.scripts import Scripts
from autoglm_embodied.types import (
    ActionChunk,
    ArmState,
    Command,
    FloatArray,
    ForceFeatures,
    Intent,
    Observation,
    Phase,
    Referent,
    Sense,
)

TICK_NS = 33_000_000
STIFFNESS_N_M = 20_000.0
OPEN_M = 0.08
DOWN = np.diag([1.0, -1.0, -1.0])  # R_base_tool of a hand that points down
SEEN = ActionChunk(
    0, TICK_NS, np.zeros((1, 6)), np.zeros(1), Phase.IDLE, Referent.ONE, np.zeros(3), np.zeros(4), np.zeros(1)
)


@dataclass
class SimpleHand:
    """Holds something `held_m` wide and `weight_n` heavy, whose lower end is at the height of the tool."""

    tool_m: FloatArray = field(default_factory=lambda: np.array([0.5, 0.1, 0.2]))
    R_base_tool: FloatArray = field(default_factory=lambda: DOWN)
    width_m: float = 0.04
    held_m: float = 0.04  # 0: nothing is held
    weight_n: float = 2.0
    support_m: float = 0.0  # height
    floor_m: float = -1.0  # below which a governor lets no tool go
    stuck: bool = False  # the arm does not move
    sticky: bool = False  # what is held hangs on though the fingers open
    feels: bool = True
    target_m: tuple[float, float, float] = (0.6, -0.2, 0.02)
    referent: Referent = Referent.ONE
    bump: Callable[[int], float] = lambda tick: 0.0  # force upwards [N] at a tick
    touch: Callable[[int], float] = lambda tick: 0.0  # likewise, for a few milliseconds between two ticks
    pull: Callable[[int], tuple[float, float, float]] = lambda tick: (0.0, 0.0, 0.0)  # at a tick, base frame [N]
    late_ticks: int = 0  # from a command until the fingers begin to follow it
    starts: int = 0
    grip_m: float | None = None  # last commanded
    refused: bool = False
    tick: int = 0
    commands: list[Command | None] = field(default_factory=list)
    path_m: list[FloatArray] = field(default_factory=list)  # of the tool
    widths_m: list[float] = field(default_factory=list)

    def run(self, episode: Episode, ticks: int = 3000) -> Episode:
        """Tick until the episode is over, so many times at most."""
        for _ in range(ticks):
            if episode.over:
                break
            self.follow(episode.step(self.observation(), self.chunk(), self.now_ns))
        return episode

    @property
    def now_ns(self) -> int:
        return self.tick * TICK_NS

    def observation(self) -> Observation:
        T_base_tool = np.eye(4)
        T_base_tool[:3, :3], T_base_tool[:3, 3] = self.R_base_tool, self.tool_m
        speed = (self.widths_m[-1] - self.widths_m[-2]) / 0.033 if len(self.widths_m) > 1 else 0.0
        arm = ArmState(np.zeros(7), np.zeros(7), T_base_tool, self.width_m, speed)
        felt_n = self.R_base_tool.T @ (
            np.array([0.0, 0.0, -self.load_n()]) + (self.pull(self.tick) if self.held_m else 0.0)
        )
        pyramid, raw = np.zeros((4, 5, 6)), np.zeros((64, 6))
        pyramid[:, 0, :3] = raw[:, :3] = felt_n
        pyramid[:, 1, :3] = 0.05
        raw[-40:-36, :3] += self.R_base_tool.T @ [0.0, 0.0, self.touch(self.tick)]
        force = ForceFeatures(raw, pyramid, 512) if self.feels else None
        return Observation(self.now_ns, Sense(np.zeros((4, 8))), Sense(force), Sense(arm), Sense(None))

    def chunk(self) -> ActionChunk:
        return replace(SEEN, referent=self.referent, target_m=np.array(self.target_m))

    def load_n(self) -> float:
        if not self.held_m:
            return 0.0
        pushed_n = STIFFNESS_N_M * max(0.0, self.support_m - float(self.tool_m[2]))
        return self.weight_n - pushed_n - self.bump(self.tick)

    def follow(self, command: Command | None) -> None:
        self.commands.append(command)
        self.tick += 1
        if command is not None and not self.stuck and not self.refuses(command):
            self.tool_m = self.tool_m + command.twist[:3] * 0.033
            self.tool_m[2] = max(self.tool_m[2], self.floor_m)
            self.R_base_tool = Rotation.from_rotvec(command.twist[3:] * 0.033).as_matrix() @ self.R_base_tool
        if command is not None and command.gripper_width_m not in (None, self.grip_m):
            self.grip_m, self.starts = command.gripper_width_m, self.tick + self.late_ticks
        if self.grip_m is not None and self.tick >= self.starts:  # as a gripper keeps its last command
            step = float(np.clip(self.grip_m - self.width_m, -0.005, 0.005))
            self.width_m = max(self.width_m + step, self.held_m)
        if self.width_m > self.held_m + 0.005 and not self.sticky:
            self.held_m = 0.0
        self.path_m.append(self.tool_m)
        self.widths_m.append(self.width_m)

    def refuses(self, command: Command) -> bool:
        """Whether it goes on into a force that a governor met, before anything else was commanded."""
        self.refused = command.twist[2] < 0 and (self.refused or self.touch(self.tick - 1) > 40.0)
        return self.refused

    def moved(self) -> bool:
        """Whether the arm was ever commanded to move."""
        return any(command is not None and command.twist.any() for command in self.commands)

    def opened(self) -> bool:
        """Whether the fingers were ever commanded to open."""
        return any(command is not None and (command.gripper_width_m or 0.0) > 0 for command in self.commands)


def home_pose() -> FloatArray:
    """(4, 4) of the tool at home."""
    T_base_home = np.diag([1.0, -1.0, -1.0, 1.0])
    T_base_home[:3, 3] = [0.35, 0.0, 0.4]
    return T_base_home


def begin(intent: Intent, slots: dict[str, str] | None = None, home: bool = True, **settings: Any) -> Episode:
    """An episode of an action that is no grasp, at time 0."""
    scripts = Scripts(ActionSettings(**settings), GraspSettings(), home_pose() if home else None)
    needs = ("joints", "force") if intent is Intent.PLACE else ("joints",)
    script = scripts.of(Goal(intent, slots=slots or {}))
    return MotionEpisode(intent.name, 0, script, scripts.settings.timeout_s, 2.0, needs)
