"""What the fusion node tells: its state each tick, and the feedback and result of an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from autoglm_embodied_interfaces.msg import FusionState

from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.ros.conversions import to_point, to_stamp
from autoglm_embodied.types import MODALITIES, Phase

if TYPE_CHECKING:  # torch comes with them
    from autoglm_embodied.policy.episode import Episode
    from autoglm_embodied.policy.grasp_controller import ControlStep
    from autoglm_embodied.policy.pipeline import Tick

UNKNOWN = np.full(3, np.nan)  # a place that is not known is not a place


def state_message(step: ControlStep, tick_ms: float, base_frame: str) -> FusionState:
    """The state of one tick; the outcome of a goal stays until the next begins."""
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
        state.outcome, state.message = step.episode.outcome.word, step.episode.message
        if not state.message and step.familiarity is not None:
            state.message = step.familiarity.account
        state.tries, state.held_force_n = step.episode.tries, step.episode.held_force_n
    if step.episode is not None and step.acting:
        state.instruction, state.phase = step.episode.instruction, step.episode.phase_name
    return state


def feedback_message(kind: type[Any], tick: Tick, episode: Episode) -> Any:
    """How a running goal goes.

    Args:
        kind: the feedback of its action, which has some of these fields.
        tick: what was observed and planned.
        episode: of the goal.
    """
    chunk = tick.chunk
    return _fill(
        kind,
        phase=episode.phase_name,
        tries=episode.tries,
        modality=list(MODALITIES),
        gate_weight=[] if chunk is None else chunk.gate.tolist(),
        target=to_point(UNKNOWN if chunk is None else chunk.target_m),
    )


def result_message(kind: type[Any], outcome: Outcome, message: str, episode: Episode | None = None) -> Any:
    """How a goal ended.

    Args:
        kind: the result of its action, which has some of these fields.
        outcome: in a word and a code.
        message: in a sentence.
        episode: None where none began.
    """
    done = {} if episode is None else {"held_force_n": episode.held_force_n, "tries": episode.tries}
    return _fill(kind, success=outcome.succeeded, code=outcome.code, outcome=outcome.word, message=message, **done)


def _fill(kind: type[Any], **values: Any) -> Any:
    known = kind.get_fields_and_field_types()
    return kind(**{name: value for name, value in values.items() if name in known})
