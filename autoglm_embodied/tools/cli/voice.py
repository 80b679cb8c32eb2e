"""`autoglm voice`: recognise commands from a microphone, or from a recording through the real capture path."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.tools.cli.command import Subparsers, add_command

if TYPE_CHECKING:
    from autoglm_embodied.voice.listener import Listener, VoiceCommand

HELP = "print recognised speech and the commands in it"
EPILOG = """examples:
  autoglm voice
  autoglm voice --say "stop"
  autoglm voice --wav command.wav

exit status: 0 a command was recognised, or Ctrl-C ended listening; 1 none was; 2 bad input or a broken set-up"""
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


def run(args: argparse.Namespace) -> int:
    """Listen and print."""
    if args.wav is None and args.say is None:
        return _listen_to_microphone()
    import tempfile

    from autoglm_embodied.voice.recording import read_wav, synthesise

    with tempfile.TemporaryDirectory(prefix="autoglm-voice-") as folder:
        wav = args.wav or Path(folder) / "said.wav"
        if args.say is not None:
            synthesise(args.say, wav)
        read_wav(wav)
        return _listen_to_recording(wav)


def _listen_to_microphone() -> int:
    with _listener() as listener:
        _wait(listener, lambda: listener.health.state == "listening", OPEN_LIMIT_S)
        print("listening; Ctrl-C ends", flush=True)
        printed = 0
        while True:
            time.sleep(POLL_S)
            _raise_error(listener)
            if listener.health.rejected > printed:
                printed = listener.health.rejected
                _print_rejected(listener)


def _listen_to_recording(wav: Path) -> int:
    import os

    from autoglm_embodied.voice.sound_server import SoundServer

    with SoundServer() as sound:
        os.environ.update(sound.environment)
        with _listener() as listener:
            _wait(listener, lambda: listener.health.state == "listening", OPEN_LIMIT_S)
            sound.play(wav)
            _wait(listener, lambda: listener.health.utterances > 0, ANSWER_LIMIT_S)
            if listener.health.commands:
                return 0
            _print_rejected(listener)
            return 1


def _listener() -> Listener:
    from autoglm_embodied.voice.listener import Listener
    from autoglm_embodied.voice.microphone import Microphone
    from autoglm_embodied.voice.recogniser import WhisperRecogniser

    return Listener(Microphone, WhisperRecogniser, _print_command)


def _wait(listener: Listener, condition: Callable[[], bool], limit_s: float) -> None:
    """Wait until `condition` or the limit; an error that ended the listener is raised."""
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        _raise_error(listener)
        time.sleep(POLL_S)


def _raise_error(listener: Listener) -> None:
    if listener.health.error is not None:
        raise listener.health.error


def _print_command(command: VoiceCommand) -> None:
    what = f"{command.intent.name}: {command.instruction}" if command.instruction else command.intent.name
    latency_ms = command.latency_ns / 1e6
    figures = f"confidence {command.confidence:.2f}, {latency_ms:.0f} ms after the last word"
    print(f"{command.text!r} -> {what} ({figures})", flush=True)


def _print_rejected(listener: Listener) -> None:
    text = listener.health.last_text
    print(f"{text!r} -> no command, or too little confidence" if text else "no speech was recognised", flush=True)
