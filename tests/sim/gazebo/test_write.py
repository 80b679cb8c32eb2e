from __future__ import annotations

from pathlib import Path

import pytest
from autoglm_embodied_sim.gazebo.world import main


def test_the_command_prints_the_worlds_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path / "new"), "--seed", "4", "--gazebo", "ignition", "--camera-file", ""]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == tmp_path / "new" / "world.sdf" and "ignition-gazebo-physics-system" in path.read_text()


def test_the_same_seed_writes_the_same_world(tmp_path: Path) -> None:
    texts = []
    for seed in ("5", "5", "6"):
        main(["--folder", str(tmp_path), "--seed", seed])
        texts.append((tmp_path / "world.sdf").read_text())
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gazebo", "gzz"], "Gazebo must be one of gz, ignition, classic, got 'gzz'"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--count", "7"], "there are 6 colours"),
        (["--count", "0"], "--count 1 or more"),
        (["--folder", "/proc/no"], "cannot write a world to /proc/no"),
        (["--camera-file", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_bad_input_gives_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(tmp_path), *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said and len(said.strip().splitlines()) == 1
