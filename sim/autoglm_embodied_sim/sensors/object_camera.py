"""A fixed camera over the table: RGB-D with noise, and the simulator's own segmentation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import Camera, Frame
from autoglm_embodied_sim.geoms import DRAWN_GROUP
from autoglm_embodied_sim.sensors.renderer import COSTLY, open_gl
from autoglm_embodied_sim.sensors.view import NOTHING, View

DEPTH_SIGMA_M, HOLE_FRACTION = 0.0015, 0.002
GEOM = int(mujoco.mjtObj.mjOBJ_GEOM)


@lru_cache(maxsize=1)
def _gl() -> Any:
    """One OpenGL context for the whole process: opening one takes longer than an image."""
    return open_gl()


class ObjectCamera:
    """Draws one model; belongs to the thread that made it.


    Args:
        model: an MjModel.
        name: of the model's camera.
        believed: what the robot takes the camera for.
        object_of_geom: (ngeom,) which object a geom belongs to, NOTHING for the others.
    """

    def __init__(self, model: Any, name: str, believed: Camera, object_of_geom: NDArray[np.int16]) -> None:
        _gl().make_current()
        self._model, self.believed, self._object_of_geom = model, believed, object_of_geom
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 50)
        for flag in COSTLY:
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [group == DRAWN_GROUP for group in range(6)]
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera(name).id

    def view(self, data: Any, stamp_ns: int, rng: np.random.Generator, camera: Camera | None = None) -> View:
        """An image of `data`.

        Args:
            data: an MjData.
            stamp_ns: its time.
            rng: of the noise of depth.
            camera: what the robot takes the camera for, if not `believed`; of an odd fraction of its size, the image
                shows every so many-th row and column.
        """
        frame = self.frame(data, stamp_ns, rng, camera)
        colours, _ = self._draw(frame.camera, segment=True)
        return View(frame, self._owner(colours)[::-1])

    def frame(self, data: Any, stamp_ns: int, rng: np.random.Generator, camera: Camera | None = None) -> Frame:
        """The same image without its owners, in half the time."""
        camera = camera or self.believed
        mujoco.mj_kinematics(self._model, data)
        self._aim(data, self._camera)
        rgb, depth = self._draw(camera, segment=False)
        return Frame(stamp_ns, np.ascontiguousarray(rgb[::-1]), _noisy(self._metres(depth)[::-1], rng), camera)

    def photograph(self, data: Any, camera: Any = None) -> NDArray[np.uint8]:
        """(height, width, 3) for people: what this camera, or another one (MjvCamera), sees of `data`, without noise.

        `data` is only read, whatever of it is up to date.
        """
        scratch = mujoco.MjData(self._model)
        scratch.qpos[:] = data.qpos
        mujoco.mj_kinematics(self._model, scratch)
        mujoco.mj_camlight(self._model, scratch)
        self._aim(scratch, self._camera if camera is None else camera)
        return np.ascontiguousarray(self._draw(self.believed, segment=False)[0][::-1])

    def close(self) -> None:
        """Free what the model takes on the GL side."""
        _gl().make_current()
        self._context.free()

    def _aim(self, data: Any, camera: Any) -> None:
        """Bring the scene to what a camera sees of `data`."""
        _gl().make_current()
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, camera, everything, self._scene)

    def _draw(self, camera: Camera, segment: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            self._scene.flags[flag] = segment
        rgb = np.empty((camera.height, camera.width, 3), np.uint8)
        depth = np.empty((camera.height, camera.width), np.float32)
        rectangle = mujoco.MjrRect(0, 0, camera.width, camera.height)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, depth, rectangle, self._context)
        return rgb, depth

    def _owner(self, colours: NDArray[np.uint8]) -> NDArray[np.int16]:
        """(height, width) object of each pixel, from the colours that a segmented image gives its geoms."""
        ids = colours.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16])
        obj = np.full(self._scene.ngeom + 1, NOTHING, np.int16)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.objtype == GEOM and geom.segid >= 0:
                obj[geom.segid + 1] = self._object_of_geom[geom.objid]
        return np.asarray(obj[ids], np.int16)

    def _metres(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo the projection of a reversed depth buffer (1 is near, 0 far)."""
        near = np.float32(self._model.vis.map.znear * self._model.stat.extent)
        far = np.float32(self._model.vis.map.zfar * self._model.stat.extent)
        return near * far / (near + depth * (far - near))


def _noisy(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    noise = np.float32(DEPTH_SIGMA_M) * rng.standard_normal(depth_m.shape, np.float32)
    return np.asarray((depth_m + noise) * (rng.random(depth_m.shape, np.float32) >= HOLE_FRACTION), np.float32)
