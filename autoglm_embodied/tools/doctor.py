"""The doctor: checks of this machine (Python, ROS 2, topics, graphics, sound, weights), and advice on failures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console
from rich.table import Table

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import AutoGLMError, SetupError
from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.metrics import Report
from autoglm_embodied.ros.ticker import TICK_PRIORITY, set_real_time_priority
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.sound_server import SoundServer


class Need(Enum):
    """Whether the demo needs an item."""

    DEMO = "needed"
    OPTION = "optional"


@dataclass(frozen=True)
class CheckResult:
    """One row of the table: an item, whether it works, its state, and what to do about it."""

    item: str
    ok: bool
    state: str
    advice: str = ""
    need: Need = Need.DEMO


DISTRIBUTIONS = {"3": "humble", "4": "iron", "7": "jazzy", "9": "kilted"}
"""ROS 2 distributions by the major version of rclpy."""

SUPPORTED_PYTHON = ((3, 10), (3, 14))  # oldest and newest
EGL_LIMIT_S = 60.0
OPEN_GL = "from autoglm_embodied_sim.sensors.renderer import open_gl; open_gl()"
VOICE_PROGRAMS = ("flite", "espeak-ng")
FRAMES = 60
LISTEN_S = 2.0
PROBE_LIMIT_S = 60.0
PROBES = "autoglm_embodied.nodes.probes"
PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"
SAME_MACHINE_ALONE = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_LOCALHOST_ONLY": "1"}

EXPECTED_HZ: Mapping[str, tuple[float, str]] = {
    "camera/color/image_raw": (27.0, "the camera's driver with colour"),
    "camera/depth/image_raw": (27.0, "the camera's driver with aligned depth"),
    "camera/color/camera_info": (27.0, "the camera's driver"),
    "force_torque_sensor_broadcaster/wrench": (900.0, "the force torque sensor broadcaster at 1 kHz"),
    "joint_states": (90.0, "the joint state broadcaster at 100 Hz or more"),
}
"""Least rate of each sensor topic, and what publishes it."""


def ros() -> list[CheckResult]:
    """ROS 2 distribution, interfaces, middleware, DDS profile, and every sensor topic of this shell's graph."""
    try:
        found = json.loads(_answer(_start("graph_probe", os.environ, str(LISTEN_S))))
    except SetupError as error:
        advice = "run `make`, or source the setup.bash of your ROS 2 and workspace"
        return [CheckResult("ROS 2", False, str(error), advice)]
    return [
        CheckResult("ROS 2", True, f"{distribution()}, rclpy works"),
        CheckResult("interfaces", True, ", ".join(found["interfaces"])),
        _middleware(found["rmw"]),
        _profile(),
        discovery_range(os.environ),
        *(_topic(name, seen, found["domain"]) for name, seen in found["topics"].items()),
    ]


def distribution() -> str:
    """Name of the ROS 2 distribution, from ROS_DISTRO or the version of rclpy."""
    for package in ("ros-rclpy", "rclpy"):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return os.environ.get("ROS_DISTRO") or DISTRIBUTIONS.get(version.split(".")[0], f"rclpy {version}")
    return os.environ.get("ROS_DISTRO", "of unknown name")


def dds_transports() -> CheckResult:
    """Whether all camera frames arrive between two processes with the DDS transports of the demo."""
    with private_domain() as (domain, _):
        sends = {"receive": False, "send": True}
        receiver, sender = (
            _start("frame_probe", environment(domain, os.environ, sends_frames), side, str(FRAMES))
            for side, sends_frames in sends.items()
        )
        sent, received = int(_answer(sender)), int(_answer(receiver))
    state = f"{received} of {sent} frames of 640x480 arrived"
    advice = "" if received == FRAMES else "give /dev/shm 256 MB (docker: --shm-size=256m), end busy programs"
    return CheckResult("DDS transports", received == FRAMES, state, advice)


def _middleware(rmw: str) -> CheckResult:
    ok = rmw == "rmw_fastrtps_cpp"
    advice = "" if ok else "the demo uses rmw_fastrtps_cpp; with another, check that camera frames arrive"
    return CheckResult("middleware", ok, rmw, advice, Need.OPTION)


def _profile() -> CheckResult:
    set_to = os.environ.get(PROFILE)
    ok = bool(set_to) and Path(str(set_to)).is_file()
    advice = "" if ok else f"the demo sets its own; for your own nodes: export {PROFILE}={shipped('fastdds.xml')}"
    return CheckResult("DDS profile", ok, set_to or "none set in this shell", advice, Need.OPTION)


def discovery_range(variables: Mapping[str, str]) -> CheckResult:
    """Whether ROS leaves the governor the transports of its DDS profile, with which it is reached after a restart."""
    found = {name: variables[name] for name, value in SAME_MACHINE_ALONE.items() if variables.get(name) == value}
    state = ", ".join(f"{name}={value}" for name, value in found.items())
    if not found:
        return CheckResult("discovery range", True, "leaves the DDS profile as it is", need=Need.OPTION)
    advice = f"unset {' '.join(found)}: shared memory is added, and a governor that restarts may miss its sensors"
    return CheckResult("discovery range", False, state, advice, Need.OPTION)


def _topic(name: str, seen: Mapping[str, Any], domain: str) -> CheckResult:
    least_hz, source = EXPECTED_HZ[name]
    if not seen["publishers"]:
        advice = f"start {source}, or ros2 launch autoglm_embodied sim.launch.py"
        return CheckResult(name, False, f"not running (domain {domain})", advice, Need.OPTION)
    ok = seen["hz"] >= least_hz
    advice = "" if ok else f"expected {least_hz:.0f} Hz or more; see DDS profile, and the load of this machine"
    return CheckResult(name, ok, f"{seen['hz']:.1f} Hz", advice, Need.OPTION)


def _start(module: str, variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"{PROBES}.{module}", *arguments]
    return subprocess.Popen(command, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _answer(process: subprocess.Popen[str]) -> str:
    """The last line of a probe's output; SetupError with the last line of its errors where it failed."""
    try:
        output, errors = process.communicate(timeout=PROBE_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise SetupError(f"ROS 2 did not respond within {PROBE_LIMIT_S:.0f} s") from error
    if process.returncode or not output.strip():
        raise SetupError((errors.strip() or f"ended with status {process.returncode}").splitlines()[-1])
    return output.strip().splitlines()[-1]


def python() -> CheckResult:
    """The version of Python."""
    oldest, newest = SUPPORTED_PYTHON
    ok = oldest <= sys.version_info[:2] <= newest
    advice = "" if ok else f"use Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
    return CheckResult("Python", ok, sys.version.split()[0], advice)


def egl() -> CheckResult:
    """Whether the simulator can render without a display; in a process of its own, which a bad driver may crash."""
    command, variables = [sys.executable, "-c", OPEN_GL], os.environ | {"MUJOCO_GL": "egl"}
    rendering = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=EGL_LIMIT_S)
    if rendering.returncode == 0:
        return CheckResult("EGL", True, "renders without a display")
    errors = [line for line in rendering.stderr.splitlines() if line.strip()]
    advice = "apt install libegl1 libegl-mesa0 libgl1-mesa-dri"
    return CheckResult("EGL", False, errors[-1] if errors else f"ended with status {rendering.returncode}", advice)


def real_time_priority() -> CheckResult:
    """Real-time priority for the ticks, as in ros2_control; tried on a thread of its own."""
    granted: list[bool] = []
    thread = Thread(target=lambda: granted.append(set_real_time_priority(TICK_PRIORITY)))
    thread.start()
    thread.join()
    if granted == [True]:
        return CheckResult("real-time priority", True, "granted", need=Need.OPTION)
    advice = "for steadier ticks add `@realtime - rtprio 99` to /etc/security/limits.conf and join that group"
    return CheckResult("real-time priority", False, "not granted, ticks may be 3 ms late", advice, Need.OPTION)


def gpu() -> CheckResult:
    """A CUDA card that torch can use."""
    import torch

    if torch.cuda.is_available():
        return CheckResult("GPU", True, torch.cuda.get_device_name(0), need=Need.OPTION)
    advice = "not needed; with an NVIDIA card, install its driver and a CUDA build of torch"
    return CheckResult("GPU", False, "none, the CPU is used", advice, Need.OPTION)


def sound_server() -> CheckResult:
    """The private sound server that is the demo's microphone."""
    with SoundServer():
        return CheckResult("sound server", True, "a private PulseAudio starts")


def microphone() -> CheckResult:
    """The default microphone, for `--mic` and for a robot."""
    with Microphone() as opened:
        opened.read()
    return CheckResult("microphone", True, "the default one records at 16 kHz", need=Need.OPTION)


def voice_programs() -> CheckResult:
    """A program that synthesises the demo's sentence."""
    found = [program for program in VOICE_PROGRAMS if shutil.which(program)]
    return CheckResult("voice program", bool(found), ", ".join(found) or "none", "" if found else "apt install flite")


def speech_weights() -> CheckResult:
    """Check the recogniser's weights against their sha256 and load them."""
    from autoglm_embodied.voice.recogniser import WhisperRecogniser
    from autoglm_embodied.voice.weights import SPEECH_MODELS, TINY_EN

    WhisperRecogniser()
    return CheckResult("speech weights", True, f"Whisper {TINY_EN}, sha256 {SPEECH_MODELS[TINY_EN].sha256[:12]}")


def stop_weights() -> CheckResult:
    """Check the stop channel's networks, the speech encoder among them, against their sha256 and load them."""
    from autoglm_embodied.voice.stop_features import ENCODER_MISSING
    from autoglm_embodied.voice.stop_spotter import StopSettings, StopSpotter

    if StopSettings().lacks_encoder:
        raise SetupError(ENCODER_MISSING)
    StopSpotter()
    return CheckResult("stop channel weights", True, "both networks", need=Need.OPTION)


def policy_weights() -> CheckResult:
    """Load the shipped policy."""
    from autoglm_embodied.model.checkpoint import SHIPPED, load

    model = load(SHIPPED)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return CheckResult("policy weights", True, f"{SHIPPED.name}, {parameters / 1e6:.1f} M parameters")


Check = Callable[[], CheckResult]
CHECKS: tuple[tuple[str, Need, Check], ...] = (
    ("Python", Need.DEMO, python),
    ("DDS transports", Need.DEMO, dds_transports),
    ("EGL", Need.DEMO, egl),
    ("sound server", Need.DEMO, sound_server),
    ("voice program", Need.DEMO, voice_programs),
    ("speech weights", Need.DEMO, speech_weights),
    ("stop channel weights", Need.OPTION, stop_weights),
    ("policy weights", Need.DEMO, policy_weights),
    ("microphone", Need.OPTION, microphone),
    ("real-time priority", Need.OPTION, real_time_priority),
    ("GPU", Need.OPTION, gpu),
)


def run_checks(progress: Callable[[str], None]) -> list[CheckResult]:
    """Run every check, an error of which is a result, too; `progress` is called with the item being checked."""
    results = []
    for item, need, check in CHECKS:
        progress(item)
        try:
            results.append(check())
        except (AutoGLMError, ImportError) as error:
            state, _, advice = str(error).partition("; ")
            results.append(CheckResult(item, False, state, advice or "run `make` again", need))
    progress("ROS 2 and the topics of this shell's graph")
    return [*results[:1], *ros(), *results[1:]]


def all_needed_ok(results: list[CheckResult]) -> bool:
    """Whether the demo can run."""
    return all(result.ok for result in results if result.need is Need.DEMO)


def report(results: list[CheckResult], started_ns: int) -> Report:
    """`doctor.ok` of every item, checked from `started_ns` of the system clock on."""
    report = Report("autoglm doctor", None, started_ns)
    for result in results:
        report.add("doctor.ok", result.ok, "bool", case=result.item)
    report.details["items"] = {
        result.item: {"state": result.state, "advice": result.advice, "need": result.need.value} for result in results
    }
    return report


def print_table(results: list[CheckResult], console: Console) -> None:
    """Print a row for each item."""
    table = Table(title="autoglm doctor", title_justify="left")
    for heading in ("item", "", "state", "what to do"):
        table.add_column(heading, overflow="fold")
    for result in results:
        mark = "[green]ok[/]" if result.ok else "[red]missing[/]" if result.need is Need.DEMO else "[dim]absent[/]"
        table.add_row(result.item, mark, result.state, result.advice)
    console.print(table)
