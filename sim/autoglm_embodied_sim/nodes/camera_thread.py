"""Draws and sends frames beside the stepping thread, so that no frame delays a step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from autoglm_embodied.types import Frame
from autoglm_embodied_sim.robots.panda import ArmRig
from autoglm_embodied_sim.sensors.renderer import Renderer
from autoglm_embodied_sim.sensors.sensor import Moment

BACKLOG = 300  # frames: after a hiccup they are drawn late rather than lost


class CameraThread:
    """Owns the OpenGL context; draws each Moment given to it.

    Args:
        rig: whose model and camera to draw.
        send: called with each frame and its moment, in this thread.
        fail: called with the error if the thread cannot go on.
    """

    def __init__(
        self,
        rig: ArmRig,
        send: Callable[[Frame, Moment], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._rig = rig
        self._send, self._fail = send, fail
        self._moments: queue.Queue[Moment | ArmRig | None] = queue.Queue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera")

    def start(self) -> None:
        """Start the thread and wait until it can draw, or has failed."""
        self._thread.start()
        self._ready.wait()

    def take(self, moment: Moment) -> None:
        """Have this moment drawn; dropped if BACKLOG others wait already."""
        if self._moments.qsize() < BACKLOG:
            self._moments.put(moment)

    def exchange(self, rig: ArmRig) -> None:
        """Draw what another rig sees from the next moment on."""
        self._moments.put(rig)

    def close(self) -> None:
        """End the thread; moments that wait are not drawn."""
        while not self._moments.empty():
            self._moments.get()
        self._moments.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            renderer = self._open()
        except Exception as error:
            self._fail(error)
            return
        finally:
            self._ready.set()
        try:
            while (taken := self._moments.get()) is not None:
                if isinstance(taken, ArmRig):
                    renderer.close()
                    self._rig = taken
                    renderer = self._open()
                else:
                    self._send(self._draw(renderer, taken), taken)
        except Exception as error:
            self._fail(error)
        finally:
            renderer.close()

    def _open(self) -> Renderer:
        renderer = Renderer(self._rig.model, self._rig.camera, self._rig.sensors, self._rig.seed)
        self._draw(renderer, Moment(0, self._rig.data.qpos.copy()))  # the first frame compiles shaders
        renderer.reseed(self._rig.seed)
        return renderer

    def _draw(self, renderer: Renderer, moment: Moment) -> Frame:
        return renderer.draw(moment, self._rig.camera.width, self._rig.camera.height)
