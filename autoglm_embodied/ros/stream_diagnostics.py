"""What is wrong with a sensor's topic, and what to do about it, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.ros.sensor_topic import SensorTopic

LEAST_SHARE = 0.8  # of the nominal rate, below which a stream is slow


@dataclass(frozen=True)
class Rate:
    """How fast messages come, how fast they should, and the parameter that says so."""

    hz: float  # 0: nothing came of late
    nominal_hz: float
    parameter: str


def stream_problem(stream: str, topic: SensorTopic, parameter: str, rate: Rate) -> str:
    """Why little or nothing of `stream` comes over `topic`, which `parameter` names; empty if all is well."""
    fitting = [offer for offer in topic.offers if offer.type_name == topic.type_name]
    if not topic.offers:
        return f"no {stream}: nobody publishes {topic.topic}; start the driver, or name its topic in {parameter}"
    if not fitting:
        other = topic.offers[0]
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


def of_either(single: str, batch: str, single_topic: SensorTopic, batch_topic: SensorTopic) -> str:
    """Of two topics that may carry one stream, the parameter of the one that does, or that comes nearest to it."""
    for topic, parameter in ((single_topic, single), (batch_topic, batch)):
        if any(offer.type_name == topic.type_name for offer in topic.offers):
            return parameter
    return batch if batch_topic.offers and not single_topic.offers else single
