"""`autoglm voice`: commands in text, from a microphone, or from a recording through the real capture path."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command

if TYPE_CHECKING:
    from autoglm_embodied.voice.answer import Answer
    from autoglm_embodied.voice.listener import Listener
    from autoglm_embodied.voice.recogniser import RecogniserSettings

HELP = "print recognised speech and the commands in it"
EPILOG = """examples:
  autoglm voice
  autoglm voice --say "stop"
  autoglm voice --wav command.wav
  autoglm voice --text "fahr fünf Zentimeter nach links" --language de
  autoglm voice --robot
  autoglm voice --robot --namespace r1

exit status: 0 a command was recognised, or Ctrl-C ended --robot; 130 Ctrl-C ended listening; 1 no command was
recognised; 2 bad input or a broken set-up"""
OPEN_LIMIT_S = 30.0
ANSWER_LIMIT_S = 15.0
POLL_S = 0.05


def add_parser(subparsers: Subparsers) -> None:
    """Add `voice` to the command line."""
    parser = add_command(subparsers, "voice", HELP, EPILOG, run)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--mic", action="store_true", help="the default microphone, until Ctrl-C (the default)")
    source.add_argument("--wav", metavar="FILE", type=Path, help="a recording (16 kHz, 16 bit)")
    source.add_argument("--say", metavar="TEXT", help="a sentence, spoken by an installed voice")
    source.add_argument("--text", help="a sentence as it is recognised: prints what it means, without sound or weights")
    robot = "what the running nodes hear, understand and do, and ask back, until Ctrl-C"
    source.add_argument("--robot", action="store_true", help=robot)
    names = "of the nodes that --robot watches, such as r1 (default: none)"
    parser.add_argument("--namespace", metavar="NAME", default="", help=names)
    parser.add_argument("--language", metavar="TAG", default="en", help="of the commands, such as de (default: en)")
    model = "recogniser: tiny.en, base (all languages), or a folder with another (default: %(default)s)"
    parser.add_argument("--asr-model", metavar="NAME", default="tiny.en", help=model)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what --text means here as well")


def run(args: argparse.Namespace) -> int:
    """Listen, or read, and print."""
    if args.namespace and not args.robot:
        raise ConfigError("--namespace is for --robot; leave it out, or add --robot")
    if args.text is not None:
        return _understand(args.text, args.language, args.json)
    if args.json is not None:
        raise ConfigError("--json is for --text; leave it out to listen")
    if args.robot:
        return _watch_robot(args.namespace)
    settings = _settings(args)
    if args.wav is None and args.say is None:
        return _listen_to_microphone(settings)
    import tempfile

    from autoglm_embodied.voice.recording import read_wav, synthesise

    with tempfile.TemporaryDirectory(prefix="autoglm-voice-") as folder:
        wav = args.wav or Path(folder) / "said.wav"
        if args.say is not None:
            synthesise(args.say, wav)
        read_wav(wav)
        return _listen_to_recording(wav, settings)


def _watch_robot(namespace: str) -> int:
    from autoglm_embodied.nodes.operator_node import OperatorNode

    with OperatorNode(partial(print, flush=True), namespace), suppress(KeyboardInterrupt):
        print("Ctrl-C ends this view and stops nothing: say stop, or use the button", flush=True)
        while True:
            time.sleep(POLL_S)
    return 0


def _understand(text: str, language: str, json_file: Path | None) -> int:
    import json

    from rich.console import Console
    from rich.table import Table

    from autoglm_embodied.command_language.grammar import parse_command
    from autoglm_embodied.whole_file import write_whole

    command = parse_command(text, language)
    intent = command.intent.name.lower() if command else "none"
    slots = command.slots if command else {}
    table = Table(title=f"{intent}: {command.instruction}" if command and command.instruction else intent)
    table.add_column("slot")
    table.add_column("value")
    for slot, value in slots.items():
        table.add_row(slot, value)
    Console().print(table if slots else intent)
    if json_file is not None:
        meaning = {"text": text, "language": language, "intent": intent, "slots": slots}
        meaning["instruction"] = command.instruction if command else ""
        write_whole(json_file, json.dumps(meaning, ensure_ascii=False, indent=2) + "\n")
    return 0 if command else 1


def _listen_to_microphone(settings: RecogniserSettings) -> int:
    with _listener(settings) as listener:
        _wait(listener, lambda: listener.health.state == "listening", OPEN_LIMIT_S)
        print("listening; Ctrl-C ends", flush=True)
        while True:
            time.sleep(POLL_S)
            _raise_error(listener)


def _listen_to_recording(wav: Path, settings: RecogniserSettings) -> int:
    import os

    from autoglm_embodied.voice.sound_server import SoundServer

    with SoundServer() as sound, ExitStack() as undo:
        undo.callback(os.environ.update, os.environ.copy())
        undo.callback(os.environ.clear)
        os.environ.update(sound.environment)
        with _listener(settings) as listener:
            _wait(listener, lambda: listener.health.state == "listening", OPEN_LIMIT_S)
            sound.play(wav)
            _wait(listener, lambda: listener.health.utterances > 0, ANSWER_LIMIT_S)
            if not listener.health.utterances:
                print("no speech was recognised", flush=True)
            return 0 if listener.health.commands else 1


def _settings(args: argparse.Namespace) -> RecogniserSettings:
    from autoglm_embodied.voice.recogniser import RecogniserSettings

    return RecogniserSettings.named(args.asr_model, args.language)


def _listener(settings: RecogniserSettings) -> Listener:
    from autoglm_embodied.voice.listener import Listener
    from autoglm_embodied.voice.microphone import Microphone
    from autoglm_embodied.voice.recogniser import WhisperRecogniser

    return Listener(Microphone, partial(WhisperRecogniser, settings), _print_answer)


def _wait(listener: Listener, condition: Callable[[], bool], limit_s: float) -> None:
    """Wait until `condition` or the limit; an error that ended the listener is raised."""
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        _raise_error(listener)
        time.sleep(POLL_S)


def _raise_error(listener: Listener) -> None:
    if listener.health.error is not None:
        raise listener.health.error


def _print_answer(answer: Answer) -> None:
    if answer.command is None:
        print(f"{answer.outcome.value}: {answer.sentence}", flush=True)
        return
    command = answer.command
    figures = f"confidence {command.confidence:.2f}, {command.latency_ns / 1e6:.0f} ms after the last word"
    print(
        f"{command.text!r} -> {command.intent.name}, {answer.outcome.value}: {answer.sentence} ({figures})", flush=True
    )
