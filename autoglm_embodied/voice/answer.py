"""Answers: what is made of an utterance. Every one is understood, asked about, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from autoglm_embodied.command_language.prohibition import is_prohibition
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import MOVES, Intent
from autoglm_embodied.voice.interpretation import Interpretation, interpret
from autoglm_embodied.voice.recogniser import Transcript
from autoglm_embodied.voice.segmenter import Utterance

LEADS_TO_MOTION = MOVES | {Intent.YES}  # a "yes" carries out what was asked


@dataclass(frozen=True)
class CommandSettings:
    """What it takes that a recognised command is carried out. Confidences are probabilities that it was meant.

    The activity detector must have detected speech, long enough for the number of words, and the recogniser must be
    confident. What is less certain is asked back, and carried out after a "yes". A stop needs little confidence and is
    never too old, as it moves nothing; a resume needs most, as it undoes a stop.
    """

    least_confidence: float = setting(0.85, "at which a command is carried out", least=0.0, most=1.0)
    least_stop_confidence: float = setting(0.2, "at which a stop is", least=0.0, most=1.0)
    least_resume_confidence: float = setting(0.9, "at which a resume is", least=0.0, most=1.0)
    least_asked_confidence: float = setting(0.4, "at which it is asked whether it was meant", least=0.0, most=1.0)
    asked_s: float = setting(8.0, "time in which a yes is an answer", least=0.1, most=600.0)
    most_no_speech: float = setting(0.5, "probability that it was no speech", least=0.0, most=1.0)
    most_words_per_s: float = setting(7.0, "words a second; people speak 2 to 4, fast talkers 6", least=0.1, most=100.0)
    most_latency_s: float = setting(
        10.0, "time from the end of the speech after which a command is no longer what is wanted", least=0.1, most=600.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "command")


@dataclass(frozen=True)
class VoiceCommand:
    """A command. Times are on the monotonic clock."""

    intent: Intent
    text: str  # as recognised
    instruction: str  # normalised, of a grasp
    language: str  # BCP-47
    confidence: float  # 0..1
    end_ns: int  # end of the speech
    speech_ns: int  # duration of the speech; 0 where it was not measured
    latency_ns: int  # from the end of the speech to its recognition
    slots: Mapping[str, str] = field(default_factory=dict)  # of the intent, in canonical English

    @property
    def meaning(self) -> str:
        """What it asks for, in English: "pick up the red cube", "jog left 5 cm"."""
        words = [self.intent.name.lower(), *(_said(slot, value) for slot, value in self.slots.items())]
        return self.instruction or " ".join(words).replace("_", " ")


def _said(slot: str, value: str) -> str:
    if slot == "amount":
        return {"little": "a little", "half": "halfway"}.get(value, value)
    if slot in ("distance_m", "width_m"):
        return f"{'to ' if slot == 'width_m' else ''}{100 * float(value):g} cm"
    return f"{value} degrees" if slot == "angle_deg" else f"not {value}" if slot.startswith("not_") else value


class Outcome(Enum):
    """What became of an utterance."""

    UNDERSTOOD = "understood"
    ASKED = "asked"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """What the operator is told."""

    outcome: Outcome
    sentence: str
    command: VoiceCommand | None = None  # to be carried out if it was understood


class Dialogue:
    """Answers utterances one after the other, and remembers what was asked.

    Args:
        language: BCP-47, of what is said.
        settings: what a command takes.
    """

    def __init__(self, language: str, settings: CommandSettings) -> None:
        self._language, self._settings = language, settings
        self._asked: VoiceCommand | None = None

    def answer(self, utterance: Utterance, transcript: Transcript, now_ns: int) -> Answer:
        """What is made of an utterance.

        Args:
            utterance: the speech.
            transcript: what may have been said.
            now_ns: on the monotonic clock.
        """
        answer = answer_utterance(utterance, transcript, self._language, now_ns, self._settings)
        asked, self._asked = self._asked, None
        if answer.outcome is Outcome.ASKED:
            self._asked = answer.command
        elif answer.command is not None and answer.outcome is Outcome.UNDERSTOOD and asked is not None:
            fresh = utterance.start_ns - asked.end_ns <= self._settings.asked_s * 1e9
            if fresh and answer.command.intent is Intent.REPEAT:
                self._asked = replace(asked, end_ns=answer.command.end_ns)  # it is asked once more
            if fresh and answer.command.intent is Intent.YES:
                times = {name: getattr(answer.command, name) for name in ("end_ns", "speech_ns", "latency_ns")}
                return understood(replace(asked, **times))
            if fresh and answer.command.intent is Intent.NO:
                return Answer(Outcome.REFUSED, f"then not: {asked.meaning}")
        return answer


def understood(command: VoiceCommand) -> Answer:
    """The answer to a command that is carried out."""
    return Answer(Outcome.UNDERSTOOD, command.meaning, command)


def answer_utterance(
    utterance: Utterance, transcript: Transcript, language: str, now_ns: int, settings: CommandSettings
) -> Answer:
    """What is made of an utterance by itself; the arguments are those of `Dialogue` and its `answer`."""
    found = interpret(transcript, language)
    if found is None:
        heard = (
            f"{transcript.text[:100]!r} is no command; say it in other words"
            if transcript.text
            else "no speech was recognised"
        )
        return Answer(Outcome.REFUSED, heard)
    command = _command(found, utterance, language, now_ns)
    if reason := _doubt(command, utterance, transcript, settings):
        return Answer(Outcome.REFUSED, reason)
    if command.intent in LEADS_TO_MOTION and is_prohibition(transcript.text, language):
        return Answer(Outcome.REFUSED, f"{transcript.text[:100]!r} forbids it; nothing is done")
    is_doubtful = command.intent in LEADS_TO_MOTION and found.may_be_prohibited
    if is_doubtful and command.intent is Intent.YES:
        return Answer(Outcome.REFUSED, f"{transcript.text[:100]!r} may forbid it; nothing is done")
    special = {Intent.STOP: settings.least_stop_confidence, Intent.RESUME: settings.least_resume_confidence}
    if not is_doubtful and command.confidence >= special.get(command.intent, settings.least_confidence):
        return understood(command)
    if command.confidence >= settings.least_asked_confidence:
        return Answer(Outcome.ASKED, f"did you mean: {command.meaning}? say yes, or say it again", command)
    return Answer(Outcome.REFUSED, "that was not clear; say it again")


def _command(found: Interpretation, utterance: Utterance, language: str, now_ns: int) -> VoiceCommand:
    return VoiceCommand(
        intent=found.command.intent,
        text=found.text,
        instruction=found.command.instruction,
        language=language,
        confidence=found.probability,
        end_ns=utterance.end_ns,
        speech_ns=utterance.end_ns - utterance.start_ns,
        latency_ns=now_ns - utterance.end_ns,
        slots=found.command.slots,
    )


def _doubt(command: VoiceCommand, utterance: Utterance, transcript: Transcript, settings: CommandSettings) -> str:
    """Why a command is not to be trusted whatever its confidence; empty where there is no such reason."""
    if command.intent is not Intent.STOP and command.latency_ns > settings.most_latency_s * 1e9:
        return f"understood only after {command.latency_ns / 1e9:.0f} s; say it again"
    if transcript.no_speech > settings.most_no_speech:
        return "that was hardly speech; say it again"
    if len(command.text.split()) > settings.most_words_per_s * utterance.speech_s:
        return "that was too short for what was recognised; say it again"
    return ""
