"""The microphone: 32 ms blocks at 16 kHz, captured by PortAudio's own thread."""

from __future__ import annotations

import ctypes
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyaudio

from autoglm_embodied.errors import AudioError
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, from_pcm16

BLOCK = 512  # samples: 32 ms, what the activity detector takes at a time
QUEUED_BLOCKS = 300  # about 10 s of sound while the reader is delayed
READ_LIMIT_S = 3.0
PORTAUDIO = threading.Lock()  # held where PortAudio is initialised and ended, which is not safe on two threads


@dataclass(frozen=True)
class Block:
    """A block of captured sound."""

    receive_ns: int  # of its last sample, monotonic clock
    samples: SampleArray  # (BLOCK,)


class Microphone:
    """An open input device; use it as a context manager.

    Args:
        device: part of the device's name, or "" for the default one; to open it takes up to two seconds.
        clock: monotonic time [ns].

    Raises:
        AudioError: there is no such device, or it cannot be opened at 16 kHz.
    """

    def __init__(self, device: str = "", clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.lost = 0  # blocks, to a full queue or an overrun of the sound system
        self._clock = clock
        self._blocks: queue.Queue[Block] = queue.Queue(QUEUED_BLOCKS)
        require_alsa_config()
        with PORTAUDIO:
            silence_sound_libraries()
            self._portaudio = pyaudio.PyAudio()  # which lists the devices that there are now
        try:
            self._stream = self._open(device)
        except BaseException:
            self._terminate()
            raise

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def read(self, timeout_s: float = READ_LIMIT_S) -> Block:
        """The next block, waiting for it.

        Raises:
            AudioError: none was captured within `timeout_s`: the device is gone.
        """
        try:
            return self._blocks.get(timeout=timeout_s)
        except queue.Empty as error:
            raise AudioError(
                f"the microphone gave no sound for {timeout_s:g} s; check that it is plugged in and not muted"
            ) from error

    def close(self) -> None:
        """Stop capturing and give the device back."""
        with suppress(OSError):  # the device is gone
            self._stream.close()
        self._terminate()

    def _terminate(self) -> None:
        with PORTAUDIO:
            self._portaudio.terminate()

    def _open(self, device: str) -> pyaudio.PyAudio.Stream:
        index, name = self._find(device)
        try:
            return self._portaudio.open(
                rate=RATE_HZ,
                channels=1,
                format=pyaudio.paInt16,
                input=True,
                input_device_index=index,
                frames_per_buffer=BLOCK,
                stream_callback=self._receive,
            )
        except OSError as error:
            raise AudioError(
                f"cannot record from {name!r} at {RATE_HZ} Hz ({error.args[-1]}): it is busy or cannot do that rate; "
                f"inputs are {self._names()}"
            ) from error

    def _find(self, device: str) -> tuple[int, str]:
        inputs = self._inputs()
        if not inputs:
            without = "`autoglm demo` without --mic, launch files with voice:=false"
            raise AudioError(f"there is no microphone; plug one in, or do without it: {without}")
        if device:
            for index, name in inputs.items():
                if device.lower() in name.lower():
                    return index, name
            raise AudioError(f"there is no microphone {device!r}; inputs are {self._names()}")
        try:
            index = int(self._portaudio.get_default_input_device_info()["index"])
        except OSError as error:
            raise AudioError(f"no default microphone is set; name one of {self._names()}") from error
        return index, inputs[index]

    def _inputs(self) -> dict[int, str]:
        devices = map(self._portaudio.get_device_info_by_index, range(self._portaudio.get_device_count()))
        return {int(found["index"]): str(found["name"]) for found in devices if int(found["maxInputChannels"]) > 0}

    def _names(self) -> str:
        return ", ".join(repr(name) for name in self._inputs().values())

    def _receive(self, data: bytes | None, frames: int, timing: Mapping[str, float], status: int) -> tuple[None, int]:
        # Called on PortAudio's thread: never wait here.
        self.lost += bool(status & pyaudio.paInputOverflow)
        if data is not None and frames == BLOCK:
            try:
                self._blocks.put_nowait(Block(self._clock(), from_pcm16(data)))
            except queue.Full:
                self.lost += 1
        return None, pyaudio.paContinue


_ALSA_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_JACK_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
_IGNORE_ALSA = _ALSA_HANDLER(lambda *_: None)  # the libraries keep pointers to these
_IGNORE_JACK = _JACK_HANDLER(lambda *_: None)


def require_alsa_config() -> None:
    """AudioError where ALSA's configuration is gone: PortAudio then aborts the process."""
    path = os.environ.get("ALSA_CONFIG_PATH")
    if path and not Path(path).is_file():
        raise AudioError(f"ALSA_CONFIG_PATH names {path}, but its sound server has ended; start it again")


def silence_sound_libraries() -> None:
    """Keep ALSA and JACK from writing a page to stderr about every device they do not find."""
    settings = (
        ("libasound.so.2", "snd_lib_error_set_handler", _IGNORE_ALSA),
        ("libjack.so.0", "jack_set_error_function", _IGNORE_JACK),
        ("libjack.so.0", "jack_set_info_function", _IGNORE_JACK),
    )
    for library, function, handler in settings:
        with suppress(OSError, AttributeError):  # the library is not on this machine
            getattr(ctypes.CDLL(library), function)(handler)
