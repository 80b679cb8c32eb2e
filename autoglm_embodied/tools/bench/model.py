"""What the network costs: time from a frame to an action and of a tick, operations, parameters and bytes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from autoglm_embodied.metrics import Report
from autoglm_embodied.model.checkpoint import torch_device
from autoglm_embodied.model.encoders import CHANNELS
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.grounding import READ_RUN
from autoglm_embodied.model.inputs import ModelInput, model_input
from autoglm_embodied.types import ArmState, ForceFeatures, Observation, Sense

WARM_UP = 20  # passes, in which memory is allocated and kernels are chosen
NO_GPU = "torch finds no CUDA device on this machine"
Pass = Callable[[], object]


def measure(report: Report, model: GraspModel, device: str, passes: int, say: Callable[[str], None]) -> None:
    """Add what the model costs on a device, or on the CPU and, where there is one, the GPU too.

    Args:
        report: takes the figures.
        model: with any weights; its sizes decide.
        device: "auto", "cpu" or "cuda".
        passes: timed ones of each kind.
        say: told what is measured.
    """
    weights = [*model.parameters(), *model.buffers()]
    report.add("model.parameters", sum(part.numel() for part in model.parameters()), "parameters")
    report.add("model.bytes", sum(part.numel() * part.element_size() for part in weights), "B")
    say("operations")
    for case, operations in operations_of_reading(model).items():
        report.add("model.flops", operations, "operations", case=case)
    devices = ("cpu", "cuda") if device == "auto" else (str(torch_device(device)),)
    for name in devices:
        if name == "cuda" and not torch.cuda.is_available():
            report.skip("model.fuse_act_ms", NO_GPU)
            continue
        say(f"passes on {name}")
        _add_times(report, model.eval().to(name), name, passes)


def operations_of_reading(model: GraspModel) -> dict[str, float]:
    """Multiply-adds, counted as two, of fusing one image with the rest, at batch size 1.

    `queries`: the learnable queries read the image, and are fused with the other tokens. `full`: every visual token is
    fused with them, in layers of the same width.
    """
    batch, _ = example(model)
    visual = batch.visual.shape[1]
    width = model.config.width
    model.train()  # else attention is one fused operation, which is not counted; there is no dropout
    try:
        grounded, language = model.ground(batch.visual, batch.words, batch.present)
        queries = grounded.latents.shape[1]
        fused: list[int] = []
        hook = model.fusion.register_forward_pre_hook(lambda _, given: fused.append(given[0].shape[1]))
        model.act(batch, grounded, language)
        hook.remove()

        def fuse(tokens: int) -> float:
            return _operations(
                lambda: model.fusion(torch.zeros(1, tokens, width), torch.ones(1, tokens, dtype=torch.bool))
            )

        read = torch.zeros(1, visual // READ_RUN, width)
        reading = _operations(lambda: [layer(grounded.latents, read) for layer in model.grounding.read])
        return {"queries": reading + fuse(fused[0]), "full": fuse(fused[0] - queries + visual)}
    finally:
        model.eval()


def example(model: GraspModel) -> tuple[ModelInput, Tensor]:
    """A batch of one in which every sense is present, with visual tokens, and the image (1, 7, h, w) they are of."""
    config = model.config
    draw = np.random.default_rng(0)
    arm = ArmState(np.zeros(config.joints), np.zeros(config.joints), np.eye(4), 0.04, 0.0)
    force = ForceFeatures(np.zeros((config.raw_samples, 6)), np.zeros((config.force_scales, 5, 6)), 0)
    image = torch.from_numpy(draw.normal(size=(1, CHANNELS, config.image_height, config.image_width)).astype("f4"))
    device = next(model.parameters()).device
    with torch.inference_mode():
        tokens = model.encode(image.to(device))[0].cpu().numpy()
    senses = (Sense(tokens, 0), Sense(force, 0), Sense(arm, 0), Sense(config.words[0], 0))
    return model_input([Observation(0, *senses)], config).to(device), image.to(device)


def _add_times(report: Report, model: GraspModel, device: str, passes: int) -> None:
    batch, image = example(model)
    with torch.inference_mode():
        grounded, language = model.ground(batch.visual, batch.words, batch.present)

        def from_frame() -> GraspOutput:
            return model.act(batch, *model.ground(model.encode(image), batch.words, batch.present))

        def fuse_act() -> GraspOutput:
            return model.act(batch, grounded, language)

        report.add_percentiles("model.frame_to_command_ms", _times_ms(from_frame, passes), "ms", case=device)
        ticks_ms = _times_ms(lambda: model(batch), passes)
        report.add("model.tick_hz", 1e3 / float(np.median(ticks_ms)), "Hz", passes, case=device)
        report.add_percentiles("model.fuse_act_ms", _times_ms(fuse_act, passes), "ms", case=device)
        if device == "cuda":
            report.add_percentiles("model.fuse_act_ms", _times_ms(_graph(fuse_act), passes), "ms", case="cuda_graph")


def _graph(run: Pass) -> Pass:
    """The same pass as a CUDA graph, which is launched as a whole."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # as capturing asks for: what allocates and chooses kernels is over then
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def _times_ms(run: Pass, passes: int) -> list[float]:
    def finished() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    times_ms = []
    for number in range(WARM_UP + passes):
        finished()
        begun = time.perf_counter()
        run()
        finished()
        if number >= WARM_UP:
            times_ms.append(1e3 * (time.perf_counter() - begun))
    return times_ms


def _operations(run: Pass) -> float:
    counter = FlopCounterMode(display=False)
    with counter:
        run()
    return float(counter.get_total_flops())
