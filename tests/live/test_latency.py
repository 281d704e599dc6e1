"""Latency by a clock that is right, behind, ahead, or set anew."""

import pytest

from flumine_core.live.latency import LatencyGauge


@pytest.mark.parametrize("skew_ms", [0, -3_000, 3_000])
def test_a_skewed_clock_does_not_look_like_latency(skew_ms: int) -> None:
    gauge = LatencyGauge("stream")
    found = [
        gauge.measure(1_000_000 + number + skew_ms + way, 1_000_000 + number)
        for number, way in enumerate((20, 20, 520))
    ]
    assert found[-1] == pytest.approx(0.52 if skew_ms == 0 else 0.5)
    assert gauge.skew == pytest.approx(0 if skew_ms == 0 else (skew_ms + 20) / 1000)


def test_a_clock_that_is_set_is_believed_after_a_while() -> None:
    gauge = LatencyGauge("stream")
    gauge.measure(20, 0)
    assert gauge.measure(5_020, 0) == pytest.approx(5.02)
    for minute in range(1, 13):
        found = gauge.measure(minute * 60_000 + 5_020, minute * 60_000)
    assert found == pytest.approx(0)
