"""Speech that the stop channel learns from and that voice is measured on, made by speech synthesis programs.

In its texts brackets say where the word is: "please [stop] now". Clips are kept in parts of one engine each: what was
stopped goes on after its last whole part, and whole engines can be held out.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.voice.recording import SampleArray, from_pcm16, read_resampled, to_pcm16
from autoglm_embodied.whole_file import whole_file

WORD = "stop"
SENTENCE_WORDS = (3, 14)  # least and most
ALONE = ("[stop]", "[stop]", "[stop]!", "[stop].", "[stop]?")
REPEATED = ("[stop], [stop]", "[stop]! [stop]!", "[stop] [stop] [stop]", "[stop], [stop], [stop]!")
BEFORE = (
    *("robot", "please", "now", "hey", "okay", "wait", "no", "and", "just", "then", "oh", "quick", "arm"),
    *("no no", "i said", "you must", "it should", "tell it to", "hey robot", "you have to", "please just"),
)
AFTER = (
    *("now", "it", "that", "please", "robot", "there", "here", "moving", "everything", "right there"),
    *("right now", "the robot", "the arm", "at once", "immediately", "what you are doing", "and wait"),
)
SOUNDS_LIKE_IT = """
top shop step start stock stuff drop what spot stomach staff stack stoop steep stab stamp stump stomp store stone stall
storm star stuck stick state still stand stay strap strip soup swap snap slop slap sharp chop hop pop cop mop crop prop
flop lap tap tape tub talk task dock dot dog got not hot knock lock rock sock clock block box sob scott spa stark
""".split()
PHRASES = (
    *("top of the", "on top", "at the top", "the shop", "step back", "next step", "start now", "start again"),
    *("let it drop", "a lot of stuff", "that spot", "best of all", "just a bit", "first of all", "last of it"),
    *("stood up", "stayed up", "step up", "sit up", "set up", "slow down", "hold on", "faster", "resume", "continue"),
    *("cancel", "pick up the red cube", "grab the blue ball", "put it on top of the box", "take the small one"),
    *("open the gripper", "close the gripper", "move left", "move up two inches", "turn it around", "hand it over"),
    *("go home", "the other one", "not that one", "one two three", "four five six", "seven eight nine ten"),
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, in lower case, neither short nor long, and without any form of the word."""
    found = [" ".join(re.findall(r"[a-z]+(?:'[a-z]+)?", each.lower())) for each in re.split(r"[.!?;:]+|\n\s*\n", text)]
    least, most = SENTENCE_WORDS
    return [each for each in found if least <= len(each.split()) <= most and WORD not in each]


def spoken(text: str) -> str:
    """What is to be said of a text."""
    return text.replace("[", "").replace("]", "")


def place_of_word(text: str) -> str:
    """Where the word is: "alone", "end", "start", "middle", "repeated" or "none"."""
    before, *after = text.split("[")
    if len(after) != 1:
        return "repeated" if after else "none"
    if re.search(r"\w", after[0].partition("]")[2]):
        return "middle" if before else "start"
    return "end" if before else "alone"


def sounds_like_it(text: str) -> bool:
    """Whether a text holds a word that sounds like the word."""
    return not {*SOUNDS_LIKE_IT}.isdisjoint(text.split())


def draw_text(rng: np.random.Generator, others: Sequence[str]) -> str:
    """A text: in about three of five the word, else what sounds like it, or one of `others`, which are sentences."""

    def one(choices: Sequence[str]) -> str:
        return choices[int(rng.integers(len(choices)))]

    def before() -> str:
        return one(BEFORE) if rng.random() < 0.5 else " ".join(one(others).split()[: rng.integers(1, 4)])

    def after() -> str:
        return one(AFTER) if rng.random() < 0.5 else " ".join(one(others).split()[-rng.integers(1, 4) :])

    def like_it() -> str:
        near = one(SOUNDS_LIKE_IT) if rng.random() < 0.7 else one(PHRASES)
        return near if rng.random() < 0.6 else f"{before()} {near}"

    kinds: tuple[tuple[float, Callable[[], str]], ...] = (
        (0.22, lambda: one(ALONE)),
        (0.04, lambda: one(REPEATED)),
        (0.18, lambda: f"{before()}{one((' ', ' ', ', '))}[stop]{one(('', '!'))}"),
        (0.10, lambda: f"[stop] {after()}"),
        (0.08, lambda: f"{before()} [stop] {after()}"),
        (0.16, like_it),
        (0.22, lambda: one(others)),
    )
    return kinds[rng.choice(len(kinds), p=[share for share, _ in kinds])][1]()


PART = 50  # clips
SYNTHESIS_LIMIT_S = 900.0  # of a part, by a large network on a busy machine
PLAIN, VARIED = 0.0, 1.0  # manners of speaking
QUIET = 0.01  # of the loudest sample: silence at the ends of a clip
ESPEAK_ACCENTS = "en-us en-gb en-gb-scotland en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029 de fr es it nl sv".split()
ESPEAK_VARIANTS = """
m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 klatt klatt2 klatt3 klatt4 croak Alex Alicia Andrea Andy anikaRobot Annie
antonio AnxiousAndy aunty belinda benjamin boris caleb david Denis Diogo ed edward edward2 gene Gene2 Henrique Hugo
iven iven2 iven3 Jacky john kaukovalta Lee linda marcelo Marco Mario max Michael michel Mike Mr_serious norbert pablo
paul pedro quincy Reed RicishayMax rob robert sandro shelby steph steph2 steph3 travis Tweaky victor zac
""".split()
ESPEAK_COMMAND = "-s {words_per_minute} -p {pitch_of_100} -w {wav} --stdin"
PICO_TEXT = '<pitch level="{pitch_percent}"><speed level="{tempo_percent}">{text}</speed></pitch>'


@dataclass(frozen=True)
class Engine:
    """A speech synthesis program: `command` with fields in braces (see `_fields`), and its voices.

    It writes {wav}; one that has {folder} instead speaks each line of its input into a file there, in their order.
    """

    command: str
    voices: Sequence[str]


ENGINES = {
    "espeak-ng": Engine(
        f"espeak-ng -v {{voice}} {ESPEAK_COMMAND}",
        [f"{accent}+{variant}" for accent in ESPEAK_ACCENTS for variant in ESPEAK_VARIANTS],
    ),
    "mbrola": Engine(f"espeak-ng -v mb-{{voice}} {ESPEAK_COMMAND}", ("us1", "us2", "us3", "en1")),
    "festival": Engine(
        "text2wave -o {wav} -eval '(begin (voice_{voice}) (Parameter.set (quote Duration_Stretch) {stretch}))'",
        ("don_diphone", "rab_diphone", "ked_diphone"),
    ),
    "flite": Engine(
        "flite -voice {voice} --setf duration_stretch={stretch} -t {text} -o {wav}", ("slt", "rms", "awb", "kal16")
    ),
    "rhvoice": Engine(
        "RHVoice-test -p {voice} -r {tempo_percent} -t {pitch_percent} -o {wav}",
        ("alan", "bdl", "clb", "evgeniy-eng", "lyubov", "slt"),
    ),
    "pico": Engine(f"pico2wave -l {{voice}} -w {{wav}} '{PICO_TEXT}'", ("en-US", "en-GB")),
    "piper": Engine("piper -m {voice} --length-scale {stretch} --noise-scale {noise} --output-dir {folder}", ()),
}


@dataclass(frozen=True)
class SpeechClip:
    """A text, spoken, without silence before and after it."""

    samples: SampleArray  # (n,)
    text: str  # with the word in brackets, if it is said
    voice: str

    @property
    def place(self) -> str:
        """Where the word is, see `place_of_word`."""
        return place_of_word(self.text)


def synthesise_clips(
    engine: Engine,
    folder: Path,
    count: int,
    others: Sequence[str],
    seed: int,
    report: Callable[[int], None],
    prefix: str = "",
    given: Sequence[str] = (),
) -> None:
    """Speak texts into parts in a folder, beginning after those that are there.

    They are drawn for the stop channel, or are given, such as the commands that a recogniser is measured on.

    Args:
        engine: the program and its voices.
        folder: of this engine alone.
        count: number of clips, in the end.
        others: sentences without the word.
        seed: of texts, voices and their manner.
        report: called with the number of clips that are there.
        prefix: command that runs a command elsewhere, such as `chroot DIR`, and shares the temporary folder.
        given: `count` texts to speak in this order instead of drawn ones, each at the usual tempo and pitch.

    Raises:
        ConfigError: the engine has no voices, or there are no sentences.
        SetupError: its program is not there, or cannot speak.
    """
    if not engine.voices or not (others or given):
        raise ConfigError("name --voice for an engine that has none of its own, and a --text that holds sentences")
    program = (prefix or engine.command).split(" ")[0]
    if shutil.which(program) is None:
        raise SetupError(f"{program} is not installed; install it, or name another engine")
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(-(-count // PART)):
        path = folder / f"{part:04d}.npz"
        if not path.is_file():
            rng = np.random.default_rng([seed, part])
            texts = given[part * PART : (part + 1) * PART] or [draw_text(rng, others) for _ in range(PART)]
            _save(path, _speak_part(engine, texts, rng, shlex.split(prefix), VARIED if not given else PLAIN))
        report(min(count, (part + 1) * PART))


def load_clips(folder: Path) -> list[SpeechClip]:
    """The clips of one engine, in order.

    Raises:
        ConfigError: there are none, or a file holds something else.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise ConfigError(f"there is no speech in {folder}; make it with `autoglm train-stop speech`")
    return [clip for path in paths for clip in _load(path)]


def _speak_part(
    engine: Engine, texts: Sequence[str], rng: np.random.Generator, prefix: Sequence[str], manner: float
) -> list[SpeechClip]:
    if "{folder}" in engine.command:
        return _speak(engine, texts, rng, prefix, manner)
    return [clip for text in texts for clip in _speak(engine, [text], rng, prefix, manner)]


def _speak(
    engine: Engine, texts: Sequence[str], rng: np.random.Generator, prefix: Sequence[str], manner: float
) -> list[SpeechClip]:
    """Texts in one voice and manner; none of those where nothing was to be heard."""
    voice = engine.voices[int(rng.integers(len(engine.voices)))]
    said = "\n".join(map(spoken, texts))
    with tempfile.TemporaryDirectory(prefix="autoglm-speech-") as folder:
        fields = _fields(rng, manner) | {"voice": voice, "text": said, "folder": folder, "wav": f"{folder}/spoken.wav"}
        command = [*prefix, *_filled(engine.command, fields)]
        try:
            subprocess.run(
                command, input=f"{said}\n", text=True, check=True, capture_output=True, timeout=SYNTHESIS_LIMIT_S
            )
            spoken_samples = [_trimmed(read_resampled(path)) for path in sorted(Path(folder).glob("*.wav"))]
        except (OSError, subprocess.SubprocessError, wave.Error, EOFError) as error:
            raise SetupError(f"{command[0]} could not say {said[:60]!r} ({error}); try another voice") from error
    if len(spoken_samples) != len(texts):
        raise SetupError(
            f"{command[0]} said {len(spoken_samples)} of {len(texts)} lines; it must write one file for each"
        )
    pairs = zip(spoken_samples, texts, strict=True)
    return [SpeechClip(samples, text, voice) for samples, text in pairs if samples.size]


def _filled(command: str, fields: Mapping[str, object]) -> list[str]:
    """The words of a command, with its fields."""
    try:
        return [word.format(**fields) for word in shlex.split(command)]
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigError(f"the command {command!r} is not understood; its fields are {', '.join(fields)}") from error


def _fields(rng: np.random.Generator, manner: float) -> dict[str, object]:
    """A manner of speaking, as the programs want it told: PLAIN, or as far from it as VARIED."""
    ranges = ((0.75, 1.4), (0.75, 1.5))
    tempo, pitch = (float(np.exp(manner * rng.uniform(np.log(low), np.log(high)))) for low, high in ranges)
    return {
        "stretch": f"{1 / tempo:.2f}",
        "words_per_minute": round(165 * tempo),
        "tempo_percent": round(100 * tempo),
        "pitch_percent": round(100 * pitch),
        "pitch_of_100": min(99, round(45 * pitch)),
        "noise": f"{rng.uniform(0.4, 1.0):.2f}",
    }


def _trimmed(samples: SampleArray) -> SampleArray:
    loud = np.flatnonzero(np.abs(samples) > max(QUIET * np.abs(samples).max(initial=0.0), 1e-3))
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


def _save(path: Path, clips: Sequence[SpeechClip]) -> None:
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            pcm16=np.frombuffer(b"".join(to_pcm16(clip.samples) for clip in clips), dtype="<i2"),
            ends=np.cumsum([len(clip.samples) for clip in clips]),
            texts=np.array([clip.text for clip in clips], dtype=str),
            voices=np.array([clip.voice for clip in clips], dtype=str),
        )


def _load(path: Path) -> list[SpeechClip]:
    try:
        with np.load(path) as part:
            pieces = np.split(part["pcm16"], part["ends"][:-1])
            named = zip(pieces, part["texts"].tolist(), part["voices"].tolist(), strict=True)
            return [SpeechClip(from_pcm16(pcm16.tobytes()), text, voice) for pcm16, text, voice in named]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigError(f"{path} is no speech of `autoglm train-stop speech` ({error}); make it again") from error
