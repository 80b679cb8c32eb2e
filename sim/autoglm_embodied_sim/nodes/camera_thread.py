"""Draws and sends frames beside the stepping thread, so that no frame delays a step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from autoglm_embodied.types import Frame
from autoglm_embodied_sim.nodes.publishers import MaskPublisher
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import GraspTask
from autoglm_embodied_sim.sensors.renderer import Renderer
from autoglm_embodied_sim.sensors.sensor import Moment

BACKLOG = 300  # frames: after a hiccup they are drawn late rather than lost


class CameraThread:
    """Owns the OpenGL context; draws each Moment given to it.

    Args:
        task: whose rig to draw.
        send: called with each frame and its moment, in this thread.
        masks: publishes which objects its frames show.
        fail: called with the error if the thread cannot go on.
    """

    def __init__(
        self,
        task: GraspTask[Arm],
        send: Callable[[Frame, Moment], None],
        masks: MaskPublisher,
        fail: Callable[[Exception], None],
    ) -> None:
        self._task = task
        self._send, self._masks, self._fail = send, masks, fail
        self._moments: queue.Queue[Moment | GraspTask[Arm] | None] = queue.Queue()
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

    def exchange(self, task: GraspTask[Arm]) -> None:
        """Draw another scene from the next moment on."""
        self._moments.put(task)

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
                if isinstance(taken, GraspTask):
                    renderer.close()
                    self._task = taken
                    renderer = self._open()
                else:
                    frame = self._draw(renderer, taken)
                    self._send(frame, taken)
                    if self._masks.due(taken):
                        camera = frame.camera
                        self._masks.publish(
                            frame.stamp_ns, renderer.mask(self._task.label_of_geom, camera.width, camera.height)
                        )
        except Exception as error:
            self._fail(error)
        finally:
            renderer.close()

    def _open(self) -> Renderer:
        rig = self._task.rig.rig
        renderer = Renderer(rig.model, rig.camera, rig.sensors, rig.seed)
        self._draw(renderer, Moment(0, rig.data.qpos.copy()))  # the first frame compiles shaders
        renderer.reseed(rig.seed)
        return renderer

    def _draw(self, renderer: Renderer, moment: Moment) -> Frame:
        camera = self._task.rig.rig.camera
        return renderer.draw(moment, camera.width, camera.height)
