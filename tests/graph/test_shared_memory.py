"""A private graph: what a killed process left in shared memory is removed, and names are those that ROS knows."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from autoglm_embodied.graph.domain import MIN_AGE_S, environment, remove_orphaned_segments

SIZE = 4096


def segment(folder: Path, name: str, made_s: float = 0.0) -> tuple[Path, Path]:
    data, lock = folder / name, folder / f"{name}_el"
    data.write_bytes(bytes(SIZE))
    lock.touch()
    os.utime(lock, (made_s, made_s))
    return data, lock


@pytest.mark.parametrize("name", ["fastdds_00aa", "fastrtps_00aa", "fastrtps_port24911"])
def test_a_segment_whose_owner_is_gone_is_removed_whichever_fast_dds_made_it(name: str, tmp_path: Path) -> None:
    left = segment(tmp_path, name)
    assert remove_orphaned_segments(tmp_path) == SIZE
    assert not any(path.exists() for path in left)


def test_a_segment_whose_owner_lives_is_kept(tmp_path: Path) -> None:
    kept = segment(tmp_path, "fastdds_00bb")
    with kept[1].open("rb") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        assert remove_orphaned_segments(tmp_path) == 0
    assert all(path.exists() for path in kept)


def test_a_segment_that_is_just_being_made_is_kept(tmp_path: Path) -> None:
    kept = segment(tmp_path, "fastdds_00cc", made_s=1000.0)
    assert remove_orphaned_segments(tmp_path, lambda: 1000.0 + MIN_AGE_S / 2) == 0
    assert all(path.exists() for path in kept)
    assert remove_orphaned_segments(tmp_path, lambda: 1000.0 + MIN_AGE_S * 2) == SIZE


def test_what_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other_el"  # such as another middleware's
    other.touch()
    os.utime(other, (0, 0))
    assert remove_orphaned_segments(tmp_path) == 0
    assert other.exists()


@pytest.mark.parametrize(
    ("distribution", "named"),
    [
        ("humble", {"FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_LOCALHOST_ONLY"}),
        ("jazzy", {"FASTRTPS_DEFAULT_PROFILES_FILE"}),
        ("kilted", set()),
        ("", set()),
    ],
)
def test_the_profile_and_the_range_have_the_older_names_where_those_are_known(
    distribution: str, named: set[str]
) -> None:
    made = environment(70, {"ROS_DISTRO": distribution})
    assert {name for name in made if name.startswith("FASTRTPS") or name == "ROS_LOCALHOST_ONLY"} == named
    assert made["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SYSTEM_DEFAULT" and made["FASTDDS_DEFAULT_PROFILES_FILE"]
