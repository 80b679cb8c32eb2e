"""Shapes of a MuJoCo model as SDF geometry, meshes and lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import Element, children, element, pose, transform

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_meshes(model: Any, folder: Path) -> None:
    """Write every mesh that an MjModel draws to `folder`, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = model.geom_dataid[model.geom_type == mujoco.mjtGeom.mjGEOM_MESH]
    for mesh in sorted(set(drawn.tolist())):
        (folder / file_name(model, mesh)).write_bytes(_stl(model, mesh))


def file_name(model: Any, mesh: int) -> str:
    """Of the file of this mesh."""
    return f"{model.mesh(mesh).name}.stl"


def mesh_vertices(model: Any, mesh: int) -> FloatArray:
    """(n, 3) of a mesh [m], in the frame of its geoms."""
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    return np.asarray(model.mesh_vert[first : first + count])


def _stl(model: Any, mesh: int) -> bytes:
    first, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    corners = mesh_vertices(model, mesh)[model.mesh_face[first : first + count]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    records = np.zeros(count, RECORD)
    records["corners"] = corners
    records["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    return bytes(80) + np.uint32(count).tobytes() + records.tobytes()


Geom = mujoco.mjtGeom
STIFFNESS_N_M, DAMPING_N_S_M = 1e5, 200.0  # of a contact
SINK_M = 2e-4  # contacts may sink in so far before they push: they stay closed
SUN, CAMERA = "sun", "camera"
HERTZ = 3 * np.pi / 16  # torsional friction of a circular patch, over force, radius and coefficient


@dataclass(frozen=True)
class Box:
    """A box in the frame of a link."""

    T_link_box: FloatArray
    size_m: FloatArray  # (3,) edges


def visual(model: Any, geom: int, name: str, T_link_geom: FloatArray, meshes: Path) -> Element:
    """What a geom looks like."""
    rgba = model.geom_rgba[geom]
    material = element("material", *children(ambient=rgba, diffuse=rgba, specular=[0, 0, 0, 1]))
    seen = children(cast_shadows=False, geometry=_geometry(model, geom, meshes))
    return element("visual", pose(T_link_geom), *seen, material, name=name)


def collision(name: str, T_link_shape: FloatArray, shape: Element, friction: FloatArray) -> Element:
    """What touches: a geometry with friction (sliding [1], torsional [m], ...) as MuJoCo has it."""
    surface = _surface(float(friction[0]), friction[1])
    return element("collision", pose(T_link_shape), element("geometry", shape), surface, name=name)


def primitive(model: Any, geom: int) -> Element:
    """The geometry of a geom that is a box, cylinder or ball."""
    size, kind = model.geom_size[geom], model.geom_type[geom]
    if kind == Geom.mjGEOM_BOX:
        return element("box", element("size", 2 * size))
    if kind == Geom.mjGEOM_CYLINDER:
        return element("cylinder", *children(radius=size[0], length=2 * size[1]))
    return element("sphere", element("radius", size[0]))


def touching_boxes(model: Any, geoms: Sequence[int]) -> list[Box]:
    """Boxes in place of the geoms of a body that touch: one about each mesh, one about all its boxes together.

    Gazebo's physics engines handle few contacts between boxes better than many between meshes.
    """
    boxes, corners = [], []
    for geom in geoms:
        T_link_geom = geom_pose(model, geom)
        points = _corners(model, geom)
        in_link = points @ T_link_geom[:3, :3].T + T_link_geom[:3, 3]
        if model.geom_type[geom] == Geom.mjGEOM_MESH:
            choices = _box_about(points, T_link_geom), _box_about(in_link, np.eye(4))
            boxes.append(min(choices, key=lambda box: float(box.size_m.prod())))
        else:
            corners.append(in_link)
    return boxes + ([_box_about(np.vstack(corners), np.eye(4))] if corners else [])


def _corners(model: Any, geom: int) -> FloatArray:
    """(n, 3) points whose hull a mesh or a box is, in its own frame."""
    if model.geom_type[geom] == Geom.mjGEOM_MESH:
        return mesh_vertices(model, model.geom_dataid[geom])
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(signs * model.geom_size[geom])


def _box_about(points: FloatArray, T_link_frame: FloatArray) -> Box:
    """The box about points (n, 3) of a frame, along the axes of that frame."""
    low, high = points.min(axis=0), points.max(axis=0)
    return Box(T_link_frame @ transform((low + high) / 2, np.array([1.0, 0, 0, 0])), high - low)


def geom_pose(model: Any, geom: int) -> FloatArray:
    """(4, 4) of a geom in its body."""
    return transform(model.geom_pos[geom], model.geom_quat[geom])


def _geometry(model: Any, geom: int, meshes: Path) -> Element:
    if model.geom_type[geom] != Geom.mjGEOM_MESH:
        return primitive(model, geom)
    path = meshes / file_name(model, model.geom_dataid[geom])
    return element("mesh", element("uri", path.absolute().as_uri()))


def _surface(sliding: float, torsional_m: float) -> Element:
    radius_m = torsional_m / (HERTZ * sliding)
    torsional = children(coefficient=sliding, use_patch_radius=True, patch_radius=radius_m)
    friction = element("ode", *children(mu=sliding, mu2=sliding)), element("torsional", *torsional)
    spring = children(kp=STIFFNESS_N_M, kd=DAMPING_N_S_M, max_vel=0.05, min_depth=SINK_M)
    return element("surface", element("friction", *friction), element("contact", element("ode", *spring)))


def scene_light(model: Any) -> Element:
    """The light that comes from everywhere."""
    ambient = model.light_ambient[model.light(SUN).id] + np.asarray(model.vis.headlight.ambient)
    return element("scene", *children(ambient=[*ambient, 1], shadows=False))


def lights(model: Any) -> list[Element]:
    """The sun, and what shines from the camera."""
    sun = model.light(SUN).id
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.cam_quat[model.camera(CAMERA).id])
    return [
        _light(SUN, model.light_dir[sun], model.light_diffuse[sun]),
        _light("headlight", -rotation.reshape(3, 3)[:, 2], np.asarray(model.vis.headlight.diffuse)),
    ]


def _light(name: str, direction: FloatArray, rgb: FloatArray) -> Element:
    shining = children(cast_shadows=False, diffuse=[*rgb, 1], specular=[0, 0, 0, 1], direction=direction)
    return element("light", *shining, type="directional", name=name)
