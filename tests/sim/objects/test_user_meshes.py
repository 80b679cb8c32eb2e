"""A user's own meshes: three formats, cut and kept, and a reason for each that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from autoglm_embodied_sim.objects import convex_pieces, mesh_file
from autoglm_embodied_sim.objects.mesh_file import MOST_TRIANGLES, closed, coarsened, read_mesh, user_shapes
from autoglm_embodied_sim.objects.shape import ShapeError
from numpy.typing import NDArray

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


BRICK = trimesh.creation.box((0.03, 0.04, 0.05))
HIGH = BRICK.triangles_center[:, 2]


def kept(mesh: trimesh.Trimesh, faces: NDArray[np.bool_]) -> trimesh.Trimesh:
    mesh = mesh.copy()
    mesh.update_faces(faces)
    return mesh


def turned_over(mesh: trimesh.Trimesh, every: int) -> trimesh.Trimesh:
    faces = mesh.faces.copy()
    faces[::every] = faces[::every, ::-1]
    return trimesh.Trimesh(mesh.vertices, faces, process=False)


def also(mesh: trimesh.Trimesh, corners: Any = (), faces: Any = ()) -> trimesh.Trimesh:
    vertices = [*mesh.vertices.tolist(), *corners]
    return trimesh.Trimesh(vertices, [*mesh.faces.tolist(), *faces], process=False)


CLOSABLE: dict[str, tuple[trimesh.Trimesh, float]] = {
    "two triangles missing": (kept(BRICK, np.arange(12) > 1), 60.0),
    "no lid": (kept(BRICK, HIGH < 0.0249), 60.0),
    "a tube": (kept(BRICK, abs(HIGH) < 0.0249), 60.0),
    "inside out": (turned_over(BRICK, 1), 60.0),
    "mixed winding": (turned_over(ell(), 3), ell().volume * 1e6),
    "repeated faces": (also(BRICK, faces=BRICK.faces[:3].tolist()), 60.0),
    "a face of two corners": (also(BRICK, faces=[[0, 1, 1]]), 60.0),
    "a stray corner": (also(BRICK, [[1.0, 1.0, 1.0]]), 60.0),
    "a stray NaN": (also(BRICK, [[np.nan, 0.0, 0.0]]), 60.0),
}


@pytest.mark.parametrize("name", CLOSABLE)
def test_a_surface_with_small_faults_is_the_solid_that_was_meant(name: str, tmp_path: Path) -> None:
    mesh, volume_ml = CLOSABLE[name]
    mesh.export(tmp_path / "own.ply")
    assert read_mesh(tmp_path / "own.ply", tmp_path / "cache").volume_m3 * 1e6 == pytest.approx(volume_ml, rel=0.05)


RNG = np.random.default_rng(0)
REFUSED: dict[str, tuple[trimesh.Trimesh, str]] = {
    "a sheet": (kept(BRICK, HIGH > 0.0249), "volume is zero"),
    "a bowl's rim": (kept(ball := trimesh.creation.icosphere(2, 0.03), ball.triangles_center[:, 2] > 0.02), "closed"),
    "an inner wall": (also(BRICK, faces=[[0, 3, 5]]), "closed"),
    "a soup": (trimesh.Trimesh(RNG.random((30, 3)) / 30, RNG.integers(0, 30, (40, 3)), process=False), "closed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_closed_is_refused(name: str, tmp_path: Path) -> None:
    mesh, why = REFUSED[name]
    mesh.export(tmp_path / "own.ply")
    with pytest.raises(ShapeError, match=f"own.ply: .*{why}"):
        read_mesh(tmp_path / "own.ply", tmp_path / "cache")


def test_pieces_that_are_no_likeness_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ell().export(tmp_path / "ell.ply")
    shell = np.array(BRICK.vertices * 0.2)
    monkeypatch.setattr(mesh_file, "convex_pieces", lambda *_: [shell])
    with pytest.raises(ShapeError, match="its convex pieces have"):
        read_mesh(tmp_path / "ell.ply", tmp_path / "cache")


def test_a_mesh_that_breaks_the_cutter_is_named_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ell().export(tmp_path / "ell.ply")
    BRICK.export(tmp_path / "brick.ply")
    monkeypatch.setattr(convex_pieces, "PROGRAM", "1 / 0")
    seen: list[str] = []
    shapes, unusable = user_shapes(tmp_path, tmp_path / "cache", seen.append)
    assert ([shape.name for shape in shapes], seen) == (["brick.ply"], ["brick.ply", "ell.ply"])
    assert unusable[0].why == "it cannot be cut into convex pieces (ZeroDivisionError: division by zero)"


def test_a_mesh_that_takes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ell().export(tmp_path / "ell.ply")
    before = convex_pieces.PROGRAM.partition("pieces =")[0]
    monkeypatch.setattr(convex_pieces, "PROGRAM", f"{before}while True: pass")
    monkeypatch.setattr(convex_pieces, "MOST_CPU_S", 1)
    with pytest.raises(ShapeError, match="ell.ply: cutting it into convex pieces takes more than 1 s"):
        read_mesh(tmp_path / "ell.ply", tmp_path / "cache")


def turned(*profile_mm: tuple[float, float]) -> trimesh.Trimesh:
    """A profile (radius, height) around the axis."""
    return trimesh.creation.revolve(np.array(profile_mm) / 1000, sections=12)


def test_what_the_first_cut_fills_up_is_cut_more_finely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convex_pieces, "THRESHOLDS", (0.9, convex_pieces.THRESHOLDS[1]))  # the hull, then this
    ell().export(tmp_path / "ell.stl")
    assert read_mesh(tmp_path / "ell.stl", tmp_path / "cache").volume_m3 == pytest.approx(ell().volume, rel=0.1)


def test_parts_that_reach_into_each_other_are_parts_and_no_hull(tmp_path: Path) -> None:
    handle = trimesh.creation.box((0.06, 0.02, 0.02), trimesh.transformations.translation_matrix((0.02, 0, 0)))
    trimesh.util.concatenate([trimesh.creation.box((0.03, 0.03, 0.03)), handle]).export(tmp_path / "two.stl")
    assert len(read_mesh(tmp_path / "two.stl", tmp_path / "cache").pieces) == 2


def test_a_surface_that_cuts_through_itself_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_file, "convex_pieces", lambda *_: pytest.fail("it is cut for a long time"))
    inner = ((27, 80), (29, 40), (27, 3), (0, 3))  # at half height outside of the outer wall
    turned((0, 0), (30, 0), (26, 40), (30, 80), *inner).export(tmp_path / "cup.stl")
    with pytest.raises(ShapeError, match="cup.stl: its surface cuts through itself, .*% of its inside"):
        read_mesh(tmp_path / "cup.stl", tmp_path / "cache")


@pytest.mark.parametrize("mesh", [trimesh.creation.icosphere(6, 0.03), trimesh.creation.torus(0.03, 0.012, 200, 100)])
def test_a_fine_mesh_is_made_coarser_and_stays_closed_and_of_its_volume(mesh: trimesh.Trimesh) -> None:
    assert len(mesh.faces) > 6 * MOST_TRIANGLES
    coarse = closed("mesh", coarsened(mesh))
    assert len(coarse.faces) <= MOST_TRIANGLES
    assert coarse.volume == pytest.approx(mesh.volume, rel=0.02)
