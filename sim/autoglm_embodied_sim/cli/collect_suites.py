"""The part of `autoglm collect` that collects in suites of unknown objects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from autoglm_embodied.errors import ConfigError

if TYPE_CHECKING:
    import argparse

    from autoglm_embodied.data.collection import Collected, CollectionPlan, MakeUnit
    from autoglm_embodied.metrics import Report


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only suites need."""
    group = parser.add_argument_group("suites of unknown objects")
    group.add_argument("--suite", metavar="S", help="demonstrate there: separated, large, weak_grip, pile, ...")
    group.add_argument(
        "--outcomes", metavar="N", type=int, help="try N grasps there and note what came of each instead"
    )
    group.add_argument("--split", default="train", help="train or validate objects (default %(default)s)")
    group.add_argument("--image-hz", type=float, default=30.0, help="of a demonstration (default %(default)s)")


def run_suite(args: argparse.Namespace) -> int:
    """Collect, and say at what rate and with what success."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from autoglm_embodied.data.collection import collect_missing_shards
    from autoglm_embodied.metrics import Report

    if args.checkpoint is not None or args.practice:
        raise ConfigError("--practice is of the primitives; leave it out, or leave out --suite")
    plan, make_unit = _outcomes(args) if args.outcomes is not None else _demonstrations(args)
    report = Report("autoglm collect", args.seed, time.time_ns())
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task(f"shards of {plan.name}", total=plan.shards)
        collected = collect_missing_shards(
            plan, make_unit, args.workers, lambda done, total: progress.update(task, completed=done, total=total)
        )
    _add_figures(report, args, collected, (time.time_ns() - report.started_ns) / 60e9)
    report.print_table()
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0


def _demonstrations(args: argparse.Namespace) -> tuple[CollectionPlan, MakeUnit]:
    from functools import partial

    from autoglm_embodied.data.collection import CollectionPlan, settings_digest
    from autoglm_embodied.data.demonstrations import DEMONSTRATIONS
    from autoglm_embodied_sim.collect.demonstrations import PER_SHARD, DemonstrationSettings, demonstration

    settings = DemonstrationSettings(args.suite, args.split, args.image_hz, args.seed)
    name = f"demonstrations-{settings.suite}"
    plan = CollectionPlan(args.out, DEMONSTRATIONS, name, args.episodes, PER_SHARD, settings_digest(settings.all()))
    return plan, partial(demonstration, settings)


def _outcomes(args: argparse.Namespace) -> tuple[CollectionPlan, MakeUnit]:
    from functools import partial

    from autoglm_embodied.data.collection import CollectionPlan, settings_digest
    from autoglm_embodied_sim.collect.outcomes import OUTCOMES, SCENES_PER_SHARD, OutcomeSettings, scene_outcomes

    settings = OutcomeSettings(args.suite, args.split, args.seed)
    scenes = -(-args.outcomes // settings.per_scene)
    name = f"outcomes-{settings.suite}"
    plan = CollectionPlan(args.out, OUTCOMES, name, scenes, SCENES_PER_SHARD, settings_digest(settings.all()))
    return plan, partial(scene_outcomes, settings)


def _add_figures(report: Report, args: argparse.Namespace, collected: Collected, minutes: float) -> None:
    """The rate, and how often what was wanted was held, over what this run made itself."""
    notes: tuple[dict[str, Any], ...] = collected.notes
    rate = "collect.per_minute" if args.outcomes is None else "collect.outcomes_per_minute"
    if not notes:
        report.skip(rate, f"nothing was collected now; {collected.found} shards were there")
    elif args.outcomes is None:
        report.add(rate, len(notes) / minutes, "1/min", len(notes), case=args.suite)
        report.add_fraction("collect.expert_success", sum(note["held"] for note in notes), len(notes), case=args.suite)
    else:
        tried = sum(note["tried"] for note in notes)
        report.add(rate, tried / minutes, "1/min", tried, case=args.suite)
        report.add_fraction("collect.outcomes_held", sum(note["held"] for note in notes), tried, case=args.suite)
    report.details["shards"] = {"written": collected.shards, "found": collected.found}
