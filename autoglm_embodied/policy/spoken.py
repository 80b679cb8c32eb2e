"""What an understood command is carried out as: some are said of the one before, and a hand over is a place."""

from __future__ import annotations

from dataclasses import replace

from autoglm_embodied.command_language.description import instruction_of
from autoglm_embodied.policy.goal import TO_PERSON
from autoglm_embodied.types import CARRIED_OUT, Intent
from autoglm_embodied.voice.answer import VoiceCommand

REMEMBERED_S = 60.0  # after which "again" and "no, the blue one" are said of nothing
ENDING = (Intent.STOP, Intent.CANCEL)  # what was commanded before is not repeated after these


class SpokenCommands:
    """Remembers the last command that moves something, until a stop."""

    def __init__(self) -> None:
        self._last: VoiceCommand | None = None

    def carried_out(self, command: VoiceCommand) -> VoiceCommand | None:
        """The command to carry out; None where nothing can be, which changes nothing."""
        found = self._meant(command)
        if command.intent in ENDING:
            self._last = None
        elif found is not None and found.intent is not Intent.RESUME:
            self._last = found
        return found

    def _meant(self, command: VoiceCommand) -> VoiceCommand | None:
        last = self._last
        if last is not None and (command.end_ns - last.end_ns) / 1e9 > REMEMBERED_S:
            last = None
        if command.intent is Intent.HAND_OVER:
            return replace(command, intent=Intent.PLACE, slots=TO_PERSON)
        if command.intent is Intent.AGAIN and last is not None:
            return replace(command, intent=last.intent, instruction=last.instruction, slots=last.slots)
        if command.intent is Intent.CORRECT and last is not None and last.intent is Intent.GRASP:
            return replace(command, intent=Intent.GRASP, instruction=instruction_of(dict(command.slots)))
        return command if command.intent in CARRIED_OUT else None
