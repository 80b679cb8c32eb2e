"""Error of the observed values against the true signal, beside the nearest and the last sample of the same messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.simulated_streams import (
    BASELINES,
    NS_PER_S,
    SWING_HZ,
    SWING_RAD,
    IntArray,
    Messages,
    Pick,
    Signal,
    Transport,
    band_limited,
    chirp,
    deliver,
    joint_states,
    observe,
    panda_kinematics,
    pick_samples,
    sine,
    slew,
    spikes,
)
from autoglm_embodied.types import FloatArray, Observation

JOINTS_HZ, CAMERA_HZ, WRENCH_HZ, TICK_HZ = 100.0, 30.0, 1000.0, 97.0  # ticks fall anywhere between the samples
SECONDS = 30.0
TURN_S = 0.7321  # between the corners of a slew, which then fall between samples
LATENT = 16  # width of the latent of a frame
BEHIND_PERIODS = 2.2  # observe so many camera periods behind the newest frame: then there is one on either side
KINDS = ("vector", "rotation", "latent")
DETECTED_N = 5.0  # of a contact of 20 N
FREQUENCIES_HZ = np.geomspace(0.1, 12.0, 15)
PANELS = ("vector", f"joints at {JOINTS_HZ:.0f} Hz"), ("latent", f"frames at {CAMERA_HZ:.0f} Hz")
COLOURS = {"aligned": "#1565c0", "nearest": "#ef6c00", "last": "#c62828"}


@dataclass(frozen=True)
class ErrorCase:
    """One comparison.

    Attributes:
        name: of the case, empty for the plain one.
        signals: of the joints (n, 7) and of the latent (n, LATENT).
        transport: of camera and joints alike, but only the camera has the delay.
        live: observe the present instant, not one with samples on either side.
        extrapolate: whether latents may be extrapolated.
    """

    name: str
    signals: tuple[Signal, Signal]
    transport: Transport = Transport()
    live: bool = False
    extrapolate: bool = False


@dataclass(frozen=True)
class Errors:
    """RMS error by kind: vector [rad], rotation [rad], latent [its own unit]."""

    aligned: dict[str, float]
    last: dict[str, float]
    nearest: dict[str, float]
    ticks: int  # at which both modalities were present


def measure(report: Report, rng: np.random.Generator) -> None:
    """Add the ratios of the aligner's error to that of the last and the nearest sample, in every case."""
    for case in error_cases(rng):
        errors = compare(case, rng)
        kinds = ("latent",) if case.live or case.transport.delay_s else KINDS
        for kind in kinds:
            name = f"{kind}/{case.name}" if case.name else kind
            for baseline in BASELINES:
                ratio = errors.aligned[kind] / getattr(errors, baseline)[kind]
                report.add(f"align.rms_ratio_vs_{baseline}", ratio, "ratio", errors.ticks, case=name)
    for name, detected, n in detect_contacts(rng):
        report.add_fraction("align.contacts_felt", detected, n, case=name)


def error_cases(rng: np.random.Generator) -> list[ErrorCase]:
    """All comparisons: other motions, then losses, jitter, reordering and delays."""
    plain = ErrorCase("", (band_limited(SWING_HZ, 7, rng, SWING_RAD), band_limited(SWING_HZ, LATENT, rng)))
    chirps = chirp(0.1, SWING_HZ, SECONDS, 7, SWING_RAD), chirp(0.1, SWING_HZ, SECONDS, LATENT)
    slews = slew(0.5, TURN_S, 7), slew(1.0, TURN_S, LATENT)
    cases = [plain, replace(plain, name="chirp", signals=chirps), replace(plain, name="slew", signals=slews)]
    for name, transport in (
        *((f"loss_{share:.0%}", Transport(loss=share)) for share in (0.1, 0.3)),
        *((f"jitter_{share}_period", Transport(jitter=share)) for share in (0.5, 1.0)),
        *((f"overtaking_{share}_period", Transport(overtaking=share)) for share in (0.5, 1.0)),
    ):
        cases.append(replace(plain, name=name, transport=transport))
    for delay_ms in (5, 20, 50, 100):
        late = replace(plain, name=f"delay_{delay_ms}ms", transport=Transport(delay_s=delay_ms / 1e3))
        live = replace(late, name=f"{late.name}/live", live=True)
        cases += [late, live, replace(live, name=f"{live.name}/drawn_on", extrapolate=True)]
    return cases


def compare(case: ErrorCase, rng: np.random.Generator) -> Errors:
    """Errors of the aligner and of both baselines on the same messages, transported as the case says."""
    joints, latent = joint_states(case.signals[0]), case.signals[1]
    streams = {
        "joints": deliver(joints, JOINTS_HZ, SECONDS, replace(case.transport, delay_s=0.0), rng),
        "vision": deliver(latent, CAMERA_HZ, SECONDS, case.transport, rng),
    }
    settings = AlignSettings(vision_limit_ns=400_000_000)  # the stream survives four lost frames in a row
    if case.extrapolate:
        settings = replace(settings, vision_extrapolation_ns=round(NS_PER_S / CAMERA_HZ))
    behind_ns = 0 if case.live else round((case.transport.delay_s + BEHIND_PERIODS / CAMERA_HZ) * NS_PER_S)
    now_ns = (np.arange(1.0, SECONDS - 1.0, 1 / TICK_HZ) * NS_PER_S).astype(np.int64)
    observations = list(observe(Aligner(settings, panda_kinematics()), streams, now_ns, behind_ns))
    complete = np.array([each.vision.present and each.joints.present for each in observations])
    now_ns, t_ns = now_ns[complete], now_ns[complete] - behind_ns

    truth = joints(t_ns / NS_PER_S)[:, :7], latent(t_ns / NS_PER_S)
    aligned = _values([each for each, whole in zip(observations, complete, strict=True) if whole])
    last, nearest = (_baseline(pick, streams, t_ns, now_ns) for pick in BASELINES.values())
    return Errors(_rms_errors(truth, aligned), _rms_errors(truth, last), _rms_errors(truth, nearest), len(t_ns))


def detect_contacts(rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """Contacts of 20 N and 4 ms between ticks at 30 Hz: method, how many it detected, of how many."""
    begin_s = np.arange(2.0, SECONDS - 1.0, 0.2)
    begin_s += rng.uniform(0.0, 0.1, len(begin_s))
    contact, noise = spikes(begin_s), band_limited(50.0, 6, rng, 0.02)
    streams = {
        "wrench": deliver(lambda at: contact(at) + noise(at), WRENCH_HZ, SECONDS, Transport(), rng),
        "joints": deliver(joint_states(lambda at: np.zeros((len(at), 7))), JOINTS_HZ, SECONDS, Transport(), rng),
    }
    now_ns = (np.arange(1.0, SECONDS, 1 / CAMERA_HZ) * NS_PER_S).astype(np.int64)
    force_n = {"aligned": np.array(_largest_force_n(streams, now_ns))}
    for name, pick in BASELINES.items():
        force_n[name] = pick_samples(streams["wrench"], now_ns, now_ns, pick)[:, 2]
    first = np.searchsorted(now_ns / NS_PER_S, begin_s + 0.004)  # the first tick behind each contact
    # The tick within the contact may detect it as well.
    near_n = {name: np.maximum(values[first], values[first - 1]) for name, values in force_n.items()}
    return [(name, int((values >= DETECTED_N).sum()), len(begin_s)) for name, values in near_n.items()]


def _largest_force_n(streams: dict[str, Messages], now_ns: IntArray) -> list[float]:
    """Largest force along z in the last 128 ms of each tick, by the aligner's pyramid; 0 where absent."""
    aligner, force_n = Aligner(AlignSettings(), panda_kinematics()), []
    for k, observation in enumerate(observe(aligner, streams, now_ns)):
        if k == 0:
            aligner.tare(observation.t_ns, int(now_ns[0]))
        force = observation.force.value
        force_n.append(0.0 if force is None else float(force.pyramid[2, 3, 2]))
    return force_n


def plot_error(path: Path, report: Report, rng: np.random.Generator) -> None:
    """Plot RMS error over the signal's RMS against its frequency; the points also go to the report."""
    rows = _error_by_frequency(rng)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (kind, title) in zip(panels, PANELS, strict=True):
        for name, colour in COLOURS.items():
            axes.loglog(FREQUENCIES_HZ, rows[f"{kind}/{name}"], "o-", markersize=3, color=colour, label=name)
        axes.set_title(title, fontsize="medium")
        axes.set_xlabel("frequency of the motion [Hz]")
        axes.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("RMS error / RMS of the motion")
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    report.details["error_by_frequency"] = {
        "hz": FREQUENCIES_HZ.round(4).tolist(),
        **{name: values.round(6).tolist() for name, values in rows.items()},
    }


def _error_by_frequency(rng: np.random.Generator) -> dict[str, FloatArray]:
    """RMS error over a sine's own RMS at each frequency: `vector` and `latent`, by each method."""
    rows: dict[str, list[float]] = {}
    for frequency_hz in FREQUENCIES_HZ:
        amplitude = np.sqrt(2.0)
        signals = sine(frequency_hz, 7, SWING_RAD * amplitude), sine(frequency_hz, LATENT, amplitude)
        errors = compare(ErrorCase("", signals), rng)
        for name in ("aligned", *BASELINES):
            for kind, scale in (("vector", SWING_RAD), ("latent", 1.0)):
                rows.setdefault(f"{kind}/{name}", []).append(getattr(errors, name)[kind] / scale)
    return {name: np.array(values) for name, values in rows.items()}


def _values(observations: list[Observation]) -> tuple[FloatArray, FloatArray]:
    joints = [each.joints.value.position_rad for each in observations if each.joints.value is not None]
    tokens = [each.vision.value[0] for each in observations if each.vision.value is not None]
    return np.array(joints), np.array(tokens)


def _baseline(
    pick: Pick, streams: dict[str, Messages], t_ns: IntArray, now_ns: IntArray
) -> tuple[FloatArray, FloatArray]:
    joints, latent = (pick_samples(streams[name], t_ns, now_ns, pick) for name in ("joints", "vision"))
    return joints[:, :7], latent


def _rms_errors(truth: tuple[FloatArray, FloatArray], values: tuple[FloatArray, FloatArray]) -> dict[str, float]:
    forward = panda_kinematics()
    rotations = [Rotation.from_matrix([forward(row)[:3, :3] for row in rows[0]]) for rows in (truth, values)]
    angle = (rotations[0].inv() * rotations[1]).magnitude()
    return {"vector": _rms(values[0] - truth[0]), "rotation": _rms(angle), "latent": _rms(values[1] - truth[1])}


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
