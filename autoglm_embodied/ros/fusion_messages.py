"""What the fusion node tells: its state each tick, and the feedback and result of a grasp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState

from autoglm_embodied.policy.grasp_episode import GraspEpisode, Outcome
from autoglm_embodied.ros.conversions import to_point, to_stamp
from autoglm_embodied.types import MODALITIES, Phase

if TYPE_CHECKING:  # torch comes with them
    from autoglm_embodied.policy.grasp_controller import ControlStep
    from autoglm_embodied.policy.pipeline import Tick

UNKNOWN = np.full(3, np.nan)  # a place that is not known is not a place


def state_message(step: ControlStep, tick_ms: float, base_frame: str) -> FusionState:
    """The state of one tick; the outcome of a grasp stays until the next begins."""
    senses, chunk = step.tick.observation.senses(), step.tick.chunk
    force = step.tick.observation.force.value
    state = FusionState(
        phase=Phase.IDLE.name.lower(),
        modality=list(MODALITIES),
        present=[sense.present for sense in senses],
        age_ns=[sense.age_ns for sense in senses],
        time_error_ns=[sense.time_error_ns for sense in senses],
        extrapolated_ns=[sense.extrapolated_ns for sense in senses],
        force_samples=0 if force is None else force.samples_used,
        latent=[] if chunk is None else chunk.latent.tolist(),
        gate_weight=[] if chunk is None else chunk.gate.tolist(),
        target=to_point(UNKNOWN if chunk is None else chunk.target_m),
        tick_ms=tick_ms,
    )
    state.header.stamp = to_stamp(step.tick.observation.t_ns)
    state.header.frame_id = base_frame
    if step.episode is not None:
        state.outcome, state.message = step.episode.outcome.value, step.episode.message
        state.tries, state.held_force_n = step.episode.tries, step.episode.held_force_n
    if step.episode is not None and step.acting:
        state.instruction, state.phase = step.episode.instruction, step.episode.phase.name.lower()
    return state


def feedback_message(tick: Tick, episode: GraspEpisode) -> Grasp.Feedback:
    """How a running grasp goes."""
    chunk = tick.chunk
    return Grasp.Feedback(
        phase=episode.phase.name.lower(),
        tries=episode.tries,
        modality=list(MODALITIES),
        gate_weight=[] if chunk is None else chunk.gate.tolist(),
        target=to_point(UNKNOWN if chunk is None else chunk.target_m),
    )


def result_message(episode: GraspEpisode) -> Grasp.Result:
    """How a grasp ended."""
    return Grasp.Result(
        success=episode.outcome is Outcome.HELD,
        outcome=episode.outcome.value,
        message=episode.message,
        held_force_n=episode.held_force_n,
        tries=episode.tries,
    )
