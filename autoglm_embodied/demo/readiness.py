"""When a demo may begin to speak: every node is heard of, the microphone listens, the fusion node has its sensors."""

from __future__ import annotations

from autoglm_embodied.demo.stage import NODES
from autoglm_embodied.observed import Observed

SENSED = ("vision", "force", "joints")


def missing(observed: Observed) -> list[str]:
    """What is still waited for, in words; empty when all is ready."""
    health = observed.latest_health()
    absent = [f"{name} is not heard of" for name in NODES if name not in health]
    voice = health.get("voice_node")
    deaf = [f"voice_node is {voice.message}"] if voice and voice.message != "listening" else []
    return absent + deaf + [f"fusion_node lacks {sense}" for sense in SENSED if not _present(observed, sense)]


def _present(observed: Observed, sense: str) -> bool:
    if not observed.ticks:
        return False
    newest = observed.ticks[-1]
    return dict(zip(newest.modality, newest.present, strict=True)).get(sense, False)
