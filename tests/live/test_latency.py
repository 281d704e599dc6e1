"""Latency by a clock that is right, behind, ahead, or set anew."""

import pytest

from flumine_core.live.latency import LatencyGauge


def measured(gauge: LatencyGauge, publish_time: int, late_ms: int) -> float:
    gauge.note(publish_time + late_ms, late_ms)
    return gauge.latency(late_ms)


@pytest.mark.parametrize("skew_ms", [0, -3_000, 3_000])
def test_a_skewed_clock_does_not_look_like_latency(skew_ms: int) -> None:
    gauge = LatencyGauge("stream")
    found = [measured(gauge, 1_000_000 + number, skew_ms + way) for number, way in enumerate((20, 20, 520))]
    assert found[-1] == pytest.approx(0.52 if skew_ms == 0 else 0.5)
    assert gauge.skew == pytest.approx(0 if skew_ms == 0 else (skew_ms + 20) / 1000)


def test_a_clock_that_is_set_is_believed_after_a_while() -> None:
    gauge = LatencyGauge("stream")
    measured(gauge, 0, 20)
    assert measured(gauge, 0, 5_020) == pytest.approx(5.02)
    for minute in range(1, 13):
        found = measured(gauge, minute * 60_000, 5_020)
    assert found == pytest.approx(0)
