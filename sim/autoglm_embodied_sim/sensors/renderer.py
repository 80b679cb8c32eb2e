"""Images of the world through OpenGL without a display (EGL)."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.types import Camera, Frame
from autoglm_embodied_sim.geoms import BACKDROP_GROUP, DRAWN_GROUP
from autoglm_embodied_sim.sensors.backdrop import View
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX, CameraSettings
from autoglm_embodied_sim.sensors.image_errors import ColourErrors, DepthErrors
from autoglm_embodied_sim.sensors.sensor_specs import Sensors
from autoglm_embodied_sim.sensors.shutter import Moment

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


def drop_stencil() -> None:
    """Replace the depth-and-stencil buffer of the current framebuffer by one of depth alone: as exact, and faster.

    MuJoCo needs the stencil for reflections, which are not drawn.
    """
    from OpenGL import GL

    depth = GL.glGenRenderbuffers(1)
    GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, depth)
    GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, GL.GL_DEPTH_COMPONENT32F, MAX_WIDTH_PX, MAX_HEIGHT_PX)
    for attachment, buffer in ((GL.GL_DEPTH_STENCIL_ATTACHMENT, 0), (GL.GL_DEPTH_ATTACHMENT, depth)):
        GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, attachment, GL.GL_RENDERBUFFER, buffer)


class Renderer:
    """Draws the fixed camera's RGB-D image; belongs to the thread that made it."""

    def __init__(self, model: Any, settings: CameraSettings, sensors: Sensors, seed: int) -> None:
        self._model, self._settings = model, settings
        self._scratch: Any = None
        self._gl = open_gl()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        drop_stencil()
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=200)
        for flag in COSTLY:
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [group == DRAWN_GROUP for group in range(6)]
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera("camera").id
        self._rgb = np.empty((MAX_WIDTH_PX * MAX_HEIGHT_PX, 3), np.uint8)  # read into, again and again: fresh
        self._depth = np.empty(MAX_WIDTH_PX * MAX_HEIGHT_PX, np.float32)  # memory costs half a millisecond a frame
        self._view = View(model)
        self._pinholes: dict[tuple[int, int], Camera] = {}
        self._colour_errors, self._depth_errors = ColourErrors(sensors.colour), DepthErrors(sensors.depth)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start noise and drift of both cameras anew; drift counts from the next frame on."""
        self._colour_errors.restart(seed)
        self._depth_errors.restart(seed)

    def draw(self, moment: Moment, width: int, height: int) -> Frame:
        """The frame of a moment, like `frame`; the rig's own MjData is left alone."""
        if self._scratch is None:
            self._scratch = mujoco.MjData(self._model)
        self._scratch.qpos[:] = moment.qpos
        mujoco.mj_kinematics(self._model, self._scratch)
        mujoco.mj_camlight(self._model, self._scratch)
        return self.frame(self._scratch, moment.stamp_ns, width, height)

    def frame(self, data: Any, stamp_ns: int, width: int, height: int) -> Frame:
        """Draw `data` (an MjData) with the errors of both cameras; at most MAX_WIDTH_PX x MAX_HEIGHT_PX."""
        if not (0 < width <= MAX_WIDTH_PX and 0 < height <= MAX_HEIGHT_PX):
            raise ConfigError(f"a frame must be within {MAX_WIDTH_PX}x{MAX_HEIGHT_PX}, got {width}x{height}")
        pixels = width * height
        rgb, depth = self._rgb[:pixels].reshape(height, width, 3), self._depth[:pixels].reshape(height, width)
        self._gl.make_current()
        self._option.geomgroup[BACKDROP_GROUP] = self._view.sees_beyond_the_table(data, width / height)
        mujoco.mjv_updateScene(
            self._model, data, self._option, None, self._camera, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        rectangle = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, depth, rectangle, self._context)
        depth_m = self._depth_errors.apply(stamp_ns, self._in_metres(depth)[::-1])
        seen = self._colour_errors.apply(stamp_ns, rgb[::-1].copy())
        return Frame(stamp_ns, seen, depth_m, self._pinhole(width, height))

    def close(self) -> None:
        """Free the GL context."""
        self._context.free()
        self._gl.free()

    def _pinhole(self, width: int, height: int) -> Camera:
        """The camera model of a size, computed once."""
        if (width, height) not in self._pinholes:
            self._pinholes[width, height] = self._settings.camera(width, height)
        return self._pinholes[width, height]

    def _in_metres(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo, in place, the projection of a reversed depth buffer (1 is near, 0 far)."""
        near = np.float32(self._model.vis.map.znear * self._model.stat.extent)
        far = np.float32(self._model.vis.map.zfar * self._model.stat.extent)
        depth *= far - near
        depth += near
        return np.divide(near * far, depth, out=depth)
