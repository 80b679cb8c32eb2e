"""Private sound servers: what is played is heard to the bit, side by side, and nothing stays behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from autoglm_embodied.errors import AudioError, SetupError
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.recording import SampleArray, write_wav
from autoglm_embodied.voice.sound_server import SoundServer

pytestmark = pytest.mark.slow

OWNER = """
import time
from autoglm_embodied.voice.sound_server import SoundServer
with SoundServer() as server:
    print(server.environment["PULSE_SERVER"], flush=True)
    time.sleep(600)
"""
LIMIT_S = 60.0
TRIES = 5  # sound has gaps where the machine stands still while it is played


def servers_at(socket: str) -> list[int]:
    """Ids of the PulseAudio processes whose runtime folder is the socket's."""
    folder = str(Path(socket.removeprefix("unix:")).parent)
    found = psutil.process_iter(["pid", "name", "environ"])
    servers = (one.info for one in found if one.info["name"] == "pulseaudio")
    return [one["pid"] for one in servers if (one["environ"] or {}).get("PULSE_RUNTIME_PATH") == folder]


def noise(path: Path, seed: int) -> SampleArray:
    samples = (np.random.default_rng(seed).integers(-9000, 9000, 16000) / 32768).astype(np.float32)
    write_wav(path, samples)
    return samples


def heard(server: SoundServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleArray:
    """All that the default microphone hears while `path` is played."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with Microphone() as microphone, ThreadPoolExecutor() as pool:
        blocks = [microphone.read(LIMIT_S)]
        playing = pool.submit(server.play, path)
        while not playing.done():
            blocks.append(microphone.read(LIMIT_S))
        blocks += [microphone.read(LIMIT_S) for _ in range(10)]
        playing.result()
    return np.concatenate([block.samples for block in blocks])


def contains(sound: SampleArray, part: SampleArray) -> bool:
    starts = np.flatnonzero(sound[: len(sound) - len(part) + 1] == part[0])
    return any(np.array_equal(sound[start : start + len(part)], part) for start in starts)


@pytest.fixture
def servers() -> Iterator[tuple[SoundServer, SoundServer]]:
    with SoundServer() as one, SoundServer() as other:
        yield one, other


def test_two_servers_at_once_each_hear_their_own_sound_to_the_bit(
    servers: tuple[SoundServer, SoundServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = [noise(tmp_path / f"{seed}.wav", seed) for seed in range(2)]
    for seed, server in enumerate(servers):
        for _ in range(TRIES):
            sound = heard(server, tmp_path / f"{seed}.wav", monkeypatch)
            if contains(sound, played[seed]):
                break
        assert contains(sound, played[seed])
        assert not contains(sound, played[1 - seed])


def test_a_microphone_that_does_not_exist_is_refused_with_those_that_do(
    servers: tuple[SoundServer, SoundServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers[0].environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AudioError, match="no microphone 'studio'; inputs are 'default'"):
        Microphone("studio")


def test_a_microphone_falls_silent_when_its_server_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    with SoundServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        microphone = Microphone()
        microphone.read(LIMIT_S)
    try:
        with pytest.raises(AudioError, match="gave no sound"):
            while True:
                microphone.read(timeout_s=0.5)
    finally:
        microphone.close()
    with pytest.raises(AudioError, match="its sound server has ended"):
        Microphone()


def test_nothing_is_left_after_an_exception() -> None:
    with pytest.raises(KeyError), SoundServer() as server:
        socket = server.environment["PULSE_SERVER"]
        assert len(servers_at(socket)) == 1
        raise KeyError
    assert not servers_at(socket)
    assert not Path(socket.removeprefix("unix:")).parent.exists()


def test_a_server_does_not_outlive_an_owner_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        socket = owner.stdout.readline().strip()
        running = servers_at(socket)
        owner.kill()
    assert len(running) == 1
    deadline = time.monotonic() + LIMIT_S
    while servers_at(socket) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not servers_at(socket)
    shutil.rmtree(Path(socket.removeprefix("unix:")).parent)  # a killed owner cannot


def test_a_machine_without_pulseaudio_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="apt install pulseaudio"):
        SoundServer()


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "pulseaudio"
    broken.write_text("#!/bin/sh\necho no sound today\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SetupError, match="did not start .no sound today"):
        SoundServer()
