"""When a demo may begin to speak: every node is heard of, the microphone listens, the fusion node has its sensors."""

from __future__ import annotations

from collections.abc import Iterable

from autoglm_embodied.observed import Health, Observed

LEAST_REAL_TIME = 0.9
SENSED = ("vision", "force", "joints")


def missing(observed: Observed, nodes: Iterable[str]) -> list[str]:
    """What is still waited for, in words, of some nodes; empty when all is ready."""
    health = observed.latest_health()
    absent = [f"{name} is not heard of" for name in nodes if name not in health]
    voice = health.get("voice_node")
    deaf = [f"voice_node is {voice.message}"] if voice and voice.message != "listening" else []
    return (
        absent
        + deaf
        + _slow(health.get("sim_node"))
        + [f"fusion_node lacks {sense}" for sense in SENSED if not _present(observed, sense)]
    )


def _slow(sim: Health | None) -> list[str]:
    """A machine on which the simulator falls behind the clock shows nothing but that."""
    factor = float(sim.values["realtime_factor"]) if sim else 1.0
    slow = f"the simulator runs at {factor:.2f} of real time, end other programs"
    return [slow] if factor < LEAST_REAL_TIME else []


def _present(observed: Observed, sense: str) -> bool:
    if not observed.ticks:
        return False
    newest = observed.ticks[-1]
    return dict(zip(newest.modality, newest.present, strict=True)).get(sense, False)
