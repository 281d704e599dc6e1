"""Numbers of other libraries, as numpy's, turned into Python's own, which every exchange and file takes."""

from numbers import Integral, Real
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .kinds import LimitOrder, OrderKind

_PLAIN_NUMBERS = frozenset({float, int})
_PLAIN = _PLAIN_NUMBERS | {str, type(None)}


def plain_number(value: Any) -> Any:
    """Return a real number as int or float; what is none, and a bool, as it is: a control refuses it.

    A number of less than double precision becomes what it is printed as: numpy's float32(1.01) is meant as 1.01.
    """
    if type(value) in _PLAIN_NUMBERS or isinstance(value, bool) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float):
        return float(value)
    try:
        return float(str(value))
    except ValueError:
        return float(value)


def in_plain_numbers(kind: OrderKind) -> OrderKind:
    """Return an order kind with Python's own numbers; itself where it has no others."""
    # two looks for the common case, since each order comes by here
    if type(kind) is LimitOrder and type(kind.price) in _PLAIN_NUMBERS and type(kind.size) in _PLAIN_NUMBERS:
        return kind
    if not isinstance(kind, Struct):
        return kind
    values = {name: getattr(kind, name) for name in kind.__struct_fields__}
    odd = {name: plain_number(value) for name, value in values.items() if type(value) not in _PLAIN}
    return replace(kind, **odd) if odd else kind
