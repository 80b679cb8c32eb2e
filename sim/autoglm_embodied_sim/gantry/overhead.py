"""The camera above the gantry: RGB-D with noise, and the simulator's own segmentation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import Camera, FloatArray, Frame
from autoglm_embodied_sim.gantry.model import CAMERA_FOVY_DEG, CAMERA_HEIGHT_M
from autoglm_embodied_sim.gantry.view import NOTHING, View
from autoglm_embodied_sim.renderer import COSTLY, open_gl
from autoglm_embodied_sim.world import DRAWN_GROUP

SIZE_PX = 480  # of its square pictures
DEPTH_SIGMA_M, HOLE_FRACTION = 0.0015, 0.002
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, CAMERA_HEIGHT_M], [0, 0, 0, 1]])
GEOM = int(mujoco.mjtObj.mjOBJ_GEOM)


@lru_cache(maxsize=1)
def _gl() -> Any:
    """One OpenGL context for the whole process: opening one takes longer than a picture."""
    return open_gl()


class Overhead:
    """Draws one model in square pictures; belongs to the thread that made it.

    A picture of SIZE_PX / n, for an odd n, shows every n-th row and column of one of SIZE_PX.
    """

    def __init__(self, model: Any, item_of_geom: NDArray[np.int16]) -> None:
        _gl().make_current()
        self._model, self._item_of_geom = model, item_of_geom
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 50)
        for flag in COSTLY:
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [group == DRAWN_GROUP for group in range(6)]
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera("overhead").id

    def view(
        self, data: Any, stamp_ns: int, hand_eye_m: FloatArray, rng: np.random.Generator, size_px: int = SIZE_PX
    ) -> View:
        """A picture of `data`; the camera is believed to be `hand_eye_m` (3,) away from where it is."""
        frame = self.frame(data, stamp_ns, hand_eye_m, rng, size_px)
        colours, _ = self._draw(size_px, segment=True)
        return View(frame, self._owner(colours)[::-1])

    def frame(
        self, data: Any, stamp_ns: int, hand_eye_m: FloatArray, rng: np.random.Generator, size_px: int = SIZE_PX
    ) -> Frame:
        """The same picture without its owners, in half the time."""
        _gl().make_current()
        mujoco.mj_kinematics(self._model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, everything, self._scene)
        rgb, depth = self._draw(size_px, segment=False)
        believed = T_BASE_CAMERA.copy()
        believed[:3, 3] += hand_eye_m
        camera = Camera(size_px, size_px, _intrinsics(size_px), believed)
        return Frame(stamp_ns, np.ascontiguousarray(rgb[::-1]), _noisy(self._metres(depth)[::-1], rng), camera)

    def close(self) -> None:
        """Free what the model takes on the GL side."""
        _gl().make_current()
        self._context.free()

    def _draw(self, size_px: int, segment: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            self._scene.flags[flag] = segment
        rgb = np.empty((size_px, size_px, 3), np.uint8)
        depth = np.empty((size_px, size_px), np.float32)
        rectangle = mujoco.MjrRect(0, 0, size_px, size_px)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, depth, rectangle, self._context)
        return rgb, depth

    def _owner(self, colours: NDArray[np.uint8]) -> NDArray[np.int16]:
        """(height, width) item of each pixel, from the colours that a segmented picture gives its geoms."""
        ids = colours.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16])
        item = np.full(self._scene.ngeom + 1, NOTHING, np.int16)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.objtype == GEOM and geom.segid >= 0:
                item[geom.segid + 1] = self._item_of_geom[geom.objid]
        return np.asarray(item[ids], np.int16)

    def _metres(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo the projection of a reversed depth buffer (1 is near, 0 far)."""
        near = np.float32(self._model.vis.map.znear * self._model.stat.extent)
        far = np.float32(self._model.vis.map.zfar * self._model.stat.extent)
        return near * far / (near + depth * (far - near))


def _intrinsics(size_px: int) -> FloatArray:
    focal, middle = 0.5 * size_px / np.tan(np.radians(CAMERA_FOVY_DEG) / 2), (size_px - 1) / 2
    return np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])


def _noisy(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    noise = np.float32(DEPTH_SIGMA_M) * rng.standard_normal(depth_m.shape, np.float32)
    return np.asarray((depth_m + noise) * (rng.random(depth_m.shape, np.float32) >= HOLE_FRACTION), np.float32)
