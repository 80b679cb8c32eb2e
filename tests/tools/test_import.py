"""A dataset becomes recordings that replay as what was exported; what it lacks is said, what is none is refused."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bag_cases import write_ros2_mcap
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutated_recordings import Observing
from observing import MS
from PIL import Image
from replay_cases import STREAM_OF
from timed_recording import TIMED, later

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import read_stamp_ns, read_voice_command
from autoglm_embodied.ingest.compressed_images import decompressed, read_compressed_image
from autoglm_embodied.ingest.image_encodings import rgb_array
from autoglm_embodied.ingest.joint_states import JointStateReader
from autoglm_embodied.tools.cli import main
from autoglm_embodied.tools.export.lerobot_dataset import EPISODES, tasks_table
from autoglm_embodied.types import Observation

FPS = 50  # which mutated_recordings replays at
S = 1000 * MS
NAMES = ["shoulder.pos", "elbow.pos", "gripper.pos"]


def replayed(path: Path) -> tuple[list[Observation], list[str]]:
    replay = Observing(path, map_clocks=False)
    replay.run({})
    return replay.observed, replay.problems()


def imported(recording: list[BagMessage], folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[Path], str]:
    """The recordings that come of a recording by way of a dataset, and what was said."""
    path, out = write_ros2_mcap(folder / "bag.mcap", recording), folder / "imported"
    options = ["--to", "lerobot", "--out", str(folder / "dataset"), "--fps", str(FPS)]
    assert main(["export", str(path), *options]) == 0
    capsys.readouterr()
    assert main(["import", str(folder / "dataset"), "--out", str(out)]) == 0
    return sorted(out.iterdir()), capsys.readouterr().out


def same(one: Observation, other: Observation, since_ns: int) -> None:
    """Both hold the same; the wrench's statistics only once the longest window is full again."""
    for first, second in zip(one.senses(), other.senses(), strict=True):
        assert (first.present, first.age_ns, first.time_error_ns) == (
            *(second.present, second.age_ns, second.time_error_ns),
        ) or not (first.present or second.present)
    assert one.language.value == other.language.value
    if one.joints.value is not None and other.joints.value is not None:
        for name in ("position_rad", "velocity_rad_s", "T_base_tool", "gripper_width_m"):
            assert np.allclose(getattr(one.joints.value, name), getattr(other.joints.value, name), atol=1e-6)
    if one.vision.value is not None and other.vision.value is not None:
        assert np.allclose(one.vision.value, other.vision.value, atol=5.1e-4)  # depth is kept in millimetres
    if one.force.value is not None and other.force.value is not None:
        assert np.allclose(one.force.value.raw, other.force.value.raw, atol=1e-5)
        if since_ns > 512 * MS:
            assert np.allclose(one.force.value.pyramid, other.force.value.pyramid, atol=1e-3)


def test_an_imported_dataset_replays_as_the_recording_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holed = TIMED + [later(message, 60 * S) for message in TIMED]
    paths, said = imported(holed, tmp_path, capsys)
    original = {tick.t_ns: tick for tick in replayed(tmp_path / "bag.mcap")[0]}
    assert len(paths) == 2 and "it has no" not in said
    for path in paths:
        ticks, _ = replayed(path)
        felt_ns = [tick.t_ns for tick in ticks if tick.force.present]
        assert len(ticks) >= 58 and len(felt_ns) > 40
        for tick in ticks:
            same(original[tick.t_ns], tick, tick.t_ns - felt_ns[0])


def test_an_interpolated_wrench_is_not_taken_for_a_measured_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrenches = [m for m in TIMED if STREAM_OF[m.topic] == "wrench"][::3]
    slow = wrenches + [m for m in TIMED if STREAM_OF[m.topic] != "wrench"]
    (path,), said = imported(slow, tmp_path, capsys)
    assert "of these the newest alone is written" in said
    came_ns = [read_stamp_ns(m.data) for m in Bag(path).messages() if STREAM_OF[m.topic] == "wrench"]
    assert 10 < len(came_ns) < 60 and set(came_ns) <= {read_stamp_ns(m.data) for m in wrenches}


def foreign(folder: Path, video: str = "", rows: int = 30, **changed: Any) -> Path:
    """A dataset of another arm, of two episodes in one file, perhaps with a video; `changed` are of info.json."""
    shutil.rmtree(folder, ignore_errors=True)
    count = np.arange(2 * rows)
    state = [[0.01 * k, 0.5, 0.02] for k in count]
    columns: dict[str, Any] = {"observation.state": state, "action": state}
    columns["timestamp"] = (count % rows / 10).astype(np.float32)
    columns |= {
        "episode_index": count // rows,
        "index": count,
        "frame_index": count % rows,
        "task_index": count // rows,
    }
    episodes = [
        {"episode_index": k, "length": rows, "data/chunk_index": 0, "data/file_index": 0}
        | {"videos/observation.images.top/chunk_index": 0, "videos/observation.images.top/file_index": 0}
        | {"videos/observation.images.top/from_timestamp": k * rows / 10}
        for k in range(2)
    ]
    features = {name: {"dtype": "float32", "shape": [3], "names": NAMES} for name in ("observation.state", "action")}
    features |= {name: {"dtype": "int64", "shape": [1], "names": None} for name in columns if "." not in name}
    if video:
        features["observation.images.top"] = {"dtype": "video", "shape": [48, 64, 3], "names": None}
        write_video(folder / "videos/observation.images.top/chunk-000/file-000.mp4", video, 2 * rows)
    places = "chunk-{chunk_index:03d}/file-{file_index:03d}"
    info = {"codebase_version": "v3.0", "fps": 10, "features": features, "data_path": f"data/{places}.parquet"}
    info["video_path"] = f"videos/{{video_key}}/{places}.mp4"
    tables = {"data/chunk-000/file-000.parquet": pa.table(columns), EPISODES: pa.Table.from_pylist(episodes)}
    tables["meta/tasks.parquet"] = tasks_table({"pick": 0, "fold": 1})
    for name, table in tables.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name)
    (folder / "meta/info.json").write_text(json.dumps(info | changed))
    return folder


def write_video(path: Path, codec: str, frames: int) -> None:
    """Of a grey that grows by 4 with each frame, at 10 frames a second."""
    path.parent.mkdir(parents=True)
    with ThreadPoolExecutor(1) as encoding:  # SVT-AV1 gives the thread that calls it real-time priority where it may
        encoding.submit(_encode, path, codec, frames).result()


def _encode(path: Path, codec: str, frames: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 64, 48, "yuv420p", Fraction(1, 10)
        for k in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("video", ["", "libx264", "libsvtav1"])
def test_a_dataset_of_others_is_used_as_far_as_it_goes(
    video: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = foreign(tmp_path / "dataset", video), tmp_path / "imported"
    assert main(["import", str(folder), "--out", str(out), "--episodes", "1"]) == 0
    said, messages = capsys.readouterr().out, list(Bag(out / "episode_000001.mcap").messages())
    for sentence in ("it has no depth", "it has no wrench", "does not know shoulder, elbow, gripper", "action"):
        assert sentence in said
    assert ("it has no rgb" in said, "no intrinsics" in said) == (not video, bool(video))
    states = [message.data for message in messages if STREAM_OF[message.topic] == "joints"]
    reader = JointStateReader()
    positions = [reader.read(data)[1] for data in states]
    assert reader.names == ["shoulder", "elbow", "gripper"] and np.isnan(reader.read(states[0])[2]).all()
    assert np.allclose(positions, [[0.3 + 0.01 * k, 0.5, 0.02] for k in range(30)])
    assert np.allclose(np.diff([read_stamp_ns(data) for data in states]), S / 10, atol=1000)
    (spoken,) = [read_voice_command(message.data) for message in messages if STREAM_OF[message.topic] == "voice"]
    assert spoken.instruction == "fold"
    images = [m for m in messages if STREAM_OF[m.topic] == "rgb"]
    greys = [rgb_array(decompressed(read_compressed_image(image.data))).mean() for image in images]
    assert np.allclose(greys, [4 * (30 + k) for k in range(30 if video else 0)], atol=4)


def test_depth_and_a_camera_file_make_a_dataset_of_others_seen(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "dataset")
    table = pq.read_table(folder / "data/chunk-000/file-000.parquet")
    features = json.loads((folder / "meta/info.json").read_text())["features"]
    for name, image in (
        ("color", np.full((480, 640, 3), 90, np.uint8)),
        ("depth", np.full((480, 640), 700, np.uint16)),
    ):
        Image.fromarray(image).save(folder / f"{name}.png")
        rows = [{"bytes": None, "path": f"{name}.png"}] * len(table)
        table = table.append_column(f"observation.images.{name}", pa.array(rows))
        features[f"observation.images.{name}"] = {"dtype": "image", "shape": [480, 640, 3 if name == "color" else 1]}
    pq.write_table(table, folder / "data/chunk-000/file-000.parquet")
    (folder / "meta/info.json").write_text(
        json.dumps(json.loads((folder / "meta/info.json").read_text()) | {"features": features})
    )
    options = ["--out", str(tmp_path / "imported"), "--camera", str(shipped("camera.yaml")), "--episodes", "0"]
    assert main(["import", str(folder), *options]) == 0
    ticks, _ = replayed(tmp_path / "imported/episode_000000.mcap")
    assert all(tick.vision.present and tick.language.value == "pick" and not tick.force.present for tick in ticks[10:])


def spoil(name: str, data: bytes | None) -> Any:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        if data is not None:
            (folder / name).write_bytes(data)

    return change


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (
            lambda folder: foreign(folder, codebase_version="v2.1"),
            [],
            "must be of LeRobot's format v3.x, got v2.1; convert",
        ),
        (lambda folder: foreign(folder, fps=0), [], "fps in"),
        (lambda folder: foreign(folder, features={"a": 1}), [], "must give dtype and shape of each column"),
        (lambda folder: foreign(folder, data_path="data/{file}"), [], "must be a pattern of chunk_index, file_index"),
        (spoil("meta/info.json", None), [], "is no LeRobot dataset, it lacks meta/info.json"),
        (spoil("meta/info.json", b"{"), [], "cannot read"),
        (spoil("meta/tasks.parquet", None), [], "lacks its file meta/tasks.parquet"),
        (spoil("data/chunk-000/file-000.parquet", b"PAR1 no"), [], "copy the dataset again"),
        (spoil(EPISODES, None), [], "lacks its table of episodes"),
        (lambda folder: None, ["--episodes", "7"], "has episodes 0 to 1, not 7"),
        (
            lambda folder: None,
            ["--column", "joints=observation.nothing"],
            "must be one of observation.state, none",
        ),
        (lambda folder: None, ["--column", "nose=action"], "--column must be STREAM=NAME, STREAM one of rgb"),
        (lambda folder: None, ["--camera", "absent.yaml"], "absent.yaml"),
        (
            lambda folder: (folder.parent / "imported").mkdir() or (folder.parent / "imported/x").touch(),
            [],
            "not empty",
        ),
    ],
)
def test_what_is_no_such_dataset_is_refused_in_one_sentence(
    change: Any, options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(foreign(tmp_path / "dataset"))
    assert main(["import", str(tmp_path / "dataset"), "--out", str(tmp_path / "imported"), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("autoglm import: ") and said in error and len(error.splitlines()) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_dataset_is_imported_or_refused(
    data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = foreign(tmp_path / "dataset", rows=3), tmp_path / "imported"
    shutil.rmtree(out, ignore_errors=True)
    path = data.draw(st.sampled_from(sorted(folder.rglob("*.*"))))
    content = bytearray(path.read_bytes())
    if path.suffix == ".json":
        info = json.loads(content)
        place = data.draw(st.sampled_from([info, info["features"], *info["features"].values()]))
        junk = st.sampled_from([None, 0, -1, "x", [], {}, [[]], 1e300, {"a": []}, [2]])
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(junk)
        content = bytearray(json.dumps(info).encode())
    else:
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
            content[at] ^= 0xFF
    path.write_bytes(content)
    status = main(["import", str(folder), "--out", str(out)])
    error = capsys.readouterr().err.strip()
    assert status in (0, 2) and len(error.splitlines()) == (status == 2)
