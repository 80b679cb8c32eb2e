"""A fixed camera over the table: RGB-D with noise, and which pixels the simulator knows to be whose."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.hand import NOTHING, View
from autoglm_embodied.types import Camera, Frame
from autoglm_embodied_sim.sensors.renderer import SEGMENTING, OffscreenScene, open_gl, shown

DEPTH_SIGMA_M, HOLE_FRACTION = 0.0015, 0.002


@lru_cache(maxsize=1)
def _gl() -> Any:
    """One OpenGL context for the whole process: opening one takes longer than an image."""
    return open_gl()


class ObjectCamera(OffscreenScene):
    """Draws one model; belongs to the thread that made it.

    Args:
        model: an MjModel.
        name: of the model's camera.
        believed: what the robot takes the camera for.
        object_of_geom: (ngeom,) which object a geom belongs to, NOTHING for the others.
    """

    def __init__(self, model: Any, name: str, believed: Camera, object_of_geom: NDArray[np.int16]) -> None:
        super().__init__(model, name, _gl())
        self.believed, self._object_of_geom = believed, object_of_geom

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
        return View(frame, shown(self._scene, colours, self._object_of_geom, NOTHING)[::-1])

    def frame(self, data: Any, stamp_ns: int, rng: np.random.Generator, camera: Camera | None = None) -> Frame:
        """The same image without its owners, in half the time."""
        camera = camera or self.believed
        mujoco.mj_kinematics(self._model, data)
        self._aim(data, self._camera)
        rgb, depth = self._draw(camera, segment=False)
        noise_m = np.float32(DEPTH_SIGMA_M) * rng.standard_normal(depth.shape, np.float32)
        read_m = self._in_metres(depth)[::-1] + noise_m
        read_m *= rng.random(depth.shape, np.float32) >= HOLE_FRACTION
        return Frame(stamp_ns, np.ascontiguousarray(rgb[::-1]), read_m, camera)

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

    def _draw(self, camera: Camera, segment: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        self._scene.flags[SEGMENTING] = segment
        rgb = np.empty((camera.height, camera.width, 3), np.uint8)
        depth = np.empty((camera.height, camera.width), np.float32)
        self._read(rgb, depth)
        return rgb, depth
