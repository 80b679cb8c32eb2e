"""A private PulseAudio server: a virtual microphone, with the real capture path, for a machine that has none.

The monitor of its null sink records what is played into it, and is the default microphone of every process that has
the server's environment. Nothing outside a temporary folder is touched, so several servers, and the user's own, run
side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import wave
from pathlib import Path

from autoglm_embodied.errors import AudioError, SetupError

SINK = "autoglm"
START_LIMIT_S = 10.0
END_LIMIT_S = 3.0

SERVER_OPTIONS = (
    *("-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"),
    *("--realtime=no", "--high-priority=no", "--log-level=error"),
)

# norewinds keeps the sink from rendering two seconds ahead: a microphone opens in 40 ms instead of 2 s.
# module-cli reads the pipe this process holds: when this process dies, however it dies, so does the server.
SERVER_SCRIPT = f"""
load-module module-null-sink sink_name={SINK} rate=16000 channels=1 format=s16le norewinds=1
load-module module-native-protocol-unix socket={{socket}} auth-anonymous=1 auth-cookie-enabled=0
set-default-sink {SINK}
set-default-source {SINK}.monitor
load-module module-cli exit_on_eof=1
"""

ALSA_CONFIG = """
pcm.!default {{ type pulse server "unix:{socket}" }}
ctl.!default {{ type pulse server "unix:{socket}" }}
"""


class SoundServer:
    """A running private server; use it as a context manager.

    Raises:
        SetupError: PulseAudio is not installed, or the server does not come up.
    """

    def __init__(self) -> None:
        for program in ("pulseaudio", "pacat"):
            if not shutil.which(program):
                raise SetupError(
                    f"{program} is not installed; install it with "
                    "`apt install pulseaudio pulseaudio-utils libasound2-plugins`, or use a microphone"
                )
        self._folder = Path(tempfile.mkdtemp(prefix="autoglm-sound-"))
        try:
            # Variables a process needs so that its default microphone and speaker are this server's.
            self.environment = self._write_configuration()
            self.start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def __enter__(self) -> SoundServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, after `end` at the same address."""
        self._server = self._start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the server, as one that crashed or a microphone that was unplugged; more than once is fine."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        try:
            self._server.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        (self._folder / "native").unlink(missing_ok=True)

    def play(self, path: Path) -> None:
        """Play the WAV at `path` (see `recording.read_wav`) into the microphone; returns when it has been played.

        Raises:
            AudioError: the server does not play it.
        """
        with wave.open(str(path), "rb") as recording:
            data = recording.readframes(recording.getnframes())
            rate, channels = recording.getframerate(), recording.getnchannels()
        # No --latency-msec: the default buffer of 2 s starts as fast, and does not run dry on a busy machine.
        sound = ("--format=s16le", f"--rate={rate}", f"--channels={channels}")
        try:
            subprocess.run(
                ["pacat", "--playback", f"--device={SINK}", *sound],
                input=data,
                env={**os.environ, **self.environment},
                check=True,
                capture_output=True,
                timeout=len(data) / (2 * rate * channels) + 10,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise AudioError(f"the sound server did not play {path} ({error}); start again") from error

    def close(self) -> None:
        """End the server and remove its files; more than once is fine."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_configuration(self) -> dict[str, str]:
        socket = self._folder / "native"
        if len(str(socket)) > 100:  # of the 107 bytes a Unix socket's path may have
            raise SetupError(f"the path of {self._folder.parent} is too long for a socket; set TMPDIR to a shorter one")
        (self._folder / "server.pa").write_text(SERVER_SCRIPT.format(socket=socket))
        (self._folder / "asound.conf").write_text(ALSA_CONFIG.format(socket=socket))
        return {
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_COOKIE": str(self._folder / "cookie"),
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
        }

    def _start(self) -> subprocess.Popen[bytes]:
        private = {name: str(self._folder) for name in ("HOME", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")}
        outside = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME")}
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                ["pulseaudio", *SERVER_OPTIONS, "-F", "server.pa"],
                cwd=self._folder,
                env={**outside, **private},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the caller, who closes the server last
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._server.poll() is None:
            if (self._folder / "native").exists():
                return
            time.sleep(0.02)
        log = " ".join((self._folder / "log").read_text(errors="replace").split())[-300:]
        raise SetupError(f"the private PulseAudio server did not start ({log or 'no reason given'}); use a microphone")
