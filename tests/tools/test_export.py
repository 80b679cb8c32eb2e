"""An exported recording holds what was observed, masked where it was absent, in the layout that readers expect."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
from bag_cases import write_ros2_mcap
from observing import EPOCH_NS, MS, ROBOT
from PIL import Image
from replay_cases import STREAM_OF
from timed_recording import JOINT_SLOPE, TIMED, force_times_s, later

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.tools.cli import main
from autoglm_embodied.tools.export.rerun_file import WRENCH, Columns
from autoglm_embodied.types import MODALITIES

S = 1_000 * MS
FPS = 50


def dataset(folder: Path, *recordings: list[BagMessage]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """info.json and all rows of what is exported."""
    files = [str(write_ros2_mcap(folder / f"{k}.mcap", messages)) for k, messages in enumerate(recordings)]
    out = folder / "dataset"
    assert main(["export", *files, "--to", "lerobot", "--out", str(out), "--fps", str(FPS)]) == 0
    parts = [pq.read_table(path) for path in sorted(out.glob("data/*/*.parquet"))]
    names = parts[0].column_names
    rows = {name: np.concatenate([np.array(part[name].to_pylist()) for part in parts]) for name in names}
    return json.loads((out / "meta/info.json").read_text()), rows


def test_rows_hold_windows_of_the_wrench_and_the_state_of_their_time(tmp_path: Path) -> None:
    info, rows = dataset(tmp_path, TIMED)
    t_s, present = (rows["observation.t_ns"] - EPOCH_NS) / 1e9, rows["observation.present"]
    assert len(t_s) == info["total_frames"] > 50 and present[:, MODALITIES.index("joints")].all()
    assert np.allclose(rows["observation.state"][:, 0], JOINT_SLOPE * t_s, atol=2e-4)
    felt = present[:, MODALITIES.index("force")]
    assert 0.5 < felt.mean() < 1.0 and np.isnan(rows["observation.wrench"][~felt]).all()
    times_s = np.array([force_times_s(raw) for raw in rows["observation.wrench"][felt].astype(np.float64)])
    assert times_s.shape[1] == 64 and np.allclose(times_s[:, -1], t_s[felt], atol=0.02)
    assert (np.diff(times_s, axis=1) > 0).all() and np.allclose(times_s[:, -1] - times_s[:, 0], 63 * 0.004, atol=0.01)
    assert (rows["observation.time_error_ns"][felt, MODALITIES.index("force")] < 20 * MS).all()


def test_columns_are_laid_out_as_info_says(tmp_path: Path) -> None:
    info, rows = dataset(tmp_path, TIMED)
    assert info["codebase_version"] == "v3.0" and set(rows) == set(info["features"])
    for name, feature in info["features"].items():
        if feature["dtype"] != "image":
            shape = [] if feature["shape"] == [1] else feature["shape"]
            assert list(rows[name].shape[1:]) == shape, name
    stats = json.loads((tmp_path / "dataset/meta/stats.json").read_text())
    assert set(stats) == set(info["features"]) and np.isfinite(stats["observation.wrench"]["mean"]).all()
    assert stats["observation.state"]["mean"][0] == pytest.approx(rows["observation.state"][:, 0].mean())
    assert stats["observation.state"]["max"][0] == pytest.approx(rows["observation.state"][:, 0].max())
    counted = rows["frame_index"], rows["index"]
    assert all((each == np.arange(len(each))).all() for each in counted)
    assert np.allclose(rows["timestamp"], rows["frame_index"] / FPS)
    assert np.array_equal(rows["action"][:-1], rows["observation.state"][1:])


def test_images_are_kept_to_the_bit(tmp_path: Path) -> None:
    _, rows = dataset(tmp_path, TIMED)
    colour, depth = (
        np.array(Image.open(io.BytesIO(rows[f"observation.images.{name}"][-1]["bytes"]))) for name in ("color", "depth")
    )
    for pixels in (colour.tobytes(), depth.astype("<u2").tobytes()):
        assert any(message.data.endswith(pixels) for message in TIMED)


def test_recordings_are_episodes_and_a_hole_begins_another(tmp_path: Path) -> None:
    holed = TIMED + [later(message, 60 * S) for message in TIMED]
    info, rows = dataset(tmp_path, TIMED, holed)
    episodes = pq.read_table(tmp_path / "dataset/meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert info["total_episodes"] == len(episodes) == 3 and info["splits"] == {"train": "0:3"}
    assert [episode["data/file_index"] for episode in episodes] == [0, 1, 1]
    for episode in episodes:
        own = slice(episode["dataset_from_index"], episode["dataset_to_index"])
        assert (rows["episode_index"][own] == episode["episode_index"]).all()
        assert (rows["frame_index"][own] == np.arange(episode["length"])).all()
        assert (np.diff(rows["observation.t_ns"][own]) < 1.5 * S / FPS).all()
    tasks = pq.read_table(tmp_path / "dataset/meta/tasks.parquet").to_pylist()
    assert {row["task"]: row["task_index"] for row in tasks} == {"no instruction": 0, "pick up the red cube": 1}
    assert episodes[0]["tasks"] == ["no instruction", "pick up the red cube"]


def test_a_rerun_recording_holds_every_entity(tmp_path: Path) -> None:
    file, out = write_ros2_mcap(tmp_path / "bag.mcap", TIMED), tmp_path / "bag.rrd"
    assert main(["export", str(file), "--to", "rerun", "--out", str(out)]) == 0
    written = out.read_bytes()
    entities = [f"/{group}/{name}" for group in ("present", "time_error_ms") for name in MODALITIES]
    entities += [f"/wrench/{name}" for name in WRENCH] + [f"/joints/{name}" for name in ROBOT.joint_names]
    entities += ["/camera/color", "/camera/depth", "/voice"]
    assert written.startswith(b"RRF") and [name for name in entities if name.encode() not in written] == []


@pytest.mark.parametrize("count", [1, 999, 1000, 2500])
def test_numbers_are_sent_whole_and_once_with_their_stamps_and_none_where_there_is_none(count: int) -> None:
    sent: dict[str, list[float]] = {"a": [], "b": []}

    class Stream:
        def send_columns(self, entity: str, indexes: list[Any], columns: Any) -> None:
            stamps, values = indexes[0].as_arrow_array(), next(iter(columns)).as_arrow_array()
            assert len(stamps) == len(values)
            sent[entity[-1]] += [value for row in values.to_pylist() for value in row]

    found = Columns(cast(Any, Stream()), "entity", ("a", "b"))
    for k in range(count):
        found.add(k, np.array([k, np.nan if k % 2 else k]))
    found.send()
    assert sent == {"a": list(range(count)), "b": list(range(0, count, 2))}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["{file}", "--to", "lerobot", "--out", "{folder}"], "is there and not empty"),
        (["{file}", "--to", "lerobot", "--out", "{folder}/new", "--fps", "0"], "--fps must be from 1 to 1000, got 0"),
        (["{blind}", "--to", "lerobot", "--out", "{folder}/new"], "there is nothing to export"),
        (["{file}", "--to", "rerun", "--out", "{folder}/new"], "--out must be a new .rrd file"),
        (["{file}", "{file}", "--to", "rerun", "--out", "{folder}/new.rrd"], "takes one recording, got 2"),
        (["{folder}/absent.mcap", "--to", "lerobot", "--out", "{folder}/new"], "there is no recording"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = [message for message in TIMED if STREAM_OF[message.topic] != "rgb"]
    names = {"folder": tmp_path, "file": write_ros2_mcap(tmp_path / "bag.mcap", TIMED)}
    names["blind"] = write_ros2_mcap(tmp_path / "blind.mcap", blind)
    assert main(["export", *(option.format(**names) for option in options)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("autoglm export: ") and said in error and len(error.splitlines()) == 1
