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


BOX = trimesh.creation.box((0.25, 0.5, 1.0))
ACCENT = "café, Ø 3 mm".encode("latin-1")


def ascii_ply(comment: bytes) -> bytes:
    told = trimesh.exchange.ply.export_ply(BOX, encoding="ascii")
    return bytes(told).replace(b"ascii 1.0", b"ascii 1.0\ncomment " + comment)


FILES: dict[str, bytes] = {
    "behind.stl": trimesh.exchange.stl.export_stl(BOX) + b"colours of some program",
    "letters.stl": trimesh.exchange.stl.export_stl_ascii(BOX).encode().replace(b"solid", b"solid " + ACCENT, 1),
    "header.stl": ACCENT.ljust(80) + trimesh.exchange.stl.export_stl(BOX)[80:],
    "comment.obj": b"# " + ACCENT + b"\n" + trimesh.exchange.obj.export_obj(BOX).encode(),
    "group.OBJ": b"g " + ACCENT + b"\nmtllib " + ACCENT + b"\n" + trimesh.exchange.obj.export_obj(BOX).encode(),
    "mark.obj": b"\xef\xbb\xbf# by a Windows program\n" + trimesh.exchange.obj.export_obj(BOX).encode(),
    "letters.ply": ascii_ply(ACCENT),
    "binary.ply": trimesh.exchange.ply.export_ply(BOX).replace(b"ian 1.0", b"ian 1.0\ncomment " + ACCENT),
}


@pytest.mark.parametrize("name", FILES)
def test_what_programs_write_beside_the_triangles_does_no_harm(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    np.testing.assert_allclose(read_corners(tmp_path / name), np.unique(BOX.vertices, axis=0), atol=1e-6)


CORNERS = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n"
BAD: dict[str, tuple[str, str]] = {
    "above.obj": (CORNERS + "f 1 2 9\nf 1 2 3\n", "it cannot be read as a mesh|names corner"),
    "zero.obj": (CORNERS + "f 1 2 3\nf 3 0 2\n", "names corner 0, but an OBJ file counts its corners from 1"),
    "slashes.obj": (CORNERS + "f 0/1/1 2/1/1 3/1/1\n", "names corner 0"),
    "above.ply": (ascii_ply(b"").decode().replace("3 1 3 0", "3 1 3 8"), "names corner 8, but there are only 0 to 7"),
    "below.ply": (ascii_ply(b"").decode().replace("3 1 3 0", "3 1 3 -1"), "names corner -1"),
    "points.obj": (CORNERS, "it holds no triangles"),
    "nothing.obj": ("", "it holds no triangles"),
    "nan.obj": (CORNERS.replace("1", "nan") + "f 1 2 3\n", "no number"),
}


@pytest.mark.parametrize("name", BAD)
def test_triangles_that_cannot_be_are_refused(name: str, tmp_path: Path) -> None:
    text, why = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(ShapeError, match=f"{name}: .*({why})"):
        read_corners(tmp_path / name)


def test_an_obj_file_of_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.obj").write_text("v one two three\n")
    with pytest.raises(ShapeError, match="words.obj: it cannot be read as an OBJ file"):
        read_pieces(tmp_path / "words.obj")
