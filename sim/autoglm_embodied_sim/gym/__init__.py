"""The simulated arm as the gymnasium environment `AutoGLMGrasp-v0`."""
