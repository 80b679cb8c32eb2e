"""A node that ROS cannot make ends with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoglm_embodied.nodes import manager_node

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
