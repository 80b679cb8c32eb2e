"""What is wrong with a sensor's topic, and what to do about it, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.ros.adaptive_subscription import AdaptiveSubscription

LEAST_SHARE = 0.8  # of the nominal rate, below which a stream is slow


@dataclass(frozen=True)
class StreamRate:
    """How fast messages come, how fast they should, and the parameter that says so."""

    hz: float  # 0: nothing came of late
    nominal_hz: float
    parameter: str


def stream_problem(stream: str, topic: AdaptiveSubscription, parameter: str, rate: StreamRate) -> str:
    """Why little or nothing of a stream comes; empty if all is well.

    Args:
        stream: its name.
        topic: over which it comes.
        parameter: names the topic.
        rate: of the stream.
    """
    fitting = [publisher for publisher in topic.publishers if publisher.type_name == topic.type_name]
    if not topic.publishers:
        return f"no {stream}: nobody publishes {topic.topic}; start the driver, or name its topic in {parameter}"
    if not fitting:
        other = topic.publishers[0]
        return (
            f"no {stream}: {other.node} publishes {topic.topic} as {other.type_name}, it must be {topic.type_name}; "
            f"name the right topic in {parameter}"
        )
    sender = fitting[0].node
    if not rate.hz:
        return (
            f"no {stream}: {sender} publishes {topic.topic} but nothing arrives; check the sensor, then the transports "
            "with autoglm doctor (large frames need config/fastdds.xml)"
        )
    if rate.hz < LEAST_SHARE * rate.nominal_hz:
        return (
            f"{stream} is slow: {rate.hz:.0f} of {rate.nominal_hz:.0f} Hz arrive on {topic.topic}; set the driver's "
            f"rate, or {rate.parameter} to what it sends, or unload this machine"
        )
    return ""


def carrying_topic(topics: dict[str, AdaptiveSubscription], single: str, batch: str) -> str:
    """Of two topics that may carry one stream, the one that does, or that comes nearest to it.

    Args:
        topics: subscriptions by name.
        single: the name of the one with a sample a message.
        batch: the name of the one with batches.
    """
    for name in (single, batch):
        if any(publisher.type_name == topics[name].type_name for publisher in topics[name].publishers):
            return name
    return batch if topics[batch].publishers and not topics[single].publishers else single
