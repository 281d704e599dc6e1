"""Enumerations: what `enum.Enum` promises of members, at the speed of an attribute."""

import copy
import pickle
import typing
import weakref

import pytest

from flumine_core import OrderStatus, TradeStatus


def test_a_member_is_found_by_name_value_and_itself() -> None:
    assert OrderStatus["PENDING"] is OrderStatus("Pending") is OrderStatus(OrderStatus.PENDING) is OrderStatus.PENDING
    assert (OrderStatus.PENDING.name, OrderStatus.PENDING.value) == ("PENDING", "Pending")


def test_members_come_in_order() -> None:
    assert list(TradeStatus) == [TradeStatus.PENDING, TradeStatus.LIVE, TradeStatus.COMPLETE]
    assert len(TradeStatus) == 3
    assert TradeStatus.LIVE in TradeStatus
    assert OrderStatus.PENDING not in TradeStatus


@pytest.mark.parametrize("status", OrderStatus)
def test_a_copy_is_the_member_itself(status: OrderStatus) -> None:
    assert pickle.loads(pickle.dumps(status)) is copy.copy(status) is copy.deepcopy(status) is status


def test_unknown_values_are_errors() -> None:
    with pytest.raises(ValueError, match="'Nothing' is not a valid OrderStatus"):
        OrderStatus("Nothing")
    with pytest.raises(KeyError):
        OrderStatus["NOTHING"]


def test_what_is_no_member_is_no_instance() -> None:
    assert isinstance(OrderStatus.PENDING, OrderStatus)
    assert not isinstance(TradeStatus.PENDING, OrderStatus)
    assert not isinstance("Pending", OrderStatus)
    assert isinstance(OrderStatus.PENDING, OrderStatus | None)
    assert not isinstance(TradeStatus.PENDING, OrderStatus | None)
    assert issubclass(type(OrderStatus.PENDING), OrderStatus)


def test_an_enumeration_is_named_in_annotations_and_may_be_copied() -> None:
    assert OrderStatus.__name__ == "OrderStatus"
    assert weakref.ref(OrderStatus.PENDING)() is OrderStatus.PENDING
    assert (OrderStatus.__doc__ or "").startswith("Where an order stands")
    assert (OrderStatus | None) == (None | OrderStatus) == typing.Optional[OrderStatus]  # noqa: UP045
    assert pickle.loads(pickle.dumps(OrderStatus)) is copy.deepcopy(OrderStatus) is OrderStatus


def test_members_stay_as_they_are() -> None:
    with pytest.raises(AttributeError):
        OrderStatus.PAUSED = "Paused"  # type: ignore[attr-defined]
