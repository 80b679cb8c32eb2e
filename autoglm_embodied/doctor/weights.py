"""The weights that came with the installation: whole, and of the expected model."""

from __future__ import annotations

from autoglm_embodied.doctor.finding import Finding


def speech() -> Finding:
    """Checks the recogniser's weights against their sha256 and loads them."""
    from autoglm_embodied.voice.recogniser import TINY_EN_SHA256, WhisperRecogniser

    WhisperRecogniser()
    return Finding("speech weights", True, f"Whisper tiny.en, sha256 {TINY_EN_SHA256[:12]}")


def policy() -> Finding:
    """Loads the policy that was shipped."""
    from autoglm_embodied.model.checkpoint import SHIPPED, load

    model = load(SHIPPED)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Finding("policy weights", True, f"{SHIPPED.name}, {parameters / 1e6:.1f} M parameters")
