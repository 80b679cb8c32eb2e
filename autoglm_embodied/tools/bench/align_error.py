"""How far what is observed lies from what was there, beside the nearest and the last sample, on the same messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.playback import observe
from autoglm_embodied.tools.bench.sample_baselines import last, nearest
from autoglm_embodied.tools.bench.simulated_streams import (
    NS_PER_S,
    SWING_RAD,
    IntArray,
    Messages,
    Signal,
    Way,
    band_limited,
    chirp,
    deliver,
    joints_row,
    kinematics,
    sine,
    slew,
    spikes,
)
from autoglm_embodied.types import FloatArray, Observation

JOINTS_HZ, CAMERA_HZ, WRENCH_HZ, TICK_HZ = 100.0, 30.0, 1000.0, 97.0  # ticks fall anywhere between the samples
HIGHEST_HZ = 5.0  # of the motion
SECONDS = 30.0
TURN_S = 0.7321  # of the slews, so that corners fall between samples
LATENT = 16  # numbers in the latent of a frame
BEHIND_PERIODS = 2.2  # of the camera, behind the newest frame: then there is a frame on either side
Rule = Callable[[Messages, IntArray, IntArray], FloatArray]
KINDS = ("vector", "rotation", "latent")
FELT_N = 5.0  # of a contact of 20 N


@dataclass(frozen=True)
class Trial:
    """One comparison.

    Attributes:
        name: of the case, empty for the plain one.
        move: of the joints (n, 7) and what the camera sees (n, LATENT), as kinds of signal.
        way: of camera and joints alike, but that the delay is the camera's alone.
        live: asked for the present instant, not for one that both neighbours are known of.
        drawn_on: how far latents may be drawn on.
    """

    name: str
    move: tuple[Signal, Signal]
    way: Way = Way()
    live: bool = False
    drawn_on: bool = False


@dataclass(frozen=True)
class Errors:
    """Root mean square distance from the truth, by kind: [rad], [rad], and in units of the latent's own."""

    aligned: dict[str, float]
    last: dict[str, float]
    nearest: dict[str, float]
    ticks: int  # at which both senses were present


def measure(report: Report, rng: np.random.Generator) -> None:
    """Add the ratios of the aligned error to that of the nearest and the last sample, in every case."""
    for trial in trials(rng):
        errors = compare(trial, rng)
        kinds = ("latent",) if trial.live or trial.way.delay_s else KINDS
        for kind in kinds:
            case = f"{kind}/{trial.name}" if trial.name else kind
            for rival, theirs in (("last", errors.last), ("nearest", errors.nearest)):
                report.add(
                    f"align.rms_ratio_vs_{rival}", errors.aligned[kind] / theirs[kind], "ratio", errors.ticks, case=case
                )
    for name, felt, n in feel_spikes(rng):
        report.add_fraction("align.contacts_felt", felt, n, case=name)


def trials(rng: np.random.Generator) -> list[Trial]:
    """All comparisons: what is asked of the method, then what the way from the sensors may do to it."""
    flat = band_limited(HIGHEST_HZ, 7, rng, SWING_RAD), band_limited(HIGHEST_HZ, LATENT, rng)
    plain = Trial("", flat)
    rising = chirp(0.1, HIGHEST_HZ, SECONDS, 7, SWING_RAD), chirp(0.1, HIGHEST_HZ, SECONDS, LATENT)
    cornered = slew(0.5, TURN_S, 7), slew(1.0, TURN_S, LATENT)
    some = [plain, replace(plain, name="chirp", move=rising), replace(plain, name="slew", move=cornered)]
    some += [replace(plain, name=f"loss_{share:.0%}", way=Way(loss=share)) for share in (0.1, 0.3)]
    some += [replace(plain, name=f"jitter_{share}_period", way=Way(jitter=share)) for share in (0.5, 1.0)]
    some += [replace(plain, name=f"overtaking_{share}_period", way=Way(overtaking=share)) for share in (0.5, 1.0)]
    for delay_ms in (5, 20, 50, 100):
        late = replace(plain, name=f"delay_{delay_ms}ms", way=Way(delay_s=delay_ms / 1e3))
        live = replace(late, name=f"{late.name}/live", live=True)
        some += [late, live, replace(live, name=f"{live.name}/drawn_on", drawn_on=True)]
    return some


def compare(trial: Trial, rng: np.random.Generator) -> Errors:
    """Both streams through an aligner, and the same messages through its rivals."""
    joints, seen = joints_row(trial.move[0]), trial.move[1]
    streams = {
        "joints": deliver(joints, JOINTS_HZ, SECONDS, replace(trial.way, delay_s=0.0), rng),
        "vision": deliver(seen, CAMERA_HZ, SECONDS, trial.way, rng),
    }
    settings = AlignSettings(vision_limit_ns=400_000_000)  # four frames lost in a row are still a stream
    if trial.drawn_on:
        settings = replace(settings, vision_extrapolation_ns=round(NS_PER_S / CAMERA_HZ))
    behind_ns = 0 if trial.live else round((trial.way.delay_s + BEHIND_PERIODS / CAMERA_HZ) * NS_PER_S)
    now_ns = (np.arange(1.0, SECONDS - 1.0, 1 / TICK_HZ) * NS_PER_S).astype(np.int64)
    observations = list(observe(Aligner(settings, kinematics()), streams, now_ns, behind_ns))
    able = np.array([each.vision.present and each.joints.present for each in observations])
    now_ns, t_ns = now_ns[able], now_ns[able] - behind_ns

    truth = joints(t_ns / NS_PER_S)[:, :7], seen(t_ns / NS_PER_S)
    ours = _values([each for each, there in zip(observations, able, strict=True) if there])
    held, nearby = (_rival(rule, streams, t_ns, now_ns) for rule in (last, nearest))
    return Errors(_distances(truth, ours), _distances(truth, held), _distances(truth, nearby), len(t_ns))


def feel_spikes(rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """Contacts of 20 N and 4 ms between ticks at 30 Hz: by name, how many were felt, of how many."""
    begin_s = np.arange(2.0, SECONDS - 1.0, 0.2)
    begin_s += rng.uniform(0.0, 0.1, len(begin_s))
    contact, tremble = spikes(begin_s), band_limited(50.0, 6, rng, 0.02)
    streams = {
        "wrench": deliver(lambda at: contact(at) + tremble(at), WRENCH_HZ, SECONDS, Way(), rng),
        "joints": deliver(joints_row(lambda at: np.zeros((len(at), 7))), JOINTS_HZ, SECONDS, Way(), rng),
    }
    now_ns = (np.arange(1.0, SECONDS, 1 / CAMERA_HZ) * NS_PER_S).astype(np.int64)
    aligner = Aligner(AlignSettings(), kinematics())
    felt_n = []
    for k, observation in enumerate(observe(aligner, streams, now_ns)):
        if k == 0:
            aligner.tare(observation.t_ns, int(now_ns[0]))
        force = observation.force.value
        felt_n.append(0.0 if force is None else force.pyramid[2, 3, 2])  # largest of the last 128 ms
    counts = []
    first = np.searchsorted(now_ns / NS_PER_S, begin_s + 0.004)  # the first tick behind each contact
    for name, values in (
        ("aligned", np.array(felt_n)),
        ("last", last(streams["wrench"], now_ns, now_ns)[:, 2]),
        ("nearest", nearest(streams["wrench"], now_ns, now_ns)[:, 2]),
    ):
        near = np.maximum(values[first], values[first - 1])  # the tick within the contact may feel it as well
        counts.append((name, int((near >= FELT_N).sum()), len(begin_s)))
    return counts


def by_frequency(frequencies_hz: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    """For the plot: RMS error over a sine's own RMS, of `vector` and `latent`, aligned, last and nearest."""
    rows: dict[str, list[float]] = {}
    for frequency_hz in frequencies_hz:
        amplitude = np.sqrt(2.0)
        move = sine(frequency_hz, 7, SWING_RAD * amplitude), sine(frequency_hz, LATENT, amplitude)
        errors = compare(Trial("", move), rng)
        for name, values in vars(errors).items():
            for kind in ("vector", "latent") if name != "ticks" else ():
                scale = SWING_RAD if kind == "vector" else 1.0
                rows.setdefault(f"{kind}/{name}", []).append(values[kind] / scale)
    return {name: np.array(values) for name, values in rows.items()}


def _values(observations: list[Observation]) -> tuple[FloatArray, FloatArray]:
    joints = [each.joints.value.position_rad for each in observations if each.joints.value is not None]
    tokens = [each.vision.value[0] for each in observations if each.vision.value is not None]
    return np.array(joints), np.array(tokens)


def _rival(rule: Rule, streams: dict[str, Messages], t_ns: IntArray, now_ns: IntArray) -> tuple[FloatArray, FloatArray]:
    return rule(streams["joints"], t_ns, now_ns)[:, :7], rule(streams["vision"], t_ns, now_ns)


def _distances(truth: tuple[FloatArray, FloatArray], values: tuple[FloatArray, FloatArray]) -> dict[str, float]:
    forward = kinematics()
    turns = [Rotation.from_matrix([forward(row)[:3, :3] for row in rows[0]]) for rows in (truth, values)]
    angle = (turns[0].inv() * turns[1]).magnitude()
    return {
        "vector": _rms(values[0] - truth[0]),
        "rotation": _rms(angle),
        "latent": _rms(values[1] - truth[1]),
    }


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
