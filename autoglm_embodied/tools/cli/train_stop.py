"""`autoglm train-stop`: synthetic speech for the stop channel, and its network."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command, from_options

NAME = "train-stop"
HELP = "make speech for the stop channel, and train its network"
SPEECH_EPILOG = """examples:
  autoglm train-stop speech --engine espeak-ng --clips 4000 --text book.txt
  autoglm train-stop speech --engine piper --voice en_US-joe-medium.onnx --clips 2000 --text book.txt
  autoglm train-stop speech --engine rhvoice --prefix "chroot /srv/voices" --text other.txt --out data/held_out
  autoglm train-stop speech --engine flite --sentences commands.tsv --out data/commands
  autoglm train-stop speech --engine mine --command "my-tts --say {text} --out {wav}" --voice 1 --text book.txt

A command's fields are {voice}, {text} and {wav}; {stretch}, {tempo_percent}, {words_per_minute}, {pitch_percent},
{pitch_of_100} and {noise}; without {text} the text is its input; with {folder} for {wav} it gets many lines.
What was stopped goes on after its last whole part."""
NETWORK_EPILOG = """examples:
  autoglm train-stop network --speech data/stop_speech --out out/stop
  autoglm train-stop network --features encoder --steps 1500 --batch 128 --rate 2e-3 --out out/stop_head

Train on some engines, then measure with `autoglm bench voice --speech` on others.
What was stopped goes on."""


def add_parser(subparsers: Subparsers) -> None:
    """Add `train-stop` to the command line."""
    parser = add_command(subparsers, NAME, HELP, "example:\n  autoglm train-stop speech -h")
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    speech = add_command(parts, "speech", "have a speech synthesis program say texts", SPEECH_EPILOG, run_speech)
    speech.add_argument(
        "--engine", required=True, help="espeak-ng, flite, festival, mbrola, pico, piper, rhvoice, or a new one"
    )
    speech.add_argument("--command", help="of a new engine, with fields in braces")
    speech.add_argument("--voice", action="append", help="instead of the engine's own voices; may be repeated")
    text = "English text, from which other sentences are taken; may be repeated"
    source = speech.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="FILE", type=Path, action="append", help=text)
    said = "to say as they are, one a line up to a tab, for `autoglm bench voice --commands`; `#` begins a comment"
    source.add_argument("--sentences", metavar="FILE", type=Path, help=said)
    speech.add_argument("--clips", type=int, default=1000, help="in parts of 50 (default %(default)s)")
    speech.add_argument(
        "--prefix", default="", help="command that runs others elsewhere and shares the temporary folder"
    )
    speech.add_argument("--out", metavar="DIR", type=Path, default=Path("data/stop_speech"), help="default %(default)s")
    speech.add_argument("--seed", type=int, default=0, help="default %(default)s")
    speech.set_defaults(resumable=True)
    network = add_command(parts, "network", "train the network on that speech", NETWORK_EPILOG, run_network)
    folder = "of speech, with a folder for each engine"
    network.add_argument("--speech", metavar="DIR", type=Path, default=Path("data/stop_speech"), help=folder)
    network.add_argument("--out", metavar="DIR", type=Path, default=Path("out/stop"), help="default %(default)s")
    network.add_argument(
        "--start", metavar="FILE", type=Path, help="begin from this stop.safetensors instead of from nothing"
    )
    features = "log-mel, or encoder: the network beside it on the speech encoder (default %(default)s)"
    network.add_argument("--features", metavar="KIND", default="log-mel", help=features)
    sounds = "of the encoder, drawn once, 0.2 MB each (default %(default)s)"
    network.add_argument("--sounds", type=int, default=32000, help=sounds)
    network.add_argument("--steps", type=int, default=6000, help="default %(default)s")
    network.add_argument("--batch", type=int, default=48, help="default %(default)s")
    network.add_argument("--rate", type=float, default=3e-3, help="of learning, the highest (default %(default)s)")
    network.add_argument("--threads", type=int, default=1, help="default %(default)s")
    network.add_argument("--seed", type=int, default=0, help="default %(default)s")


def run_speech(args: argparse.Namespace) -> int:
    """Synthesise the speech of one engine."""
    from rich.progress import Progress

    from autoglm_embodied.train.stop_speech import ENGINES, Engine, synthesise_clips

    if args.clips < 1 or args.seed < 0:
        raise ConfigError("--clips must be 1 or more and --seed 0 or more")
    known = ENGINES.get(args.engine)
    if args.command is None and known is None:
        raise ConfigError(f"there is no engine {args.engine!r}; give its --command, or choose of {', '.join(ENGINES)}")
    command = args.command or (known.command if known else "")
    engine = Engine(command, args.voice or (known.voices if known else ()))
    with Progress() as progress:
        task = progress.add_task(args.engine, total=args.clips)

        def report(done: int) -> None:
            progress.update(task, completed=done)

        folder = args.out / args.engine
        given = _lines(args.sentences) if args.sentences else []
        count = len(given) or args.clips
        others = _sentences(args.text or [])
        synthesise_clips(engine, folder, count, others, args.seed, report, args.prefix, given)
    print(f"The speech is in {folder}")
    return 0


def run_network(args: argparse.Namespace) -> int:
    """Train the network, and tell how it goes."""
    import hashlib

    import torch
    from rich.console import Console

    from autoglm_embodied.train.stop_speech import load_clips
    from autoglm_embodied.train.stop_training import StopTraining, train_stop_network

    folders = sorted(folder for folder in args.speech.glob("*") if folder.is_dir())
    clips = [clip for folder in folders for clip in load_clips(folder)]
    console = Console()
    console.print(f"{len(clips)} clips of {', '.join(folder.name for folder in folders)}", highlight=False)

    def report(step: int, figures: dict[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.5g}" for name, value in figures.items())
        console.print(f"{step}/{args.steps}  {shown}", highlight=False)

    torch.set_num_threads(args.threads)
    train_stop_network(clips, from_options(StopTraining, args), args.out, report, args.start)
    network = args.out / "stop.onnx"
    sha256 = hashlib.sha256(network.read_bytes()).hexdigest()
    console.print(f"The network is {network}, sha256 {sha256}", highlight=False)
    return 0


def _sentences(paths: list[Path]) -> list[str]:
    from autoglm_embodied.train.stop_speech import sentences

    try:
        return [sentence for path in paths for sentence in sentences(path.read_text(errors="replace"))]
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename} ({error.strerror}); give a text file") from error


def _lines(path: Path) -> list[str]:
    try:
        lines = (line.partition("\t")[0].strip() for line in path.read_text(errors="replace").splitlines())
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); give a text file") from error
    if found := [line for line in lines if line and not line.startswith("#")]:
        return found
    raise ConfigError(f"{path} holds no sentence; write one a line")
