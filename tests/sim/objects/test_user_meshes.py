"""A user's own meshes: three formats, cut and kept, and a reason for each that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from autoglm_embodied_sim.objects.mesh_file import read_mesh, user_shapes

from autoglm_embodied.errors import ConfigError


def ell() -> trimesh.Trimesh:
    """An L of 40 x 40 x 15 mm with arms 15 mm wide."""
    outline = np.array([[0, 0], [0.04, 0], [0.04, 0.015], [0.015, 0.015], [0.015, 0.04], [0, 0.04]])
    low = np.column_stack([outline, np.zeros(6)])
    fan = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]])
    sides = [[i, (i + 1) % 6, (i + 1) % 6 + 6] for i in range(6)] + [[i, (i + 1) % 6 + 6, i + 6] for i in range(6)]
    return trimesh.Trimesh(np.concatenate([low, low + [0, 0, 0.015]]), np.concatenate([fan[:, ::-1], fan + 6, sides]))


@pytest.mark.parametrize("suffix", ["obj", "stl", "ply"])
def test_every_format_is_read(suffix: str, tmp_path: Path) -> None:
    trimesh.creation.box((0.03, 0.04, 0.05)).export(tmp_path / f"brick.{suffix}")
    shapes, unusable = user_shapes(tmp_path, tmp_path / "cache")
    assert unusable == [] and [shape.name for shape in shapes] == [f"brick.{suffix}"]
    assert len(shapes[0].pieces) == 1
    np.testing.assert_allclose(shapes[0].extent_m, [0.05, 0.04, 0.03], atol=1e-6)


def test_a_hollow_corner_is_cut_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ell().export(tmp_path / "ell.stl")
    cut = read_mesh(tmp_path / "ell.stl", tmp_path / "cache")
    assert len(cut.pieces) >= 2
    assert cut.volume_m3 == pytest.approx(ell().volume, rel=0.1)
    monkeypatch.setattr("autoglm_embodied_sim.objects.mesh_file._cut", None)
    kept = read_mesh(tmp_path / "ell.stl", tmp_path / "cache")
    assert all((a == b).all() for a, b in zip(cut.pieces, kept.pieces, strict=True))


def test_each_unusable_mesh_is_named_with_its_reason(tmp_path: Path) -> None:
    trimesh.creation.box((0.03, 0.04, 0.05)).export(tmp_path / "good.ply")
    trimesh.creation.box((30, 40, 50)).export(tmp_path / "millimetres.stl")
    trimesh.Trimesh([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], [[0, 1, 2]]).export(tmp_path / "flat.stl")
    (tmp_path / "nan.obj").write_text("v nan 0 0\nv 0 1 0\nv 0 0 1\nv 0 0 0\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n")
    (tmp_path / "empty.ply").write_text("")
    shapes, unusable = user_shapes(tmp_path, tmp_path / "cache")
    assert [shape.name for shape in shapes] == ["good.ply"]
    why = {mesh.file: mesh.why for mesh in unusable}
    assert set(why) == {"millimetres.stl", "flat.stl", "nan.obj", "empty.ply"}
    assert "too wide for the gripper" in why["millimetres.stl"] and "volume is zero" in why["flat.stl"]
    assert "no number" in why["nan.obj"] and "cannot be read" in why["empty.ply"]


def test_a_folder_without_usable_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        user_shapes(tmp_path / "absent", tmp_path / "cache")
    with pytest.raises(ConfigError, match="holds no mesh"):
        user_shapes(tmp_path, tmp_path / "cache")
    (tmp_path / "nan.obj").write_text("v nan 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n")
    with pytest.raises(ConfigError, match="none of the 1 meshes"):
        user_shapes(tmp_path, tmp_path / "cache")
