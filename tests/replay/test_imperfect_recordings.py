"""Recordings as drivers really make them: each sense is used rightly, or its absence is said with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bag_cases import write_ros2_mcap
from hypothesis import example, given, settings
from hypothesis import strategies as st
from observing import EPOCH_NS, MS
from replay_cases import STREAM_OF, recording

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import BEGIN, NS_PER_S, STAMP, read_stamp_ns
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.replay.player import EvenTicks, MessageTimes

S = 1_000 * MS
WALL, SENSES = EPOCH_NS, ("vision", "force", "joints")
# Images at 10 Hz, wrench and joints at 200 Hz: as good as the full rates here, and replayed faster.
RECORDING = [m for k, m in enumerate(recording(1_000)) if k == 0 or (read_stamp_ns(m.data) - EPOCH_NS) % (5 * MS) == 0]
Change = Callable[[str, int], int]  # stream and stamp [ns] to another stamp


def with_stamps(change: Change, messages: list[BagMessage] = RECORDING) -> list[BagMessage]:
    found = []
    for message in messages:
        data = bytearray(message.data)
        STAMP.pack_into(data, BEGIN, *divmod(change(STREAM_OF[message.topic], read_stamp_ns(message.data)), NS_PER_S))
        found.append(replace(message, data=bytes(data)))
    return found


def off(by_ns: int, *streams: str) -> Change:
    """The stamps of some streams are off by a constant."""
    return lambda stream, stamp_ns: stamp_ns + by_ns * (stream in streams)


def replay(messages: list[BagMessage], folder: Path, map_clocks: bool = False) -> tuple[dict[str, float], str]:
    """How often each sense was present, how many messages were lost, the resolution of force; and all that is said."""
    bag = BagReplay(Bag(write_ros2_mcap(folder / "bag.mcap", messages)), 50.0, None, None, None, map_clocks)
    bag.run({})
    report = Report("replay", None, 0)
    bag.add_figures(report)
    rows = [row for row in report.rows if row.figure == "replay.present"]
    lost = sum(row.value for row in report.rows if row.figure == "replay.lost")
    told = {"lost": lost, "resolution_ms": report.value("replay.force_resolution_ms") or 0.0}
    return {row.case: row.value for row in rows} | told, "\n".join(bag.problems())


CAMERA = ("rgb", "depth")


@pytest.mark.parametrize(
    ("change", "absent", "said"),
    [
        (off(12 * S - WALL, "wrench"), "force", "clock: its stamps are 1.7e+09 s behind"),
        (lambda stream, stamp: 0 if stream == "wrench" else stamp, "force", "stamps: its stamps do not advance"),
        (off(90 * S, "wrench"), "force", "clock: its stamps are 90 s ahead"),
        (off(12 * S - WALL, "joints"), "joints", "clock: its stamps are 1.7e+09 s behind"),
        (off(12 * S - WALL, *CAMERA), "vision", "or let align.map_clocks place them"),
        (off(-500 * MS, *CAMERA), "vision", "clock: its stamps are 0.5"),
        (off(500 * MS, *CAMERA), "vision", "clock: its stamps are 0.5 s ahead"),
        (off(12 * MS, "depth"), "vision", "no frame: colour and depth are stamped never within 5 ms"),
        (lambda stream, stamp: 0 if stream in CAMERA else stamp, "vision", "stamps: its stamps do not advance"),
    ],
    ids="wrench-boot wrench-zero wrench-ahead joints-boot camera-boot late ahead depth-apart camera-zero".split(),
)
def test_a_stream_of_another_clock_is_masked_with_the_reason_and_harms_no_other(
    change: Change, absent: str, said: str, tmp_path: Path
) -> None:
    present, problems = replay(with_stamps(change), tmp_path)
    assert present[absent] < 0.1 and said in problems and f"{absent} is absent" in problems
    others = {name for name in SENSES if name != absent} - ({"force"} if absent == "joints" else set())
    assert all(present[name] > 0.6 for name in others), (present, problems)


@pytest.mark.parametrize(
    "change",
    [
        off(33_000, "depth"),
        off(-4 * MS, "depth"),
        off(-100 * MS, *CAMERA),
        off(12 * S - WALL, "rgb", "depth", "wrench", "joints"),  # simulated time
        off(-70 * MS, "wrench"),
    ],
    ids=["depth 33 us late", "depth 4 ms early", "camera 0.1 s late", "simulated time", "wrench a little behind"],
)
def test_stamps_that_are_plausible_are_used(change: Change, tmp_path: Path) -> None:
    present, problems = replay(with_stamps(change), tmp_path)
    assert present["vision"] > 0.85 and present["joints"] > 0.9 and present["force"] > 0.6, problems


@pytest.mark.parametrize("streams", [("wrench",), CAMERA, ("joints",)])
def test_a_constant_offset_is_mapped_by_the_time_of_receipt_where_the_setting_allows_it(
    streams: tuple[str, ...], tmp_path: Path
) -> None:
    present, problems = replay(with_stamps(off(12 * S - WALL, *streams)), tmp_path, map_clocks=True)
    assert all(present[name] > 0.6 for name in SENSES) and "clock:" not in problems, problems
    sense = "vision" if streams == CAMERA else {"wrench": "force", "joints": "joints"}[streams[0]]
    assert f"{sense} is placed by times of receipt in " in problems and problems.count("placed by") == 1, problems


def test_a_restarted_simulator_loses_no_message_and_its_refusal_is_said(tmp_path: Path) -> None:
    later = [replace(m, receive_ns=m.receive_ns + S) for m in with_stamps(off(-29 * S, *STREAM_OF.values()))]
    present, problems = replay(RECORDING + later, tmp_path)
    assert present["lost"] == 0 and "stamps: its stamps jumped by -30 s" in problems


@given(st.lists(st.sampled_from([-3600 * S, -2 * S, 2 * S, 3600 * S]), max_size=4), st.integers(2, 20))
def test_losses_are_counted_between_jumps_and_not_across_them(jumps_ns: list[int], each: int) -> None:
    times, stamp_ns, receive_ns = MessageTimes(), EPOCH_NS, 0
    for jump_ns in (0, *jumps_ns):
        stamp_ns += jump_ns
        for _ in range(each):
            stamp_ns, receive_ns = stamp_ns + 5 * MS, receive_ns + 5 * MS
            times.stamps_ns.append(stamp_ns)
            times.receive_ns.append(receive_ns)
    assert times.lost() == 0


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([0, 2, 1, 4, 3, 6, 5, 8, 7], ["4 of depth are stamped before what came earlier"]),
        ([k // 10 for k in range(100)], ["90 of depth repeat a stamp, and were left out"]),
        ([*range(50), 48, *range(50, 90), 88, 89, *range(90, 300)], []),  # as a network may bring them
        ([*range(1000, 1200), *range(200)], []),  # restarted
    ],
)
def test_stamps_that_go_back_or_repeat_are_said_but_for_a_few(stamps: list[int], said: list[str]) -> None:
    times = MessageTimes()
    for k, stamp in enumerate(stamps):
        times.receive_ns.append(k * 5 * MS)
        times.stamps_ns.append(EPOCH_NS + stamp * 5 * MS)
        times.groups.append(0)
    assert [sentence.partition(";")[0] for sentence in times.problems("depth")] == said


@settings(deadline=None, max_examples=50)
@example(66, 10, 1, 953361650)
@given(st.integers(-200, 200), st.integers(10, 90), st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_a_step_of_the_stamps_is_said_and_no_jitter_taken_for_one(step: int, at: int, jitter: int, seed: int) -> None:
    times, late_ms = MessageTimes(), np.random.default_rng(seed).integers(0, jitter + 1, 100)
    for k in range(100):
        times.receive_ns.append(k * 66 * MS + int(late_ms[k]) * MS)
        times.stamps_ns.append((k * 66 + step * (k >= at)) * MS)
        times.groups.append(0)
    said = [sentence for sentence in times.problems("rgb") if "step by" in sentence]
    assert len(said) == 1 if abs(step) > 65 else not said or abs(step) > 35


def test_a_message_of_log_time_zero_costs_no_endless_ticks(tmp_path: Path) -> None:
    first = replace(RECORDING[0], receive_ns=0)
    present, problems = replay([first, *RECORDING], tmp_path)
    assert present["joints"] > 0.9 and "nothing was recorded for 1.7e+09 s" in problems


def test_senses_are_stale_before_ticks_are_left_out_of_a_hole() -> None:
    ticks = EvenTicks(100.0, lambda: EPOCH_NS, AlignSettings())
    list(ticks.due_before(0))
    ticks.update("joints", EPOCH_NS, 0)
    assert [tick.now_receive_ns for tick in ticks.due_before(3600 * S)] == [k * 10 * MS for k in range(50)]
    assert [tick.now_receive_ns for tick in ticks.due_before(3600 * S + 15 * MS)] == [3600 * S, 3600 * S + 10 * MS]
    limit_ns = max(AlignSettings().vision_limit_ns, AlignSettings().force_limit_ns, AlignSettings().joints_limit_ns)
    assert 500 * MS > limit_ns and ticks.notes()[0].startswith("nothing was recorded for 3.6e+03 s")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["wrench", "joints", "rgb"]), st.integers(-(10**18), 10**18), max_size=2))
def test_a_clock_of_its_own_never_leads_where_one_stream_is_of_the_wall_clock(offsets_ns: dict[str, int]) -> None:
    ticks = EvenTicks(100.0, lambda: EPOCH_NS, AlignSettings())
    for k in range(20):
        for stream in ("wrench", "joints", "rgb"):
            ticks.update(stream, max(EPOCH_NS + offsets_ns.get(stream, 0), 0) + k * 10 * MS, k * 10 * MS)
        assert all(tick.t_ns == EPOCH_NS + tick.now_receive_ns for tick in ticks.due_before(k * 10 * MS))


def test_ticks_follow_another_clock_only_once_that_lasts() -> None:
    ticks, offsets_ns = EvenTicks(100.0, lambda: EPOCH_NS, AlignSettings()), []
    for k in range(400):
        off_ns = 3600 * S if k == 20 or k >= 200 else 0
        for stream in ("wrench", "joints", "rgb"):
            ticks.update(stream, k * 10 * MS + off_ns, k * 10 * MS)
        offsets_ns += [tick.t_ns - tick.now_receive_ns for tick in ticks.due_before(k * 10 * MS + 1)]
    assert set(offsets_ns[:290]) == {0} and set(offsets_ns[310:]) == {3600 * S}


def test_topics_written_one_after_the_other_are_replayed_as_they_came(tmp_path: Path) -> None:
    by_topic = sorted(RECORDING, key=lambda message: message.topic)
    whole = replay(RECORDING, tmp_path)
    assert replay(by_topic, tmp_path) == whole and whole[0]["joints"] > 0.9


@pytest.mark.parametrize("hz", [50, 100])
def test_a_slow_wrench_is_felt_and_its_resolution_told(hz: int, tmp_path: Path) -> None:
    period_ns, long = NS_PER_S // hz, recording(1_500)
    slow = [m for m in long if STREAM_OF[m.topic] != "wrench" or (read_stamp_ns(m.data) - EPOCH_NS) % period_ns == 0]
    present, problems = replay(slow, tmp_path)
    assert present["force"] > 0.5 and "force is coarse" in problems and f"{1000 // hz} ms between wrenches" in problems
    assert present["resolution_ms"] == pytest.approx(1000 / hz)
