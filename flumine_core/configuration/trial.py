"""What constructors of the house refuse beside wrong types: found by calling them, since they do nothing else."""

import inspect
from typing import Any

from ..contract.client import BetfairClient
from ..errors import FlumineCoreError
from ..hint import one_line
from ..live.client import betfair_client
from ..options import REQUIRED, options_of

HOUSE = "flumine_core."


def refused_options(target: Any, arguments: dict[str, Any]) -> dict[str, str]:
    """Make a thing whose class is the house's own, and drop it.

    An account at Betfair is made without its credentials and addresses, which `doctor` looks at.

    :param arguments: what the configuration gives, converted.
    Returns: option -> what its constructor says of it; a fault of none of them stands under "".
    """
    made = BetfairClient if target is betfair_client else target
    if not (inspect.isclass(made) and made.__module__.startswith(HOUSE)):
        return {}
    known = options_of(made)
    left = {name: value for name, value in arguments.items() if name in known}
    refused: dict[str, str] = {}
    while not any(option.default is REQUIRED and name not in left for name, option in known.items()):
        try:
            made(**left)
        except FlumineCoreError as error:
            name, _, told = str(error).partition(" ")
            if name not in left:
                refused[""] = str(error)
                break
            refused[name] = told
            del left[name]
        except Exception as error:
            refused[""] = one_line(error)
            break
        else:
            break
    return refused
