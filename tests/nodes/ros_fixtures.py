"""Fixtures of tests that talk to a ROS graph of their own."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from node_graph import Graph

from autoglm_embodied.graph.domain import environment, private_domain

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of lark, which the message packages import
    import rosidl_generator_py  # noqa: F401


@pytest.fixture(scope="session")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    before = dict(os.environ)
    with private_domain() as (number, _):
        os.environ.update(environment(number, os.environ))
        os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))  # of governors
        yield number
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def graph(domain: int) -> Iterator[Graph]:
    """One for all tests of a module, so processes are ended by the tests that start them."""
    gc.collect()  # or nodes of tests before, which an exception kept, are on its network
    with Graph(domain) as graph:
        yield graph


@pytest.fixture
def default_context(domain: int) -> Iterator[None]:
    """ROS as a node's process has it."""
    rclpy.init(domain_id=domain)
    yield
    rclpy.try_shutdown()
    gc.collect()  # a node that an exception kept must not be destroyed while the next is made: Jazzy then hangs


@pytest.fixture
def refusal(
    domain: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """Runs the main function of a node with bad parameters; all that it says before it ends with exit code 2."""

    def refused(main: Callable[[], int | None], *parameters: str) -> str:
        arguments = [argument for pair in parameters for argument in ("-p", pair)]
        monkeypatch.setattr(sys, "argv", ["node", "--ros-args", *arguments])
        try:
            status = main()
        except SystemExit as ended:
            status = ended.code  # type: ignore[assignment]
        assert status == 2
        return "".join(capsys.readouterr())

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield refused
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: it acts, if foolishly."""
    from autoglm_embodied.model.build import build_model, grasp_config

    folder = tmp_path_factory.mktemp("checkpoint")
    build_model(grasp_config()).save_pretrained(folder)
    return folder
