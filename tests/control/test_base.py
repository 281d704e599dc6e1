"""The seam that users' controls are written against."""

import pytest

from flumine_core.contract.client import SimulatedClient
from flumine_core.control.base import ClientControl, Control, TradingControl
from flumine_core.errors import ClientError, ControlError
from flumine_core.order.package import OrderPackageType

PLACE = OrderPackageType.PLACE


class NoLays(TradingControl):
    NAME = "NO_LAYS"

    def _validate(self, order, package_type):
        if order.side == "LAY":
            self._on_error(order, "side must be BACK, was LAY", wanted="BACK", found="LAY")


def test_a_control_passes_or_refuses(house):
    control = NoLays(house)
    assert control(house.order(), PLACE) is None
    order = house.order("LAY")
    refusal = control.check(order, PLACE)
    assert (refusal.control, refusal.reason) == ("NoLays", "side must be BACK, was LAY")
    assert refusal.numbers == {"wanted": "BACK", "found": "LAY"}
    assert (refusal.market_id, refusal.selection_id, refusal.strategy) == ("1.23", 12, "stub")
    assert (refusal.order_id, refusal.package_type) == (order.id, PLACE)
    assert refusal.message == "NoLays: side must be BACK, was LAY"


def test_a_control_changes_no_order(house):
    order = house.order("LAY")
    NoLays(house).check(order, PLACE)
    assert (order.status, order.status_log, order.violation_msg, order.refusal) == (None, [], None, None)


def test_raising_a_control_error_refuses(house):
    class Stern(TradingControl):
        def _validate(self, order, package_type):
            raise ControlError("never on a Sunday")

    refusal = Stern(house).check(house.order(), PLACE)
    assert (refusal.control, refusal.reason, refusal.numbers) == ("Stern", "never on a Sunday", {})


def test_other_errors_are_the_callers(house):
    class Broken(TradingControl):
        def _validate(self, order, package_type):
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        Broken(house)(house.order(), PLACE)


def test_a_control_must_do_something(house):
    with pytest.raises(NotImplementedError, match="Control must override"):
        Control(house)(house.order(), PLACE)


def test_options_and_binding(house):
    control = NoLays(strictness=3)
    assert (control.flumine, control.options) == (None, {"strictness": 3})
    control.bind(house)
    assert control.flumine is house
    of_client = ClientControl(limit=4)
    of_client.bind(house, house.client)
    assert (of_client.flumine, of_client.client, of_client.options) == (house, house.client, {"limit": 4})
    of_client.accept(house.order(), PLACE)
    of_client.release(house.order(), PLACE)
    of_client.add_transaction(1, failed=True)


def test_an_instance_is_of_one_client(house):
    first, second = SimulatedClient(username="first"), SimulatedClient(username="second")
    control = ClientControl()
    control.bind(house, first)
    control.bind(house, first)
    with pytest.raises(ClientError, match=r"is of one client, first: for second, too, give .* the class"):
        control.bind(house, second)
    assert (control.flumine, control.client) == (house, first)
    control.bind("another run", second)
    assert (control.flumine, control.client) == ("another run", second)


def test_a_client_control_may_do_without_its_base(house):
    class Lean(ClientControl):
        def __init__(self):
            pass

    control = Lean()
    control.bind(house, house.client)
    assert (control.flumine, control.client) == (house, house.client)


def test_built_in_controls_take_no_unknown_options(house):
    for control in house.controls:
        with pytest.raises(TypeError):
            type(control)(house, no_such_option=1)
