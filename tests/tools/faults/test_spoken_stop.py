"""When a spoken stop reaches the robot, of commands whose times are known, and of a sound whose word is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.tools.cli import main
from autoglm_embodied.tools.faults.spoken_stop import WORD, speak, stopped_ms
from autoglm_embodied.voice.recording import RATE_HZ, read_wav

MS = 1_000_000
MOVES, STANDS = np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.0]), np.zeros(6)


@pytest.mark.parametrize(
    ("commands", "expected_ms"),
    [
        ([(0, MOVES), (990 * MS, MOVES), (1200 * MS, STANDS), (1300 * MS, STANDS)], 200.0),
        ([(0, MOVES), (1100 * MS, STANDS), (1110 * MS, MOVES), (1250 * MS, STANDS)], 250.0),  # held up for a moment
        ([(0, MOVES), (800 * MS, STANDS)], -200.0),
        ([(0, MOVES), (1400 * MS, MOVES)], None),
        ([(0, MOVES), (2900 * MS, STANDS)], None),  # whatever that was for
    ],
)
def test_the_delay_is_to_the_zero_after_which_the_arm_stood(
    commands: list[tuple[int, np.ndarray]], expected_ms: float | None
) -> None:
    assert stopped_ms(commands, 1000 * MS) == expected_ms


def test_the_word_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    spoken = speak(np.random.default_rng(0), tmp_path)
    samples = np.abs(read_wav(spoken.path))
    begin, end = round(spoken.begins_s * RATE_HZ), round(spoken.ends_s * RATE_HZ)
    assert spoken.what.endswith(repr(WORD)) and 0.2 < spoken.ends_s - spoken.begins_s < 0.8
    assert samples[end + 1 :].max() < 0.01 and samples[begin - RATE_HZ // 5 : begin].max() < 0.01
    assert samples[begin : begin + RATE_HZ // 20].max() > 0.01 and samples[end - RATE_HZ // 20 : end].max() > 0.01


def test_no_words_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "stop", "--words", "0"]) == 2
    assert "--words must be 1 or more, got 0" in capsys.readouterr().err
