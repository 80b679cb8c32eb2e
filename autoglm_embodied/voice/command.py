"""From recognised text to a command that may move the robot: the last checks before it leaves the voice room."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.grammar import understand
from autoglm_embodied.voice.recogniser import Transcript
from autoglm_embodied.voice.segmenter import Utterance


@dataclass(frozen=True)
class CommandSettings:
    """How sure the recogniser must be.

    A recogniser with a prompt can write a command where nobody spoke one. So text alone is never enough: the
    activity detector must have heard speech, long enough for the words there are, and the recogniser be sure.
    A stop needs little certainty and is never too old, as it moves nothing; a resume needs most, as it undoes
    a stop and a noisy "freeze" sounds like it.
    """

    least_confidence: float = 0.45
    least_stop_confidence: float = 0.2
    least_resume_confidence: float = 0.8
    most_no_speech: float = 0.5
    most_words_per_s: float = 7.0  # people speak 2 to 4 words a second, fast talkers 6
    most_latency_s: float = 10.0  # understood later, a command is no longer what is wanted

    def __post_init__(self) -> None:
        least = (self.least_confidence, self.least_stop_confidence, self.least_resume_confidence)
        fractions = (*least, self.most_no_speech)
        if not all(0.0 <= value <= 1.0 for value in fractions) or min(self.most_words_per_s, self.most_latency_s) <= 0:
            raise ConfigError("command: confidences and most_no_speech must be within 0..1, the other limits above 0")


@dataclass(frozen=True)
class VoiceCommand:
    """A command that was spoken. Times are of the monotonic clock."""

    intent: Intent
    text: str  # as recognised
    instruction: str  # normalised, of a grasp
    language: str  # BCP-47
    confidence: float  # 0..1
    end_ns: int  # end of the speech
    speech_ns: int  # duration of the speech
    latency_ns: int  # from the end of the speech until it was understood


def command_of(
    utterance: Utterance, transcript: Transcript, language: str, now_ns: int, settings: CommandSettings
) -> VoiceCommand | None:
    """The command in an utterance, or None where it holds none or not surely enough."""
    meaning = understand(transcript.text)
    if meaning is None or not _is_sure(utterance, transcript, meaning.intent, settings):
        return None
    latency_ns = now_ns - utterance.end_ns
    if meaning.intent is not Intent.STOP and latency_ns > settings.most_latency_s * 1e9:
        return None
    return VoiceCommand(
        intent=meaning.intent,
        text=transcript.text,
        instruction=meaning.instruction,
        language=language,
        confidence=transcript.confidence,
        end_ns=utterance.end_ns,
        speech_ns=utterance.end_ns - utterance.start_ns,
        latency_ns=latency_ns,
    )


def _is_sure(utterance: Utterance, transcript: Transcript, intent: Intent, settings: CommandSettings) -> bool:
    special = {Intent.STOP: settings.least_stop_confidence, Intent.RESUME: settings.least_resume_confidence}
    least = special.get(intent, settings.least_confidence)
    could_be_said = len(transcript.text.split()) <= settings.most_words_per_s * utterance.speech_s
    return transcript.confidence >= least and transcript.no_speech <= settings.most_no_speech and could_be_said
