"""What the governor's verdicts of the last second say of the things that it needs, as items of its diagnostics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoglm_embodied.ros.diagnostics import Item, Level, Trouble, trouble_if
from autoglm_embodied.safety.governor import Verdict
from autoglm_embodied.safety.limits import Reason

OF_LIMITS = (
    *(Reason.SPEED, Reason.ACCELERATION, Reason.WORKSPACE, Reason.FORCE, Reason.TORQUE, Reason.TILT),
    *(Reason.JOINT_LIMIT, Reason.JOINT_SPEED, Reason.SINGULARITY, Reason.COLLISION),
)
FLEETING = frozenset(OF_LIMITS) - {Reason.FORCE, Reason.TORQUE}  # they come and go with every command
FREE = "free the hand, which may only go back if it is too much"
POLICY_CURE = "see the log of fusion_node; the arm stands until it commands"


def holding(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Those that hold the arm, whatever is commanded."""
    return tuple(reason for reason in reasons if reason not in FLEETING)


@dataclass
class VerdictCounts:
    """How many verdicts there were since the last report, and how many for each reason."""

    verdicts: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self.verdicts += 1
        self.reasons.update(verdict.reasons)

    def trouble(self, reason: Reason, sentence: str, worst: Level = Level.ERROR) -> list[Trouble]:
        """A trouble where verdicts had this reason: the worst if all had, else a warning."""
        always = self.reasons[reason] == self.verdicts
        return trouble_if(self.reasons[reason], worst if always else Level.WARN, sentence)


def governor_items(
    counts: VerdictCounts,
    zero_reason: str,
    commanded: bool,
    values: Mapping[str, Mapping[str, float | int | str]],
    troubles: Mapping[str, Iterable[Trouble]],
) -> list[Item]:
    """The items wrench, joints, policy, zero, deadman, limits and output.

    Args:
        counts: since the last report.
        zero_reason: why the wrench is not zeroed.
        commanded: whether a policy commanded since the activation.
        values: of each item.
        troubles: what else is known of each.
    """
    silent = f"the policy is silent; {POLICY_CURE}" if commanded else "no policy commanded yet; start fusion_node"
    found: dict[str, list[Trouble]] = {
        "wrench": [
            *counts.trouble(Reason.WRENCH_SILENT, "no wrench comes; check its driver and topics.wrench"),
            *counts.trouble(Reason.WRENCH_STUCK, "the wrench stays the same to the last bit; restart its driver"),
        ],
        "joints": counts.trouble(Reason.JOINTS_SILENT, "no joint states come; check their driver and topics.joints"),
        "policy": [
            *counts.trouble(Reason.POLICY_SILENT, silent, Level.ERROR if commanded else Level.WARN),
            *counts.trouble(Reason.POLICY_NOT_FINITE, f"the policy commands no numbers; {POLICY_CURE}"),
            *counts.trouble(Reason.NOT_RESTED, f"{Reason.NOT_RESTED.value}; let it rest once", Level.WARN),
        ],
        "zero": counts.trouble(Reason.NOT_ZEROED, zero_reason or Reason.NOT_ZEROED.value, Level.WARN),
        "deadman": counts.trouble(Reason.DEADMAN, "the deadman is released; hold it to let the arm move", Level.WARN),
        "limits": [
            *counts.trouble(Reason.FORCE, f"too much contact force, see limits.max_force_n; {FREE}", Level.WARN),
            *counts.trouble(Reason.TORQUE, f"much torque, see limits.release_torque_n_m; {FREE}", Level.WARN),
        ],
        "output": [],
    }
    limited: dict[str, float | int | str] = {
        f"limited_by_{reason.name.lower()}": counts.reasons[reason] for reason in OF_LIMITS
    }
    known = {"limits": limited}
    return [
        Item(name, {**known.get(name, {}), **values.get(name, {})}, (*own, *troubles.get(name, ())))
        for name, own in found.items()
    ]
