"""The processes of faults without which the arm moves as well: each is there for the trial of its fault alone."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

from autoglm_embodied.faults.fault import PARTICIPANTS, RECORDER, VOICE
from autoglm_embodied.graph.launch import NODES, RunningGraph, parameters
from autoglm_embodied.graph.processes import Process

JOINING = 30  # participants; DDS finds no more than some 120 of one machine
WAITS, JOINED = "waiting for SIGUSR1", "joined"  # what participants_probe says
RECORDS = "recording to "
LISTENING = "listening"
END_S = 10.0
NO_IMAGES = {f"topics.{stream}": f"unused/{stream}" for stream in ("rgb", "depth")}  # which would fill the disk


class BesideProcess:
    """One of them.

    Args:
        graph: on which it is started.
        name: out of `faults.fault.BESIDE`.
        tell: takes what it writes from its start on, line by line.
    """

    def __init__(self, graph: RunningGraph, name: str, tell: Callable[[str], None]) -> None:
        self.name, self._graph, self._tell = name, graph, tell
        self._read = 0  # characters of its log
        self._begun_ns = time.time_ns()
        self.process = self._start()

    def is_ready(self) -> bool:
        """Whether it is at work, or waits to begin."""
        if self.name == VOICE:
            status = self._graph.observer.recording.latest_status().get(VOICE)
            return status is not None and status.stamp_ns > self._begun_ns and status.values.get("state") == LISTENING
        said = self.process.log.read_text(errors="replace")
        return WAITS in said if self.name == PARTICIPANTS else RECORDS in said and self._recording().stat().st_size > 0

    def is_done(self) -> bool:
        """Whether all participants have joined."""
        return JOINED in self.process.log.read_text(errors="replace")

    def fill_disk(self) -> None:
        """Let its file grow no more, as a full disk does."""
        size = self._recording().stat().st_size
        resource.prlimit(self.process.popen.pid, resource.RLIMIT_FSIZE, (size, size))

    def read_log(self) -> None:
        """Tell the lines that it wrote since."""
        said = self.process.log.read_text(errors="replace")
        lines = said[self._read : said.rfind("\n") + 1]
        self._read += len(lines)
        for line in lines.splitlines():
            self._tell(f"{self.name}: {line}")

    def end(self) -> None:
        """End it, and remove what it recorded."""
        self._graph.processes.running.remove(self.process)
        if self.process.popen.poll() is None:
            self.process.popen.send_signal(signal.SIGTERM)
        self.process.popen.wait(END_S)
        if self.name == RECORDER:
            self._recording().unlink(missing_ok=True)

    def _start(self) -> Process:
        start, folder = self._graph.processes.start, self._graph.processes.log_dir
        if self.name == VOICE:
            return start(VOICE, NODES[VOICE])
        if self.name == RECORDER:
            out = parameters(out=str(folder / "recordings"), **NO_IMAGES)
            return start(RECORDER, f"autoglm_embodied.nodes.{RECORDER}", *out)
        return start(PARTICIPANTS, "autoglm_embodied.nodes.probes.participants_probe", str(JOINING))

    def _recording(self) -> Path:
        said = self.process.log.read_text(errors="replace")
        return Path(said.partition(RECORDS)[2].partition(";")[0])
