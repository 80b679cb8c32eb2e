from __future__ import annotations

from pathlib import Path

import pytest
from bare_machine import Answer, BareMachine


@pytest.fixture
def machine(tmp_path: Path) -> BareMachine:
    return BareMachine(tmp_path)


def assert_refused(answer: Answer, *words: str) -> None:
    assert answer.status == 2, answer.said
    assert answer.said.startswith("set-up: ") and "\n" not in answer.said
    assert [word for word in words if word not in answer.said] == []
    assert not answer.installed


def test_a_machine_that_has_all_goes_on_to_prepare(machine: BareMachine) -> None:
    assert machine.prepare() == Answer(0, "preparing with 3.12", installed=False)


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_supported_python_is_taken(machine: BareMachine, version: str) -> None:
    machine.has_python(version)
    assert machine.prepare().said == f"preparing with {version}"


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.15", "4.0"])
def test_an_unsupported_python_is_refused_and_named(machine: BareMachine, version: str) -> None:
    machine.lacks_system_packages()
    machine.has_python(version)
    assert_refused(machine.prepare(), "3.10 to 3.14", f"python3 is {version}", "make demo PYTHON=")


def test_a_python_that_does_not_run_is_refused(machine: BareMachine) -> None:
    machine.answers("python3", "exit 127")
    assert_refused(machine.prepare(), "python3 is broken")


def test_a_python_that_is_named_and_not_there_is_refused(machine: BareMachine) -> None:
    assert_refused(machine.prepare(PYTHON="python3.77"), "there is no python3.77")


def test_a_python_that_the_distribution_has_yet_to_bring_is_refused_if_it_is_too_old(machine: BareMachine) -> None:
    machine.lacks_python(offered="3.9")
    assert_refused(machine.prepare(), "the distribution has 3.9")


def test_a_python_that_the_distribution_brings_is_installed_and_taken(machine: BareMachine) -> None:
    machine.lacks_python(offered="3.13")
    answer = machine.prepare()
    assert (answer.status, answer.installed) == (0, True)
    assert answer.said.endswith("preparing with 3.13")


def test_a_python_without_headers_is_refused_before_anything_is_built(machine: BareMachine) -> None:
    next(machine.repository.parent.glob("include/Python.h")).unlink()
    assert_refused(machine.prepare(), "has no headers", "python3-dev")


@pytest.mark.parametrize("architecture", ["riscv64", "armv7l", "i686"])
def test_an_architecture_without_packages_is_refused(machine: BareMachine, architecture: str) -> None:
    machine.answers("uname", f'case "$1" in -s) echo Linux;; -m) echo {architecture};; esac')
    assert_refused(machine.prepare(), f"no packages for {architecture}", "x86_64")


@pytest.mark.skipif(Path("/opt/ros").exists(), reason="with ROS 2 of the distribution aarch64 is not refused")
def test_aarch64_without_ros_says_what_is_missing_and_how_to_get_it(machine: BareMachine) -> None:
    machine.answers("uname", 'case "$1" in -s) echo Linux;; -m) echo aarch64;; esac')
    assert_refused(machine.prepare(), "every locked package but ROS 2 itself", "install ROS 2 (Humble to Kilted)")


def test_another_system_is_refused(machine: BareMachine) -> None:
    machine.answers("uname", "echo Darwin")
    assert_refused(machine.prepare(), "this is Darwin")


def test_a_small_disk_is_refused_with_what_is_needed_and_what_is_free(machine: BareMachine) -> None:
    machine.answers("df", "echo Filesystem; echo /dev/disk 1 1 1048576 1% /")
    assert_refused(machine.prepare(), "about 4000 MB are needed", "1024 MB are free")


def test_torch_for_cuda_needs_more_disk(machine: BareMachine) -> None:
    machine.answers("df", "echo Filesystem; echo /dev/disk 1 1 6291456 1% /")
    assert machine.prepare().status == 0
    machine.answers("nvidia-smi", "")
    assert_refused(machine.prepare(), "about 9000 MB are needed")


def test_what_is_in_the_environment_already_counts_as_free(machine: BareMachine) -> None:
    machine.answers("df", "echo Filesystem; echo /dev/disk 1 1 1048576 1% /")
    machine.answers("du", "printf '3000\\t.venv'")
    assert machine.prepare().status == 0


def test_without_root_and_sudo_missing_system_packages_are_named(machine: BareMachine) -> None:
    machine.lacks_system_packages()
    machine.answers("id", "echo 1000")
    assert_refused(machine.prepare(), "not root and there is no sudo", "apt-get install python3 python3-dev")


def test_a_sudo_that_asks_nobody_for_a_password_is_refused(machine: BareMachine) -> None:
    machine.lacks_system_packages()
    machine.answers("id", "echo 1000")
    machine.answers("sudo", "exit 1")
    assert_refused(machine.prepare(), "sudo asks for a password")


def test_without_root_a_complete_system_goes_on(machine: BareMachine) -> None:
    machine.answers("id", "echo 1000")
    assert machine.prepare().status == 0


def test_an_index_that_pip_cannot_reach_is_refused(machine: BareMachine) -> None:
    machine.has_python("3.12", index=False)
    assert_refused(machine.prepare(), "pip cannot reach its package index", "proxy")


@pytest.mark.skipif(not Path("/usr/lib/apt/apt-helper").exists(), reason="apt is asked by its own helper")
def test_a_source_that_apt_cannot_reach_is_refused_before_apt_installs(machine: BareMachine) -> None:
    machine.lacks_system_packages()
    machine.answers("apt-get", 'case "$1" in indextargets) echo http://127.0.0.1:9/dists/stable/InRelease;; esac')
    assert_refused(machine.prepare(), "apt cannot reach http://127.0.0.1:9")


def test_a_silent_index_is_not_taken_for_a_missing_one(machine: BareMachine) -> None:
    machine.answers("timeout", "exit 124")
    answer = machine.prepare()
    assert answer.status == 0 and "no answer within" in answer.said


def test_when_all_is_fetched_neither_disk_nor_network_is_asked(machine: BareMachine) -> None:
    machine.has_python("3.12", fetched=True, index=False)
    machine.answers("df", "exit 1")
    assert machine.prepare() == Answer(0, "preparing with 3.12", installed=False)


def test_neither_debian_nor_ubuntu_is_told_what_to_install_and_how_to_go_on(machine: BareMachine) -> None:
    machine.answers("apt-get", "exit 127")
    (machine.repository.parent / "bin" / "apt-get").unlink()
    assert_refused(machine.prepare(), "neither Debian nor Ubuntu", "SYSTEM_PACKAGES=skip")
    assert machine.prepare(SYSTEM_PACKAGES="skip").status == 0
