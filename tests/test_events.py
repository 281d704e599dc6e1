"""Events: one class a noun, plain to make, each its own."""

import pickle
from typing import Any

import pytest

from flumine_core import CustomEvent, FlumineCoreError, Settings
from flumine_core.events import (
    EVENT_NOUNS,
    LOGGED_NOUNS,
    NOUNS,
    ClearedOrdersEvent,
    ClearedOrdersMetaEvent,
    CloseMarketEvent,
    Event,
    OrderEvent,
    event_class,
)
from flumine_core.settings import option_names


@pytest.mark.parametrize("noun", [*NOUNS, *LOGGED_NOUNS])
def test_noun_and_class_find_each_other(noun: str) -> None:
    cls = event_class(noun)
    assert issubclass(cls, Event) and EVENT_NOUNS[cls] == noun
    assert (cls.__doc__ or "").strip().endswith(".")


def test_no_event_is_left_out() -> None:
    made = set(EVENT_NOUNS)

    def below(cls: type) -> set[type]:
        return {each for each in cls.__subclasses__() if each.__module__ == "flumine_core.events"}

    kinds, waiting = set(), {Event}
    while waiting:
        cls = waiting.pop()
        waiting |= below(cls)
        kinds |= set() if below(cls) else {cls}
    assert made == kinds
    assert len(made) == len(NOUNS) + len(LOGGED_NOUNS) == 21


@pytest.mark.parametrize("noun", [*NOUNS, *LOGGED_NOUNS])
def test_events_are_compared_by_identity_and_travel(noun: str) -> None:
    cls = event_class(noun)
    names: tuple[str, ...] = cls.__match_args__
    values: dict[str, Any] = dict.fromkeys(names, 1)
    one, two = cls(**values), cls(**values)
    assert one != two and one == one
    assert len({one, two}) == 2
    if cls is not CustomEvent:
        back = pickle.loads(pickle.dumps(one))
        assert [getattr(back, name) for name in names] == [1] * len(names)


def test_a_description_is_taken_apart_and_other_fields_keep_their_names() -> None:
    assert OrderEvent({"id": "1", "market_id": "1.1"}).info == {"id": "1", "market_id": "1.1"}
    assert CloseMarketEvent({"market_id": "1.1"}, 7).info == {"market_id": "1.1", "streaming_unique_id": 7}
    assert ClearedOrdersEvent("1.1", [{"profit": 2.0}]).info == {
        "market_id": "1.1",
        "cleared_orders": [{"profit": 2.0}],
    }
    assert ClearedOrdersMetaEvent([{"id": "1"}]).info == {"orders": [{"id": "1"}]}


def test_custom_event_needs_nothing() -> None:
    event = CustomEvent()
    assert event.event is event.callback is None


# -------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("raise_errors", 1),
        ("place_latency", -0.1),
        ("place_latency", float("nan")),
        ("place_latency", float("inf")),
        ("place_latency", True),
        ("cancel_latency", "fast"),
        ("hostname", None),
        ("process_id", 0),
        ("order_sep", "--"),
        ("order_sep", "/"),
        ("order_sep", ""),
        ("customer_strategy_ref", 5),
        ("max_execution_workers", 0),
        ("execution_retry_attempts", 1.5),
        ("simulation", None),
    ],
)
def test_setting_is_checked_when_made_and_when_set(name: str, wrong: Any) -> None:
    with pytest.raises((FlumineCoreError, TypeError)):
        Settings(**{name: wrong})
    settings = Settings()
    before = getattr(settings, name)
    with pytest.raises((FlumineCoreError, TypeError)):
        setattr(settings, name, wrong)
    assert getattr(settings, name) == before


@pytest.mark.parametrize("name", option_names())
def test_frozen_settings_refuse_each_change(name: str) -> None:
    frozen = Settings().frozen()
    with pytest.raises(FlumineCoreError, match=name):
        setattr(frozen, name, getattr(frozen, name))


def test_copies_do_not_follow_each_other() -> None:
    one = Settings(place_latency=1.0)
    two = one.evolve(cancel_latency=2.0)
    three = two.frozen()
    two.place_latency = 3.0
    assert (one.place_latency, two.place_latency, three.place_latency) == (1.0, 3.0, 1.0)
    assert one.cancel_latency != 2.0 == three.cancel_latency
    assert three.evolve(place_latency=5.0).place_latency == 5.0
    assert set(one.as_dict()) == set(option_names())


def test_settings_have_no_other_names() -> None:
    with pytest.raises((FlumineCoreError, AttributeError)):
        Settings().plaice_latency = 1  # type: ignore[attr-defined]
    assert Settings().current_time is None
