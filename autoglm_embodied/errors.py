"""The errors a user may cause; each says what was wrong, what is allowed and what to do."""

from __future__ import annotations


class AutoGLMError(Exception):
    """Base of all errors that the caller can correct; a command prints it as one sentence and exits with 2."""


class ConfigError(AutoGLMError):
    """A configuration value or key that cannot be used."""


class SensorError(AutoGLMError):
    """A sensor message or device that cannot be used (shape, encoding, rate, NaN, not there)."""


class AudioError(SensorError):
    """A recording or an audio device that cannot be used."""


class BagError(AutoGLMError):
    """A bag that is missing, damaged, of other topics or types, or that cannot be written."""


class CheckpointError(AutoGLMError):
    """A checkpoint that is missing, damaged or made for another model."""


class InstructionError(AutoGLMError):
    """An instruction that does not name exactly one object that the policy can act on."""


class CommandError(AutoGLMError):
    """A command to a simulated arm that is no motion (shape, type, NaN, infinity); the arm does not follow it."""


class SetupError(AutoGLMError):
    """A missing part of the set-up: a package, a display driver, an audio server, a free port."""
