"""The seam that users' controls are written against."""

import pytest

from flumine_core.contract.client import SimulatedClient
from flumine_core.control.base import ClientControl, Control, TradingControl
from flumine_core.control.client import MaxOrderCount
from flumine_core.control.stream import StreamValidation
from flumine_core.control.trading import MarketValidation, OrderValidation, StrategyExposure
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


BUILT_IN = [OrderValidation, MarketValidation, StrategyExposure, MaxOrderCount, StreamValidation]


@pytest.mark.parametrize("base", BUILT_IN)
@pytest.mark.parametrize("is_called", [False, True])
def test_a_sub_class_of_a_built_in_control_may_override_validate(base, is_called, house):
    """As flumine's users extend them; a rule that is never asked risks money."""

    class Passes(base):
        def check(self, order, package_type):
            return None

    class Stricter(Passes):
        def _validate(self, order, package_type):
            if is_called:
                super()._validate(order, package_type)
            self._on_error(order, "never", size=2.0)

    class Further(Stricter):
        pass

    class Mixed(Rule, base):
        pass

    for control in (Stricter(), Further(), Mixed()):
        refusal = control.check(house.order(), PLACE)
        assert (refusal.control, refusal.reason) == (type(control).__name__, "never")


class Rule:
    def _validate(self, order, package_type):
        raise ControlError("never")


def test_a_sub_class_may_override_check_above_validate_and_call_it(house):
    class First(TradingControl):
        def _validate(self, order, package_type):
            self._on_error(order, "first")

    class Second(First):
        def check(self, order, package_type):
            return super().check(order, package_type)

    class Third(Second):
        def _validate(self, order, package_type):
            super()._validate(order, package_type)

    for control in (First(), Second(), Third()):
        assert str(control.check(house.order(), PLACE).reason) == "first"
        with pytest.raises(ControlError, match="first"):
            control._validate(house.order(), PLACE)
