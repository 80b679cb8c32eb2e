"""Python, graphics, sound, voice and weights of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from threading import Thread

from autoglm_embodied.ros.ticker import TICK_PRIORITY, set_real_time_priority
from autoglm_embodied.tools.doctor.finding import Finding, Need
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.sound_server import SoundServer


def speech() -> Finding:
    """Checks the recogniser's weights against their sha256 and loads them."""
    from autoglm_embodied.voice.recogniser import TINY_EN_SHA256, WhisperRecogniser

    WhisperRecogniser()
    return Finding("speech weights", True, f"Whisper tiny.en, sha256 {TINY_EN_SHA256[:12]}")


def policy() -> Finding:
    """Loads the policy that was shipped."""
    from autoglm_embodied.model.checkpoint import SHIPPED, load

    model = load(SHIPPED)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Finding("policy weights", True, f"{SHIPPED.name}, {parameters / 1e6:.1f} M parameters")


PYTHONS = ((3, 10), (3, 12))
EGL_LIMIT_S = 60.0
OPEN_GL = "from autoglm_embodied_sim.sensors.renderer import open_gl; open_gl()"
VOICE_PROGRAMS = ("flite", "espeak-ng")


def python() -> Finding:
    """The version of Python."""
    oldest, newest = PYTHONS
    ok = oldest <= sys.version_info[:2] <= newest
    advice = "" if ok else f"use Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
    return Finding("Python", ok, sys.version.split()[0], advice)


def graphics() -> Finding:
    """Whether the simulator can draw without a display. Asked in a process of its own: a bad driver may crash it."""
    environment = os.environ | {"MUJOCO_GL": "egl"}
    asked = subprocess.run(
        [sys.executable, "-c", OPEN_GL], env=environment, capture_output=True, text=True, timeout=EGL_LIMIT_S
    )
    if asked.returncode == 0:
        return Finding("EGL", True, "draws without a display")
    said = [line for line in asked.stderr.splitlines() if line.strip()]
    advice = "apt install libegl1 libegl-mesa0 libgl1-mesa-dri"
    return Finding("EGL", False, said[-1] if said else f"ended with status {asked.returncode}", advice)


def punctuality() -> Finding:
    """Real-time priority for the ticks, as ros2_control asks for; tried on a thread of its own."""
    granted: list[bool] = []
    thread = Thread(target=lambda: granted.append(set_real_time_priority(TICK_PRIORITY)))
    thread.start()
    thread.join()
    if granted == [True]:
        return Finding("real-time priority", True, "granted", need=Need.OPTION)
    advice = "for steadier ticks add `@realtime - rtprio 99` to /etc/security/limits.conf and join that group"
    return Finding("real-time priority", False, "not granted, ticks may be 3 ms late", advice, Need.OPTION)


def gpu() -> Finding:
    """A CUDA card that torch can use."""
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", True, torch.cuda.get_device_name(0), need=Need.OPTION)
    advice = "not needed; with an NVIDIA card, install its driver and a CUDA build of torch"
    return Finding("GPU", False, "none, the CPU is used", advice, Need.OPTION)


def sound_server() -> Finding:
    """A private sound server, the demo's microphone."""
    with SoundServer():
        return Finding("sound server", True, "a private PulseAudio starts")


def microphone() -> Finding:
    """The default microphone, for `--mic` and for a robot."""
    with Microphone() as opened:
        opened.read()
    return Finding("microphone", True, "the default one records at 16 kHz", need=Need.OPTION)


def voice_programs() -> Finding:
    """A program that speaks the demo's sentence."""
    found = [program for program in VOICE_PROGRAMS if shutil.which(program)]
    return Finding("voice program", bool(found), ", ".join(found) or "none", "" if found else "apt install flite")
