"""One base for every error a user may cause: what was wrong, what is allowed, what to do."""

from __future__ import annotations


class AutoGLMError(Exception):
    """Base of all errors that are the caller's to mend; a command prints it as one sentence and exits 2."""


class ConfigError(AutoGLMError):
    """A configuration value or key that cannot be used."""


class SensorError(AutoGLMError):
    """A sensor message or device that cannot be used (shape, encoding, rate, NaN, not there)."""


class AudioError(SensorError):
    """A recording or an audio device that cannot be used."""


class BagError(AutoGLMError):
    """A recording that is missing, damaged, of other topics or types, or that cannot be written."""


class CheckpointError(AutoGLMError):
    """A checkpoint that is missing, damaged or made for another model."""


class InstructionError(AutoGLMError):
    """An instruction that names nothing, or not one thing, the policy can act on."""


class SetupError(AutoGLMError):
    """Something this machine lacks: a package, a display driver, an audio server, a free port."""
