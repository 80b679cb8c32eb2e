"""What an understood command is carried out as, and what is said to it: some are said of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from autoglm_embodied.command_language.description import instruction_of
from autoglm_embodied.policy.goal import PACE, TO_PERSON
from autoglm_embodied.types import CARRIED_OUT, Intent
from autoglm_embodied.voice.answer import Answer, Outcome, VoiceCommand

REMEMBERED_S = 60.0  # after which "again" and "no, the blue one" are said of nothing
ENDING = (Intent.STOP, Intent.CANCEL)  # what was commanded before is not repeated after these
REJECTING = (Intent.NO, Intent.NOT_THAT_ONE, Intent.OTHER_ONE)  # nor after these, but it may be corrected
PACES = (1.0, 0.7, 0.5, 0.35, 0.25)  # shares of the speed that is set; never more than that
PACED = (Intent.JOG, Intent.ROTATE, Intent.HOME, Intent.PLACE)


class Reply(NamedTuple):
    """What the operator is told, and what the robot is to do."""

    answer: Answer
    command: VoiceCommand | None = None  # None: nothing


class SpokenCommands:
    """Remembers the last command that moves something, until a stop; the last answer; and how fast to go.

    Args:
        status: says what the robot does, holds and senses, in a sentence; asked for where that is a question.
    """

    def __init__(self, status: Callable[[], str] = lambda: "") -> None:
        self._status = status
        self._last: VoiceCommand | None = None
        self._rejected = False  # whether the last command was not what was meant
        self._told: Answer | None = None
        self._pace = 0  # of PACES

    def reply(self, answer: Answer) -> Reply:
        """What is told and done for the answer to an utterance; what cannot be done is refused, and moves nothing."""
        command = answer.command
        if command is None or answer.outcome is not Outcome.UNDERSTOOD:
            reply = Reply(answer)
        elif command.intent is Intent.REPEAT:
            return Reply(self._repeated(command))
        elif command.intent in (Intent.FASTER, Intent.SLOWER):
            reply = Reply(self._change_pace(command))
        elif command.intent in REJECTING:
            reply = self._reject(command)
        elif command.intent is Intent.QUESTION:
            told = self._status()
            said = told or "fusion_node tells nothing; start it, or wait until it is active"
            reply = Reply(replace(answer, outcome=answer.outcome if told else Outcome.REFUSED, sentence=said))
        else:
            reply = self._carry_out(answer, command)
        self._told = reply.answer
        return reply

    def _carry_out(self, answer: Answer, command: VoiceCommand) -> Reply:
        found = self._meant(command)
        if command.intent in ENDING:
            self._last = None
        if found is None:
            why = "nothing was asked" if command.intent is Intent.YES else "there is nothing that it is said of"
            return Reply(Answer(Outcome.REFUSED, f"{command.meaning}: {why}", command))
        if command.intent not in (*ENDING, Intent.RESUME):
            self._last, self._rejected = found, False
        if found.intent in PACED and self._pace:
            found = replace(found, slots={**found.slots, PACE: f"{PACES[self._pace]:g}"})
        return Reply(answer, found)

    def _meant(self, command: VoiceCommand) -> VoiceCommand | None:
        last = self._last
        if last is not None and (command.end_ns - last.end_ns) / 1e9 > REMEMBERED_S:
            last = None
        if command.intent is Intent.HAND_OVER:
            return replace(command, intent=Intent.PLACE, slots=TO_PERSON)
        if command.intent is Intent.AGAIN and last is not None and not self._rejected:
            return replace(command, intent=last.intent, instruction=last.instruction, slots=last.slots)
        if command.intent is Intent.CORRECT and last is not None and last.intent is Intent.GRASP:
            return replace(command, intent=Intent.GRASP, instruction=instruction_of(dict(command.slots)))
        return command if command.intent in CARRIED_OUT else None

    def _reject(self, command: VoiceCommand) -> Reply:
        """Give up what runs, whoever asked for it: which other object is meant is not guessed."""
        self._rejected = True
        said = "whatever ran is given up, and nothing moves"
        if command.intent is not Intent.NO:
            said += "; say which one is meant, such as 'no, the blue one'"
        answer = Answer(Outcome.UNDERSTOOD, f"{command.meaning}: {said}", command)
        return Reply(answer, replace(command, intent=Intent.CANCEL, slots={}))

    def _change_pace(self, command: VoiceCommand) -> Answer:
        """Steps, ways home and places go faster or slower from the next one on, never beyond the speed that is set."""
        pace = self._pace + (1 if command.intent is Intent.SLOWER else -1)
        if not 0 <= pace < len(PACES):
            why = "set actions.travel_m_s higher" if pace < 0 else "say stop, or how far to move"
            said = f"{PACES[self._pace]:.0%} of the set speed is as {command.meaning[:4]} as it goes; {why}"
            return Answer(Outcome.REFUSED, f"{command.meaning}: {said}", command)
        self._pace = pace
        said = f"from the next step on {PACES[pace]:.0%} of the set speed, but for grasps"
        return Answer(Outcome.UNDERSTOOD, f"{command.meaning}: {said}", command)

    def _repeated(self, command: VoiceCommand) -> Answer:
        """What was told last, again; nothing is done again."""
        if self._told is None:
            return Answer(Outcome.REFUSED, "nothing was said yet", command)
        asks = self._told.outcome is Outcome.ASKED
        return Answer(Outcome.ASKED if asks else Outcome.UNDERSTOOD, self._told.sentence, command)
