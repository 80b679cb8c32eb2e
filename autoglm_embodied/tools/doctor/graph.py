"""ROS 2 on this machine: the distribution, its transports, and the topics of the graph of this environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.tools.doctor.finding import Finding, Need

DISTRIBUTIONS = {"3": "humble", "4": "iron", "7": "jazzy", "9": "kilted"}
"""By the major version of rclpy."""

FRAMES = 60
LISTEN_S = 2.0
LIMIT_S = 60.0
MODULE = "autoglm_embodied.nodes"
PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"

EXPECTED_HZ = {
    "camera/color/image_raw": (27.0, "the camera's driver with colour"),
    "camera/depth/image_raw": (27.0, "the camera's driver with aligned depth"),
    "camera/color/camera_info": (27.0, "the camera's driver"),
    "force_torque_sensor_broadcaster/wrench": (900.0, "the force torque sensor broadcaster at 1 kHz"),
    "joint_states": (90.0, "the joint state broadcaster at 100 Hz or more"),
}


def ros() -> list[Finding]:
    """The distribution and middleware, and below them every sensor topic of the graph of this environment."""
    try:
        found = _probe("graph_probe", str(LISTEN_S))
    except SetupError as error:
        return [Finding("ROS 2", False, str(error), "run `make`, or source the setup.bash of your ROS 2 and workspace")]
    return [
        Finding("ROS 2", True, f"{distribution()}, rclpy works"),
        Finding("interfaces", True, ", ".join(found["interfaces"])),
        _middleware(found["rmw"]),
        _profile(),
        *(_topic(name, seen, found["domain"]) for name, seen in found["topics"].items()),
    ]


def distribution() -> str:
    """Name of the ROS 2 distribution: as its set-up script says, else by the version of rclpy."""
    for package in ("ros-rclpy", "rclpy"):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return os.environ.get("ROS_DISTRO") or DISTRIBUTIONS.get(version.split(".")[0], f"rclpy {version}")
    return os.environ.get("ROS_DISTRO", "of unknown name")


def transports() -> Finding:
    """Whether camera frames pass whole between two processes with the transports of the demo."""
    with private_domain() as (domain, _):
        sends = {"receive": False, "send": True}
        receiver, sender = (
            _start("frame_probe", environment(domain, os.environ, sends_frames), side, str(FRAMES))
            for side, sends_frames in sends.items()
        )
        sent, received = int(_answer(sender)), int(_answer(receiver))
    state = f"{received} of {sent} frames of 640x480 arrived"
    advice = "" if received == FRAMES else "give /dev/shm 256 MB (docker: --shm-size=256m), end busy programs"
    return Finding("DDS transports", received == FRAMES, state, advice)


def _middleware(rmw: str) -> Finding:
    ok = rmw == "rmw_fastrtps_cpp"
    advice = "" if ok else "the demo uses rmw_fastrtps_cpp; with another, see that camera frames arrive whole"
    return Finding("middleware", ok, rmw, advice, Need.OPTION)


def _profile() -> Finding:
    set_to = os.environ.get(PROFILE)
    ok = bool(set_to) and Path(str(set_to)).is_file()
    advice = "" if ok else f"the demo sets its own; for your own nodes: export {PROFILE}={shipped('fastdds.xml')}"
    return Finding("DDS profile", ok, set_to or "none set in this shell", advice, Need.OPTION)


def _topic(name: str, seen: Mapping[str, Any], domain: str) -> Finding:
    least_hz, source = EXPECTED_HZ[name]
    if not seen["publishers"]:
        advice = f"start {source}, or ros2 launch autoglm_embodied sim.launch.py"
        return Finding(name, False, f"not running (domain {domain})", advice, Need.OPTION)
    ok = seen["hz"] >= least_hz
    advice = "" if ok else f"expected {least_hz:.0f} Hz or more; see DDS profile, and the load of this machine"
    return Finding(name, ok, f"{seen['hz']:.1f} Hz", advice, Need.OPTION)


def _probe(module: str, *arguments: str) -> Any:
    return json.loads(_answer(_start(module, os.environ, *arguments)))


def _start(module: str, variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"{MODULE}.{module}", *arguments]
    return subprocess.Popen(command, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _answer(process: subprocess.Popen[str]) -> str:
    """The last line of what a process printed; SetupError with its last complaint where it failed."""
    try:
        output, complaints = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise SetupError(f"ROS 2 gave no answer within {LIMIT_S:.0f} s") from error
    if process.returncode or not output.strip():
        raise SetupError((complaints.strip() or f"ended with status {process.returncode}").splitlines()[-1])
    return output.strip().splitlines()[-1]
