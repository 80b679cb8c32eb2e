"""What is asked of a demo, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoglm_embodied.errors import ConfigError, InstructionError
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.grammar import parse_command
from autoglm_embodied.voice.recording import read_wav

MOST_OBJECTS = 4


@dataclass(frozen=True)
class DemoRequest:
    """The sentence comes from one of `say`, `wav` and `mic`; without any it is chosen to fit the scene."""

    say: str | None
    wav: Path | None
    mic: bool
    seed: int
    objects: int
    out: Path
    view: bool
    json: Path | None
    checkpoint: Path | None

    def check(self) -> None:
        """Refuse what cannot work, and make the folder for the results.

        Raises:
            ConfigError: a seed, a number of objects or a folder that cannot be used.
            InstructionError: the sentence is no command to pick something up.
            AudioError: the recording cannot be used.
        """
        if self.seed < 0:
            raise ConfigError(f"--seed must be 0 or more, got {self.seed}")
        if not 1 <= self.objects <= MOST_OBJECTS:
            raise ConfigError(f"--objects must be 1 to {MOST_OBJECTS}, got {self.objects}")
        if self.say is not None:
            _require_grasp_command(self.say)
        if self.wav is not None:
            read_wav(self.wav)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the folder {self.out} ({error.strerror}); choose another") from error


def _require_grasp_command(sentence: str) -> None:
    meaning = parse_command(sentence)
    if meaning is None or meaning.intent is not Intent.GRASP:
        raise InstructionError(
            f'{sentence!r} is no command to pick something up; say for example --say "pick up the red cube"'
        )
