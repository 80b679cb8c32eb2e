"""Which senses a policy on a rig can do without."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.baselines.registry import baseline_named

SENSES = ("force", "vision", "language")
NEEDED = ("vision", "language")
"""What a policy needs unless its attribute `needs` says otherwise: it looks for the object that is named."""


def needs(policy: str) -> tuple[str, ...]:
    """The senses without which a policy cannot act."""
    return tuple(getattr(baseline_named(policy), "needs", NEEDED))


def require_able(policies: Sequence[str], without: Sequence[str]) -> None:
    """ConfigError, with what each policy needs and can do without, if one of them cannot act."""
    unable = [policy for policy in policies if set(needs(policy)) & set(without)]
    if unable:
        raise ConfigError(
            f"without {' and '.join(without)} there is nothing to measure: "
            + "; ".join(f"{policy} needs {' and '.join(needs(policy))}, {_allowed(policy)}" for policy in unable)
        )


def _allowed(policy: str) -> str:
    spare = [sense for sense in SENSES if sense not in needs(policy)]
    return f"use --without {' or '.join(spare)}" if spare else "leave out --without"
