"""Mesh files: corners and convex pieces as the file has them, and a sentence for what is no mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from autoglm_embodied_sim.objects.mesh_file import read_corners, read_pieces
from autoglm_embodied_sim.objects.shape import ShapeError


def test_corners_of_an_stl_file_are_told_once_each(tmp_path: Path) -> None:
    box = trimesh.creation.box((0.25, 0.5, 1.0))
    box.export(tmp_path / "box.stl")
    corners = read_corners(tmp_path / "box.stl")
    assert sorted(map(tuple, corners)) == sorted(map(tuple, np.unique(box.vertices, axis=0)))


def test_each_object_of_an_obj_file_is_a_piece_with_its_own_corners(tmp_path: Path) -> None:
    corners = ["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 .1"]
    (tmp_path / "two.obj").write_text("\n".join(["o convex_0", *corners, "vn 0 0 1", "o convex_1", *corners[::-1]]))
    first, second = read_pieces(tmp_path / "two.obj")
    assert (first == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0.1]]).all() and (second == first[::-1]).all()


@pytest.mark.parametrize("triangles", [0, 2])
def test_an_stl_file_without_its_triangles_is_refused(triangles: int, tmp_path: Path) -> None:
    (tmp_path / "cut.stl").write_bytes(bytes(80) + bytes([triangles, 0, 0, 0]) + bytes(16))
    with pytest.raises(ShapeError, match="cut.stl: it (cannot be read as a mesh|holds no triangles)"):
        read_corners(tmp_path / "cut.stl")


def test_an_obj_file_of_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.obj").write_text("v one two three\n")
    with pytest.raises(ShapeError, match="words.obj: it cannot be read as an OBJ file"):
        read_pieces(tmp_path / "words.obj")
