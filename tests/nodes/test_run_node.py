"""A node that ROS cannot make ends with one sentence, and one that is interrupted as it starts without a trace."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from autoglm_embodied.nodes import manager_node

ROOT = Path(__file__).resolve().parents[2]
FILES = ("identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s")


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    """One whose files hold no keys, so that no ROS takes them."""
    enclave = tmp_path / "enclaves" / "manager_node"
    enclave.mkdir(parents=True)
    for name in FILES:
        (enclave / name).touch()
    return tmp_path


def test_security_that_cannot_be_had_ends_the_node_with_one_sentence(
    refusal: Callable[..., str], keystore: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("ROS_SECURITY_STRATEGY", "Enforce")
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(keystore))
    monkeypatch.setenv("ROS_SECURITY_ENCLAVE_OVERRIDE", "/manager_node")
    said = refusal(manager_node.main)
    assert said.startswith("ROS cannot make the node: ") and len(said.splitlines()) == 1
    assert "unset ROS_SECURITY_ENABLE, or see docs/safety.md" in said


INTERRUPTED = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "rclpy":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from autoglm_embodied.nodes.entry import manager_node
manager_node()
"""


def test_a_signal_while_a_node_is_imported_ends_it_without_a_trace() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


def test_each_command_of_a_node_starts_that_node() -> None:
    setups = "".join((ROOT / path).read_text() for path in ("setup.py", "sim/setup.py"))
    commands = re.findall(r'"(\w+_node) = ([\w.]+):(\w+)"', setups)
    assert len(commands) == 7
    for command, module, function in commands:
        assert command == function and module.endswith(".nodes.entry")
        assert callable(getattr(import_module(module), function))
        file = f"{module.rpartition('.')[0].replace('.', '/')}/{command}.py"
        assert (ROOT / file).is_file() or (ROOT / "sim" / file).is_file()
