"""Results of finished episodes on disk, so that an evaluation which was stopped goes on where it stood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult, Key


class ResultCache:
    """A file of one JSON line an episode, named after all that the outcome depends on; one process alone writes it."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], fresh: bool = False) -> None:
        """Read what was finished with the same settings.

        Args:
            folder: of the file; made if need be.
            settings: all that an outcome depends on but suite, policy and seed.
            fresh: forget what was finished.

        Raises:
            ConfigError: the folder cannot be written.
        """
        name = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self.path = folder / f"episodes-{name}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w+b" if fresh else "a+b")
            self.results = self._read()
        except OSError as error:
            raise ConfigError(
                f"cannot keep episodes in {folder} ({error.strerror}); name another with --log"
            ) from error

    def add(self, result: GraspResult) -> None:
        """Write a result down at once."""
        self.results[result.key] = result
        self._file.write(json.dumps(asdict(result)).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing more will be added."""
        self._file.close()

    def _read(self) -> dict[Key, GraspResult]:
        """All whole lines; half a one, of a run that was killed while it wrote, is cut off."""
        self._file.seek(0)
        text = self._file.read()
        whole = text.rfind(b"\n") + 1
        self._file.truncate(whole)
        results = [_result(json.loads(line)) for line in text[:whole].splitlines()]
        return {result.key: result for result in results}


def _result(row: Mapping[str, Any]) -> GraspResult:
    """A line's result; only rounds say how many objects there were."""
    return RoundResult(**row) if "objects" in row else GraspResult(**row)
