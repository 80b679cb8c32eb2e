"""Images of the world through OpenGL without a display (EGL)."""

from __future__ import annotations

import os
from functools import cache
from itertools import product
from typing import Any, TypeVar

import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.types import FloatArray, Frame
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX, CameraSettings
from autoglm_embodied_sim.sensors.sensor import ColourErrors, DepthErrors, Moment
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

DRAWN_GROUP = 3  # the collision geoms, 100 times cheaper to draw than the visual ones
BACKDROP_GROUP = 2  # what lies beyond the table, drawn only where the camera can see it
HIDDEN_GROUP = 4

L = TypeVar("L", np.int16, np.uint8)

COSTLY = (
    mujoco.mjtRndFlag.mjRND_SHADOW,
    mujoco.mjtRndFlag.mjRND_REFLECTION,
    mujoco.mjtRndFlag.mjRND_SKYBOX,
    mujoco.mjtRndFlag.mjRND_HAZE,
)
SEGMENTING = [int(mujoco.mjtRndFlag.mjRND_SEGMENT), int(mujoco.mjtRndFlag.mjRND_IDCOLOR)]
GEOM = int(mujoco.mjtObj.mjOBJ_GEOM)


@cache
def _first_process() -> int:
    """The process that was the first to draw; in one that was forked from it, still that one."""
    return os.getpid()


def open_gl() -> Any:
    """A current EGL context; SetupError if this machine cannot make one, or this process would hang in it."""
    if _first_process() != os.getpid():
        raise SetupError(
            "nothing can be drawn in a process forked from one that has drawn; start it with spawn, in gymnasium "
            "with make_vec(..., vector_kwargs={'context': 'spawn'})"
        )
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


def release_gl() -> None:
    """Part this thread from the EGL context that it draws with, so that another thread can take it."""
    from mujoco import egl

    egl.EGL.eglMakeCurrent(egl.EGL_DISPLAY, egl.EGL.EGL_NO_SURFACE, egl.EGL.EGL_NO_SURFACE, egl.EGL.EGL_NO_CONTEXT)


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


def shown(scene: Any, colours: NDArray[np.uint8], of_geom: NDArray[L], nothing: int) -> NDArray[L]:
    """(height, width) what `of_geom` says of the geom that each pixel shows.

    Args:
        scene: an MjvScene, drawn with the flags SEGMENTING.
        colours: (height, width, 3) the image, whose colours number the geoms.
        of_geom: (ngeom,) of the model.
        nothing: where a pixel shows none.
    """
    ids = colours.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16])
    of_id = np.full(scene.ngeom + 1, nothing, of_geom.dtype)
    for geom in scene.geoms[: scene.ngeom]:
        if geom.objtype == GEOM and geom.segid >= 0:
            of_id[geom.segid + 1] = of_geom[geom.objid]
    return np.asarray(of_id[ids])


class OffscreenScene:
    """Draws what a camera sees of one model, without errors; belongs to the thread that made it.

    Args:
        model: an MjModel.
        camera: name of its camera.
        gl: the OpenGL context.
    """

    def __init__(self, model: Any, camera: str, gl: Any) -> None:
        self._model, self._gl = model, gl
        gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 50)
        for flag in COSTLY:
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [group == DRAWN_GROUP for group in range(6)]
        self._camera = mujoco.MjvCamera()
        self._camera.type, self._camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera(camera).id

    def close(self) -> None:
        """Free what the model takes on the GL side."""
        self._gl.make_current()
        self._context.free()

    def _aim(self, data: Any, camera: Any) -> None:
        """Bring the scene to what a camera (MjvCamera) sees of `data` (an MjData)."""
        self._gl.make_current()
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, camera, everything, self._scene)

    def _read(self, rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> None:
        """Draw into `rgb` (height, width, 3) and `depth` (height, width), the lowest row first."""
        rectangle = mujoco.MjrRect(0, 0, depth.shape[1], depth.shape[0])
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, depth, rectangle, self._context)

    def _in_metres(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo, in place, the projection of a reversed depth buffer (1 is near, 0 far)."""
        near = np.float32(self._model.vis.map.znear * self._model.stat.extent)
        far = np.float32(self._model.vis.map.zfar * self._model.stat.extent)
        depth *= far - near
        depth += near
        return np.divide(near * far, depth, out=depth)


class Backdrop:
    """Says whether the room is wholly behind the table, where drawing it would be a fifth of the work for nothing.

    If the table stops all four corner rays it stops every ray, for its top is flat and convex. The floor lies below
    that top; the wall is out of sight, too, if it stands behind the camera.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._camera = model, model.camera("camera").id
        self._table, self._wall = model.geom("table"), model.geom("wall")
        self._asked: tuple[bytes, bytes, float, float] | None = None
        self._beyond = True

    def seen(self, data: Any, aspect: float) -> bool:
        """Whether an image `aspect` times as wide as high may show anything of the backdrop."""
        pose = data.cam_xpos[self._camera], data.cam_xmat[self._camera]
        asked = pose[0].tobytes(), pose[1].tobytes(), float(self._model.cam_fovy[self._camera]), aspect
        if asked != self._asked:  # the camera hardly ever moves
            self._asked = asked
            self._beyond = self._looks_beyond(pose[0], pose[1].reshape(3, 3), asked[2], aspect)
        return self._beyond

    def _looks_beyond(self, eye_m: FloatArray, rotation: FloatArray, fovy_deg: float, aspect: float) -> bool:
        half = np.tan(np.radians(fovy_deg) / 2)
        corners = np.array([[x * aspect * half, y * half, -1.0] for x, y in product((-1, 1), repeat=2)])
        rays = corners @ rotation.T
        top_m = self._table.pos[2] + self._table.size[2]
        if eye_m[2] <= top_m or rays[:, 2].max() >= 0 or eye_m[0] <= self._wall.pos[0] + self._wall.size[0]:
            return True
        met_m = eye_m + rays * ((top_m - eye_m[2]) / rays[:, 2])[:, None]
        return bool((abs(met_m[:, :2] - self._table.pos[:2]) > self._table.size[:2]).any())


class Renderer(OffscreenScene):
    """Draws the fixed camera's RGB-D image."""

    def __init__(self, model: Any, settings: CameraSettings, sensors: Sensors, seed: int) -> None:
        super().__init__(model, "camera", open_gl())
        drop_stencil()
        self._scratch = mujoco.MjData(model)
        self._rgb = np.empty((MAX_WIDTH_PX * MAX_HEIGHT_PX, 3), np.uint8)  # read into, again and again: fresh
        self._depth = np.empty(MAX_WIDTH_PX * MAX_HEIGHT_PX, np.float32)  # memory costs half a millisecond a frame
        self._backdrop = Backdrop(model)
        self._pinhole = cache(settings.camera)
        self._colour_errors, self._depth_errors = ColourErrors(sensors.colour), DepthErrors(sensors.depth)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start noise and drift of both cameras anew; drift counts from the next frame on."""
        self._colour_errors.restart(seed)
        self._depth_errors.restart(seed)

    def draw(self, moment: Moment, width: int, height: int) -> Frame:
        """The frame of a moment, like `frame`; the rig's own MjData is left alone."""
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
        self._option.geomgroup[BACKDROP_GROUP] = self._backdrop.seen(data, width / height)
        self._aim(data, self._camera)
        self._read(rgb, depth)
        depth_m = self._depth_errors.apply(stamp_ns, self._in_metres(depth)[::-1])
        seen = self._colour_errors.apply(stamp_ns, rgb[::-1].copy())
        return Frame(stamp_ns, seen, depth_m, self._pinhole(width, height))

    def mask(self, label_of_geom: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
        """(height, width) the label (ngeom,) of what each pixel of the frame drawn last shows; 0 where it is none."""
        colours, rectangle = self._rgb[: width * height].reshape(height, width, 3), mujoco.MjrRect(0, 0, width, height)
        self._scene.flags[SEGMENTING] = True
        mujoco.mjr_render(rectangle, self._scene, self._context)
        self._scene.flags[SEGMENTING] = False
        mujoco.mjr_readPixels(colours, None, rectangle, self._context)
        return shown(self._scene, colours, label_of_geom, 0)[::-1]

    def close(self) -> None:
        """Free the GL context."""
        super().close()
        self._gl.free()
