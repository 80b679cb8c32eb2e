"""`autoglm train`: a checkpoint from collected shards."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command, from_options

HELP = "train the policy on collected shards"
EPILOG = """examples:
  autoglm train --data data/shards --out out/train
  autoglm train --data data/suites --out out/suites --device cuda --size base
  autoglm train --data data/shards --data data/dagger --out out/second --start out/train
  autoglm train --data data/shards --start out/second --statistics-only
  autoglm train --data data/outcomes --out out/scorer --batch 128
  autoglm train --data data/labelled --out out/segmenter --device cuda

Folders of outcomes alone train the scorer of grasps, of labelled images alone the segmenter, all others the policy.

A training that was stopped goes on after its last finished epoch."""
DROP_RATES = {"vision": 0.04, "force": 0.10, "joints": 0.02, "language": 0.02}
DROP_HELP = "how often it is dropped from a sample of the imitation stage (default %(default)s)"


def add_parser(subparsers: Subparsers) -> None:
    """Add `train` to the command line."""
    parser = add_command(subparsers, "train", HELP, EPILOG, run)
    shards = "folder of shards; may be repeated"
    parser.add_argument("--data", metavar="DIR", type=Path, action="append", required=True, help=shards)
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("out/train"), help="default %(default)s")
    parser.add_argument("--start", metavar="DIR", type=Path, help="begin from this checkpoint instead of from nothing")
    only = "train nothing: write what the guard knows of the latents of --start on --data beside it (docs/policy.md)"
    parser.add_argument("--statistics-only", action="store_true", help=only)
    parser.add_argument("--grounding-epochs", type=int, default=8, help="default %(default)s")
    parser.add_argument("--imitation-epochs", type=int, default=16, help="default %(default)s")
    parser.add_argument("--outcome-epochs", type=int, default=24, help="of the scorer (default %(default)s)")
    of_segmenter = "of the segmenter (default %(default)s)"
    parser.add_argument("--segmentation-epochs", type=int, default=12, help=of_segmenter)
    highest = "learning rate of the segmenter at its highest (default %(default)s)"
    parser.add_argument("--segmentation-rate", type=float, default=1.0e-3, metavar="R", help=highest)
    only = "of the segmenter in --start, train only what tells how objects are called, or all but that: nouns, objects"
    parser.add_argument("--only", metavar="PART", default="", help=only)
    parser.add_argument("--batch", type=int, default=32, help="default %(default)s")
    parser.add_argument("--size", default="nano", help="of the model: nano, or base for a GPU (default %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda; auto is CUDA when there is one")
    for modality, rate in DROP_RATES.items():
        parser.add_argument(f"--drop-{modality}", type=float, default=rate, metavar="P", help=DROP_HELP)
    parser.add_argument("--threads", type=int, default=1, help="more help only on an idle machine (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.set_defaults(resumable=True)


def run(args: argparse.Namespace) -> int:
    """Train, and tell the figures of each epoch."""
    import torch
    from rich.console import Console

    from autoglm_embodied.data.schemas import LABELLED_IMAGES, OUTCOMES
    from autoglm_embodied.train.loop import TrainSettings, train, train_scorer, train_segmenter, write_statistics
    from autoglm_embodied.train.sources import kinds_of_data

    console = Console()

    def report(stage: str, epoch: int, epochs: int, figures: dict[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        console.print(f"{stage} {epoch}/{epochs}  {shown}", highlight=False)

    torch.set_num_threads(args.threads)
    if args.statistics_only:
        if args.start is None:
            raise ConfigError("--statistics-only is of a checkpoint; name its folder with --start")
        with console.status("looking at what it learned from"):
            write_statistics(from_options(TrainSettings, args), args.data, args.start)
        console.print(f"The statistics of the latents are in {args.start}", highlight=False)
        return 0
    with console.status("training"):
        kinds = kinds_of_data(args.data)
        others: dict[str, Callable[..., object]] = {OUTCOMES.kind: train_scorer, LABELLED_IMAGES.kind: train_segmenter}
        learn = others.get(kinds.pop(), train) if len(kinds) == 1 else train
        if args.only and learn is not train_segmenter:
            raise ConfigError("--only is of the segmenter, which learns from labelled images alone; leave it out")
        learn(from_options(TrainSettings, args), args.data, args.out, report, args.start)
    console.print(f"The checkpoint is in {args.out}", highlight=False)
    return 0
