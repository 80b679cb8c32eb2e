"""Pictures of the world through OpenGL without a display (EGL)."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.types import FloatArray, Frame
from autoglm_embodied_sim.camera import CameraSettings
from autoglm_embodied_sim.world import DRAWN_GROUP, MAX_HEIGHT_PX, MAX_WIDTH_PX

DEPTH_SIGMA_M = 0.0015
DROPOUT = 0.002  # fraction of pixels without depth
COSTLY = (
    mujoco.mjtRndFlag.mjRND_SHADOW,
    mujoco.mjtRndFlag.mjRND_REFLECTION,
    mujoco.mjtRndFlag.mjRND_SKYBOX,
    mujoco.mjtRndFlag.mjRND_HAZE,
)


def open_gl() -> Any:
    """A current EGL context; SetupError if this machine cannot make one."""
    try:
        from mujoco.egl import GLContext

        context = GLContext(MAX_WIDTH_PX, MAX_HEIGHT_PX)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError) as error:
        raise SetupError(
            f"no EGL display can be opened ({error}); install it with: "
            "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
        ) from error
    return context


class Renderer:
    """Draws the fixed camera's RGB-D picture; belongs to the thread that made it."""

    def __init__(self, model: Any, settings: CameraSettings, seed: int) -> None:
        self._model, self._settings = model, settings
        self._gl = open_gl()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=200)
        for flag in COSTLY:
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [group == DRAWN_GROUP for group in range(6)]
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera("camera").id
        self._noise = _DepthNoise(seed)

    def reseed(self, seed: int) -> None:
        """Start the depth noise anew."""
        self._noise.reseed(seed)

    def frame(self, data: Any, stamp_ns: int, width: int, height: int) -> Frame:
        """Draw `data` (an MjData) with depth noise; at most MAX_WIDTH_PX x MAX_HEIGHT_PX."""
        if not (0 < width <= MAX_WIDTH_PX and 0 < height <= MAX_HEIGHT_PX):
            raise ConfigError(f"a frame must be within {MAX_WIDTH_PX}x{MAX_HEIGHT_PX}, got {width}x{height}")
        rgb, depth = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.float32)
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model, data, self._option, None, self._camera, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        rectangle = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, depth, rectangle, self._context)
        depth_m = self._noise.add(self._metres(depth)[::-1])
        return Frame(stamp_ns, np.ascontiguousarray(rgb[::-1]), depth_m, self._settings.camera(width, height))

    def close(self) -> None:
        """Free the GL context."""
        self._context.free()
        self._gl.free()

    def _metres(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo the projection of a reversed depth buffer (1 is near, 0 far)."""
        near = np.float32(self._model.vis.map.znear * self._model.stat.extent)
        far = np.float32(self._model.vis.map.zfar * self._model.stat.extent)
        return near * far / (near + depth * (far - near))


class _DepthNoise:
    """Gaussian noise and dropouts, cut at random places out of one precomputed pool: 20 times faster than drawing."""

    def __init__(self, seed: int) -> None:
        pool = np.random.default_rng(0)
        size = 2 * MAX_WIDTH_PX * MAX_HEIGHT_PX
        self._offset_m = DEPTH_SIGMA_M * pool.standard_normal(size, np.float32)
        self._seen = (pool.random(size, np.float32) >= DROPOUT).astype(np.float32)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def add(self, depth_m: FloatArray) -> NDArray[np.float32]:
        first, second = self._rng.integers(len(self._seen) - depth_m.size, size=2)
        offset = self._offset_m[first : first + depth_m.size].reshape(depth_m.shape)
        seen = self._seen[second : second + depth_m.size].reshape(depth_m.shape)
        return np.asarray((depth_m + offset) * seen, np.float32)
