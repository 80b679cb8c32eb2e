"""`autoglm bench`: cost, losses and errors of the parts."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.tools.cli.command import Run, Subparsers, add_command, end_report, line_printer

if TYPE_CHECKING:
    from autoglm_embodied.metrics import Report
    from autoglm_embodied.tools.bench.align import Synchronise

NAME = "bench"
HELP = "measure cost, losses and errors of the parts"
EPILOG = """examples:
  autoglm bench align --hours 0 --json out/align.json --plot out/align.png
  autoglm bench ingest --seconds 60 --json out/ingest.json
  autoglm bench ingest --camera all
  autoglm bench voice --commands data/commands --plot out/reliability.png"""
CAMERAS = ("raw", "distorted", "jpeg", "compressed_depth", "cloud", "other_lens", "all")
PARTS_OF_OTHERS = "autoglm.bench"


def add_parser(subparsers: Subparsers) -> None:
    """Add `bench` to the command line."""
    parser = add_command(subparsers, NAME, HELP, EPILOG)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    align = add_part(parts, "align", "the aligner: its cost and error, beside the usual alternatives", run_align)
    hours = "of simulated time for the memory measurement (default 1)"
    align.add_argument("--hours", type=float, default=1.0, help=hours)
    align.add_argument("--plot", metavar="FILE", type=Path, help="draw error against frequency here")
    what = "real topics into the aligner: cost of a frame, lost messages, regularity of the ticks"
    ingest = add_part(parts, "ingest", what, run_ingest)
    ingest.add_argument("--seconds", type=float, default=60.0, help="of sensor messages (default 60)")
    ingest.add_argument("--camera", metavar="KIND", choices=CAMERAS, default="raw", help=f"one of {', '.join(CAMERAS)}")
    ingest.add_argument("--best-effort", action="store_true", help="best-effort instead of reliable publishers")
    voice = add_part(parts, "voice", "spoken commands and the stop channel", run_voice)
    voice.add_argument(
        "--commands", metavar="DIR", type=Path, help="commands, of `autoglm train-stop speech --sentences`"
    )
    recordings = "your own commands: WAVs, and a sentences.tsv with file, tab and sentence a line"
    voice.add_argument("--recordings", metavar="DIR", type=Path, help=recordings)
    model = "recogniser of commands: tiny.en, base, or a folder with another (default %(default)s)"
    voice.add_argument("--asr-model", metavar="NAME", default="tiny.en", help=model)
    voice.add_argument("--plot", metavar="FILE", type=Path, help="draw how reliable the confidence of commands is")
    voice.add_argument("--calibrate", action="store_true", help="print weights that make it reliable on these commands")
    stop = "for the stop channel, of engines not trained on, of `autoglm train-stop speech`; for commands it is talk"
    voice.add_argument("--speech", metavar="DIR", type=Path, help=stop)
    voice.add_argument("--clips", type=int, default=400, help="most of each engine (default %(default)s)")
    minutes = (
        "of noise and of talk that is no command; for the stop channel, of each kind of noise (default %(default)s)"
    )
    voice.add_argument("--minutes", type=float, default=5.0, help=minutes)
    network = "of the stop channel on log-mel frames, instead of the shipped one"
    voice.add_argument("--network", metavar="FILE", help=network)
    head = "of the stop channel on the speech encoder, instead of the shipped one; none: without"
    voice.add_argument("--head", metavar="FILE", help=head)
    voice.add_argument("--least-probability", type=float, help="of the stop channel, instead of that of voice_node")
    what = "the fusion network: from a frame to an action, a tick, CUDA graphs where there is a GPU, operations, bytes"
    costs = add_part(parts, "model", what, run_model)
    costs.add_argument("--size", default="nano", help="nano or base, with fresh weights (default %(default)s)")
    costs.add_argument("--checkpoint", metavar="DIR", type=Path, help="a trained one instead")
    where = "auto, cpu or cuda; auto: the CPU, and a GPU where there is one (default %(default)s)"
    costs.add_argument("--device", default="auto", help=where)
    costs.add_argument("--passes", type=int, default=500, help="timed ones of each kind (default %(default)s)")
    what = "the word stop, spoken while the simulated arm moves: from its end to zero velocity at the robot"
    spoken = add_part(parts, "stop", what, run_stop)
    spoken.add_argument("--words", type=int, default=200, help="how often it is spoken (default %(default)s)")
    logs = "for the nodes' output (default %(default)s)"
    spoken.add_argument("--log", metavar="DIR", type=Path, default=Path("out/stop"), help=logs)
    parser.set_defaults(parts=parts)


def add_parts_of_others(parser: argparse.ArgumentParser) -> None:
    """Add the benchmarks of other packages to the parser of `bench`."""
    for part in entry_points(group=PARTS_OF_OTHERS):
        part.load()(parser.get_default("parts"))


def add_part(parts: Subparsers, name: str, what: str, run: Run) -> argparse.ArgumentParser:
    """Add a benchmark with the options that all of them have; the arguments are those of `add_command`."""
    parser = add_command(parts, name, what, f"example:\n  autoglm bench {name}", run)
    parser.add_argument("--seed", type=int, default=0, help="of the random generators (default %(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    return parser


def run_align(args: argparse.Namespace) -> int:
    """Measure the alignment."""
    from rich.progress import Progress

    from autoglm_embodied.tools.bench.align import measure

    if not 0 <= args.hours < 1e4:
        raise ConfigError(f"--hours must be 0 or more, got {args.hours:g}")
    report = begin_report(args)
    with Progress(auto_refresh=False) as progress:  # a refresh thread would disturb the measurement
        task = progress.add_task("", total=1.0)

        def show(part: str, done: float) -> None:
            progress.update(task, description=part, completed=done, refresh=True)

        measure(report, args.seed, args.hours, args.plot, _synchroniser(), show)
    return end_report(report, args)


def run_ingest(args: argparse.Namespace) -> int:
    """Measure the ingest over DDS."""
    from rich.console import Console

    from autoglm_embodied.tools.bench.ingest import measure, measure_frames

    if not 1 <= args.seconds < 1e5:
        raise ConfigError(f"--seconds must be 1 or more, got {args.seconds:g}")
    report = begin_report(args)
    with Console().status("starting") as status:
        measure_frames(report, args.seed, status.update)
        reliability = "BEST_EFFORT" if args.best_effort else "RELIABLE"
        measure(report, args.seconds, reliability, args.camera, status.update)
    return end_report(report, args)


def run_voice(args: argparse.Namespace) -> int:
    """Measure spoken commands, or the stop channel."""
    from rich.console import Console

    if not (args.clips >= 1 and 0 < args.minutes < 1e4):
        raise ConfigError("--clips must be 1 or more, and --minutes above 0")
    if not (args.commands or args.recordings or args.speech):
        raise ConfigError("name what to measure: --commands, --recordings or --speech")
    report = begin_report(args)
    with Console().status("starting") as status:
        if args.commands or args.recordings:
            _bench_commands(report, args, status.update)
        else:
            _bench_stop_channel(report, args, status.update)
    return end_report(report, args)


def run_model(args: argparse.Namespace) -> int:
    """Measure what the network costs."""
    from rich.console import Console

    from autoglm_embodied.model.build import build_model, grasp_config
    from autoglm_embodied.model.checkpoint import load
    from autoglm_embodied.tools.bench.model import measure

    if args.passes < 1:
        raise ConfigError(f"--passes must be 1 or more, got {args.passes}")
    model = load(args.checkpoint, "cpu") if args.checkpoint else build_model(grasp_config(args.size))
    report = begin_report(args)
    with Console().status("starting") as status:
        measure(report, model, args.device, args.passes, status.update)
    return end_report(report, args)


def run_stop(args: argparse.Namespace) -> int:
    """Measure how soon a spoken stop reaches the robot."""
    from autoglm_embodied.tools.faults.spoken_stop import measure

    if args.words < 1:
        raise ConfigError(f"--words must be 1 or more, got {args.words}")
    report = begin_report(args)
    measure(report, args.words, args.seed, args.log, line_printer())
    return end_report(report, args)


def _bench_stop_channel(report: Report, args: argparse.Namespace, progress: Callable[[str], None]) -> None:
    from autoglm_embodied.tools.bench.stop_channel import measure
    from autoglm_embodied.voice.stop_features import ENCODER_MISSING
    from autoglm_embodied.voice.stop_spotter import NO_HEAD, StopSettings

    settings = StopSettings()
    if settings.lacks_encoder and args.head != NO_HEAD:
        raise SetupError(f"{ENCODER_MISSING}, or measure it without, by --head none")
    if args.network:
        settings = replace(settings, weights=args.network, weights_sha256="")
    if args.head:
        settings = replace(settings, head=args.head, head_sha256="")
    if args.least_probability is not None:
        settings = replace(settings, least_probability=args.least_probability)
    measure(report, args.speech, settings, args.seed, (args.clips, args.minutes), progress)


def _bench_commands(report: Report, args: argparse.Namespace, progress: Callable[[str], None]) -> None:
    from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser

    model = RecogniserSettings.named(args.asr_model)  # before the imports that take long
    from autoglm_embodied.tools.bench.spoken_commands import (
        calibrate,
        draw_reliability,
        load_commands,
        load_recordings,
        measure_commands,
        measure_false_motion,
    )
    from autoglm_embodied.voice.answer import CommandSettings

    said = load_commands(args.commands) if args.commands else {}
    if args.recordings:
        said[args.recordings.name] = load_recordings(args.recordings)
    said = {engine: clips[:: -(-len(clips) // args.clips)] for engine, clips in said.items()}
    others = load_commands(args.speech) if args.speech else {}
    recogniser, settings = WhisperRecogniser(model), CommandSettings()
    report.details["asr_model"] = args.asr_model
    judged = measure_commands(report, said, recogniser, settings, args.seed, progress)
    talk = [clip for clips in others.values() for clip in clips if clip.place == "none"]
    trials = [trial for each in judged for trial in each.likely]
    trials += measure_false_motion(report, talk, recogniser, settings, (args.seed, args.minutes), progress)
    if args.plot:
        draw_reliability(trials, args.plot)
    if args.calibrate:
        report.details["weights"] = calibrate(trials).round(3).tolist()
        print(f"weights: {report.details['weights']}")


def begin_report(args: argparse.Namespace) -> Report:
    """An empty report of the chosen benchmark."""
    from autoglm_embodied.metrics import Report

    if args.seed < 0:
        raise ConfigError(f"--seed must be 0 or more, got {args.seed}")
    return Report(f"autoglm bench {args.part}", args.seed, time.time_ns())


def _synchroniser() -> Synchronise | str:
    """The approximate-time synchroniser of ROS, or why there is none."""
    try:
        from autoglm_embodied.nodes.probes.approximate_time_probe import synchronise
    except ImportError as error:
        return f"message_filters of ROS 2 is not installed here ({error})"
    return synchronise
