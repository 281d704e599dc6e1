"""What a control is: it looks at each request before it leaves, and passes or refuses it."""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Protocol

from ..errors import ClientError, ControlError
from ..order.blotter import Blotter, ExposedBook
from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal
from ..order.roles import ClientRole
from ..overrides import refuse_overrides


class BookRole(ExposedBook, Protocol):
    """What the built-in controls read of a market book."""

    @property
    def status(self) -> str | None: ...


class MarketRole(Protocol):
    """What the built-in controls read of a market."""

    @property
    def latest_book(self) -> BookRole | None: ...

    @property
    def blotter(self) -> Blotter: ...


class Control:
    """Base of all controls. Sub-classes override `_validate`, and call `_on_error` to refuse.

    A control changes no order: the transaction that asked sets status, refusal and text. Where speed
    matters a control may override `check` instead, and return a refusal without raising. Whichever of the two a
    class overrides, the other one follows it, so that a sub-class may override, and call, either.

    :ivar NAME: the control's name in capitals.
    :ivar flumine: the framework, None until the control is bound to one.
    :ivar options: what else it was made with.
    """

    NAME: str = "CONTROL"

    flumine: Any = None

    _NOT_CALLED: ClassVar[tuple[str, ...]] = ()
    """What flumine's control of this kind calls, and this one does not."""

    def __init__(self, flumine: Any = None, *args: Any, **options: Any) -> None:
        self.flumine = flumine
        self.options: dict[str, Any] = options

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not {"check", "_validate"} & vars(cls).keys():
            refuse_overrides(cls, dict.fromkeys(cls._NOT_CALLED, "override _validate, and call super()._validate"))
        for base in cls.__mro__:
            own = vars(base)
            if "check" in own and "_validate" in own:
                return
            if "check" in own:
                cls._validate = _validating(own["check"])  # type: ignore[method-assign]
                return
            if "_validate" in own:
                cls.check = _checking(own["_validate"])  # type: ignore[method-assign]
                return

    def bind(self, flumine: Any) -> None:
        """Give an instance that was made without one its framework."""
        self.flumine = flumine

    def __call__(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return None if this request may pass.

        :raises ControlError: if it may not, as flumine's controls do: a sub-class that calls `super().__call__` and
            drops what it returns does not let it pass.
        """
        refusal = self.check(order, package_type)
        if refusal is not None:
            raise ControlError(refusal.reason, numbers=refusal.numbers)
        return None

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        raise NotImplementedError(f"{type(self).__name__} must override _validate or check")

    def _validate(self, order: Order, package_type: OrderPackageType) -> None:
        raise NotImplementedError(f"{type(self).__name__} must override _validate or check")

    def _on_error(self, order: Order, error: str, **numbers: float | str | None) -> NoReturn:
        # flumine's signature, so that its users' controls run; the boundary knows the order
        raise ControlError(error, numbers=numbers)

    def refuse(
        self,
        order: Order,
        package_type: OrderPackageType,
        reason: str,
        numbers: dict[str, float | str | None] | None = None,
    ) -> Refusal:
        """Return a refusal in this control's name."""
        return Refusal(
            type(self).__name__,
            reason,
            {} if numbers is None else numbers,
            order.market_id,
            order.selection_id,
            order.trade.strategy.name,
            order.id,
            package_type,
        )


def _validating(check: Callable[..., Refusal | None]) -> Callable[..., None]:
    def validate(self: Control, order: Order, package_type: OrderPackageType) -> None:
        refusal = check(self, order, package_type)
        if refusal is not None:
            raise ControlError(refusal.reason, numbers=refusal.numbers)

    return validate


def _checking(validate: Callable[..., None]) -> Callable[..., Refusal | None]:
    def check(self: Control, order: Order, package_type: OrderPackageType) -> Refusal | None:
        try:
            validate(self, order, package_type)
        except ControlError as error:
            return self.refuse(order, package_type, str(error), error.numbers)
        return None

    return check


class TradingControl(Control):
    """Base of controls that look at the requests of every client."""


class ClientControl(Control):
    """Base of controls that look at the requests of one client, and may keep count of them."""

    client: ClientRole | None = None

    def __init__(self, flumine: Any = None, client: ClientRole | None = None, *args: Any, **options: Any) -> None:
        super().__init__(flumine, *args, **options)
        self.client = client

    def bind(self, flumine: Any, client: ClientRole | None = None) -> None:
        """Give an instance that was made without them its framework and client.

        :raises ClientError: if it is another client's of this framework.
        """
        if client is not None:
            if self.flumine is flumine and self.client not in (None, client):
                name = type(self).__name__
                raise ClientError(
                    f"an instance of {name} is of one client, {self.client.username}: for {client.username}, too, give "
                    f"add_client_control the class, {name}, and its options"
                )
            self.client = client
        super().bind(flumine)

    def accept(self, order: Order, package_type: OrderPackageType) -> None:
        """Take note that a request was accepted by all controls (or was forced past them)."""

    def release(self, order: Order, package_type: OrderPackageType) -> None:
        """Take note that an accepted request will not be counted by the exchange after all."""

    def add_transaction(self, count: int, failed: bool = False) -> None:
        """Take note that the exchange has counted: placings answered, or (`failed`) other requests."""
