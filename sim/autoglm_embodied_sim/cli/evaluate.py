"""`autoglm evaluate`: fresh episodes of policies in suites, in simulation or through the real nodes."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoglm_embodied.metrics import Report
    from autoglm_embodied_sim.eval.measure import GraspResult, Measurement, Unusable

HELP = "measure how often the policy holds what was named"
EPILOG = """examples:
  autoglm evaluate --episodes 50 --workers 2
  autoglm evaluate --episodes 50 --ros --json out/evaluate.json
  autoglm evaluate --suite separated --suite pile --policy antipodal --policy script --episodes 100 --workers 2
  autoglm evaluate --suite language --suite declutter --policy antipodal --policy script --episodes 50 --workers 2
  autoglm evaluate --suite separated --objects my_meshes
  autoglm evaluate --suite separated --rig arm --policy learned --policy script
  autoglm evaluate --suite separated --rig arm --policy learned --policy script --ros
  autoglm evaluate --suite pile --policy antipodal_force --policy script --without force
  autoglm evaluate --episodes 20 --without vision
  autoglm evaluate --suite weak_grip --policy named --zeroed force --against-plain
  autoglm evaluate --suite language --policy named --words learned --instruction shuffled
  autoglm evaluate --suite large --suite pile --policy pca --policy script --report out/report --thumbnails 12

docs/benchmark.md describes suites, policies and figures; autoglm table makes Markdown of a --json FILE."""
LEARNED = "learned"
RIG, SPLIT, THUMBNAILS = "gantry", "test", 24  # by default
INSTRUCTION = ("shuffled", "dropped")
ALTERED = {
    "without": "withhold a sense: force, or from learned also vision or language; it is missing, not zero",
    "zeroed": "tell zeros of a sense: force",
    "frozen": "tell for ever what a sense told first: force or vision",
    "swapped": "tell what a sense told in another episode, from its beginning on: force",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add `evaluate` to the command line."""
    parser = add_command(subparsers, "evaluate", HELP, EPILOG, run)
    parser.add_argument("--episodes", type=int, default=50, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the first episode (default %(default)s)")
    checkpoint = "of the policy learned (default: the one shipped)"
    parser.add_argument("--checkpoint", metavar="DIR", type=Path, help=checkpoint)
    parser.add_argument("--ros", action="store_true", help="through the real nodes over DDS, in real time")
    parser.add_argument("--workers", type=int, default=1, help="processes, without --ros (default %(default)s)")
    log = "for the nodes' logs, and the suites' episodes that are finished (default %(default)s)"
    parser.add_argument("--log", metavar="DIR", type=Path, default=Path("out/evaluate"), help=log)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    add_options(parser)
    add_alterations(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only suites need."""
    group = parser.add_argument_group("suites")
    suites = "primitives (default), separated, large, weak_grip, pile, language, declutter; repeatable"
    group.add_argument("--suite", action="append", metavar="S", help=suites)
    policies = (
        "random, pca, antipodal, antipodal_force or script, scripts from weak to strong; scored, the last with grasps "
        "chosen by a network and a memory of failed tries, or scored_without_memory; named, told words alone; "
        "privileged: script_true_camera "
        "and scored_true_camera, which are shown where the camera stands, and on the gantry expert, which is shown the "
        "simulator's state; on the arm also learned; repeatable (default script; without --suite learned)"
    )
    group.add_argument("--policy", action="append", metavar="P", help=policies)
    group.add_argument("--rig", help=f"what carries the hand: gantry or arm (default {RIG}; without --suite arm)")
    robot = "of the arm instead of the Panda's, such as config/robots/ur5e.yaml; the policy learned needs 7 joints"
    group.add_argument("--robot-file", metavar="FILE", type=Path, help=robot)
    group.add_argument("--objects", metavar="DIR", help="your own meshes instead (OBJ, STL, PLY; metres)")
    group.add_argument("--split", help=f"test, validate or train: objects and words (default {SPLIT})")
    group.add_argument("--fresh", action="store_true", help="run again what an earlier run with the same settings did")
    group.add_argument("--easy", action="store_true", help="exact camera, light objects, good friction")
    group.add_argument("--report", metavar="DIR", type=Path, help="write DIR/index.html: figures, plots, every failure")
    thumbnails = f"failed episodes shown in the report, for each suite and policy (default {THUMBNAILS})"
    group.add_argument("--thumbnails", metavar="N", type=int, help=thumbnails)


def add_alterations(parser: argparse.ArgumentParser) -> None:
    """Add what a policy is told in place of what its sensors deliver."""
    group = parser.add_argument_group("what causes success (docs/policy.md)")
    for how, what in ALTERED.items():
        group.add_argument(f"--{how}", action="append", default=[], metavar="SENSE", help=f"{what}; repeatable")
    instruction = "of named and learned: shuffled, the sentence of another episode, or dropped, none at all"
    group.add_argument("--instruction", choices=INSTRUCTION, metavar="HOW", help=instruction)
    words = "how instructions are said: learned or held-out (default: held-out in the test split, else learned)"
    group.add_argument("--words", metavar="W", help=words)
    plain = "run the same episodes with nothing altered, too, and print the paired difference"
    group.add_argument("--against-plain", action="store_true", help=plain)


def run(args: argparse.Namespace) -> int:
    """Run the episodes and print the figures."""
    from autoglm_embodied.metrics import Report
    from autoglm_embodied_sim.eval.metrics import PRIVILEGES
    from autoglm_embodied_sim.report.page import prepare

    if args.episodes < 1 or args.seed < 0 or args.workers < 1:
        raise ConfigError("--episodes and --workers must be 1 or more, and --seed 0 or more")
    args.resumable = not args.ros
    if args.checkpoint is not None and args.suite is not None and LEARNED not in (args.policy or ()):
        raise ConfigError("--checkpoint is for the policy learned alone; add --policy learned, or leave it out")
    if args.thumbnails is not None and (args.report is None or args.thumbnails < 0):
        raise ConfigError(f"--thumbnails must be 0 or more and needs --report DIR, got {args.thumbnails}")
    wanted = measurement(args)
    if args.against_plain and not wanted.altered:
        raise ConfigError("--against-plain compares altered senses; add --zeroed force, for example, or leave it out")
    if args.report is not None:
        prepare(args.report)
    report = Report("autoglm evaluate", args.seed, time.time_ns())
    results = _reported(args, wanted, report)
    report.print_table()
    print(f"Note: {PRIVILEGES}.")
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    if args.report is not None:
        _write_page(args, wanted, report, results)
    return 0


def _reported(args: argparse.Namespace, wanted: Measurement, report: Report) -> list[GraspResult]:
    """The results; the report gets their figures and, if asked for, what is otherwise with nothing altered."""
    from autoglm_embodied_sim.eval.measure import drawn_scenes, shapes_of
    from autoglm_embodied_sim.eval.metrics import add_chance, add_metrics, add_minus_plain

    if args.against_plain:
        plain = replace(wanted, altered=())
        unaltered = _measured(args, plain, report)
        add_metrics(report, plain, unaltered)
    results = _measured(args, wanted, report)
    add_metrics(report, wanted, results)
    if args.against_plain:
        add_minus_plain(report, wanted, results, unaltered)
    report.details["scenes"] = drawn_scenes(wanted, shapes_of(wanted))
    if args.instruction == "shuffled":
        add_chance(report, wanted, report.details["scenes"])
    return results


def measurement(args: argparse.Namespace) -> Measurement:
    """What the options ask for; without a suite, the learned policy among primitives on the arm."""
    from autoglm_embodied_sim.eval.altered_senses import alterations
    from autoglm_embodied_sim.eval.measure import Measurement

    asked = {how: getattr(args, how) for how in ALTERED}
    asked |= {how: ["language"] for how in INSTRUCTION if how == args.instruction}
    return Measurement(
        suites=tuple(dict.fromkeys(args.suite or ["primitives"])),
        policies=tuple(dict.fromkeys(args.policy or [LEARNED if args.suite is None else "script"])),
        episodes=args.episodes,
        seed=args.seed,
        rig=args.rig or (RIG if args.suite else "arm"),
        split=args.split or SPLIT,
        easy=args.easy,
        objects=None if args.objects is None else Path(args.objects),
        checkpoint=args.checkpoint,
        over_dds=args.ros,
        altered=alterations(asked),
        words=args.words,
        robot_file=args.robot_file,
    )


def _measured(args: argparse.Namespace, wanted: Measurement, report: Report) -> list[GraspResult]:
    """The results, with a bar that shows how far it is."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from autoglm_embodied_sim.eval.measure import measure

    total = len(wanted.suites) * len(wanted.policies) * wanted.episodes
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("episodes", total=total)

        def done(result: GraspResult) -> None:
            progress.update(task, advance=1, description=f"{result.suite}/{result.policy}")

        def left_out(meshes: Sequence[Unusable]) -> None:
            report.details["unusable"] = {mesh.file: mesh.why for mesh in meshes}
            for mesh in meshes:
                progress.console.print(f"left out: {mesh.file}: {mesh.why}", highlight=False, markup=False)
            progress.console.print(f"{len(meshes)} meshes left out", highlight=False)

        def reading(mesh: str) -> None:
            progress.update(task, description=f"reading {mesh}")

        if not wanted.over_dds:
            return measure(wanted, args.workers, done, left_out, args.log, args.fresh, reading)
        from autoglm_embodied_sim.eval.over_graph import measure_over_graph

        suites, policies, seeds = wanted.suites, wanted.policies, wanted.seeds
        return measure_over_graph(
            suites, policies, seeds, wanted.table, wanted.nodes, wanted.checkpoint, args.log, done
        )


def _write_page(args: argparse.Namespace, wanted: Measurement, report: Report, results: Sequence[GraspResult]) -> None:
    """Photograph failed episodes and write the page that shows them."""
    from rich.progress import MofNCompleteColumn, Progress

    from autoglm_embodied_sim.eval.measure import failures_to_replay, replay_failures
    from autoglm_embodied_sim.report.evaluation import Evaluation
    from autoglm_embodied_sim.report.page import write_page

    most = THUMBNAILS if args.thumbnails is None else args.thumbnails
    shown = failures_to_replay(results, most)
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn()) as progress:
        task = progress.add_task("images of failed episodes", total=len(shown))
        images = replay_failures(wanted, shown, args.workers, lambda: progress.advance(task))
    page = write_page(args.report, Evaluation.of(args.typed, wanted, report, results, images, time.time_ns()))
    print(f"Report: {page}")
