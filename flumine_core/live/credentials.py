"""Who logs in: read from the environment or from a file that nobody else can read, and never shown."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from ..errors import ClientError

VARIABLES = {"username": "BETFAIR_USERNAME", "password": "BETFAIR_PASSWORD", "app_key": "BETFAIR_APP_KEY"}
"""Environment variables that are read where there is no file."""


@attrs.frozen(repr=False)
class Credentials:
    """An account's name, password and application key."""

    username: str
    password: str
    app_key: str

    def __repr__(self) -> str:
        return f"<Credentials of {self.username}>"


def read_credentials(
    path: str | None, username: str | None = None, environment: Mapping[str, str] = os.environ
) -> Credentials:
    """Return credentials from a file, or from BETFAIR_USERNAME, BETFAIR_PASSWORD and BETFAIR_APP_KEY.

    :param path: TOML with `username`, `password` and `app_key`; readable by its owner alone (chmod 600).
    :param username: wins over what file or environment say.
    :raises ClientError: where something is missing or others may read the file; no value is ever told.
    """
    found: dict[str, Any] = {"username": username} if username else {}
    if path is None:
        source = "the environment"
        given: Mapping[str, Any] = {name: environment.get(variable) for name, variable in VARIABLES.items()}
    else:
        source = path
        given = _read_file(path)
    for name, variable in VARIABLES.items():
        value = found.get(name) or given.get(name)
        if not isinstance(value, str) or not value:
            told = f"{name} in {path}" if path else f"the environment variable {variable}"
            raise ClientError(f"credentials are incomplete: {told} must be set")
        found[name] = value
    unknown = set(given) - set(VARIABLES)
    if unknown:
        raise ClientError(f"{source} must hold username, password and app_key, held also {', '.join(sorted(unknown))}")
    return Credentials(**found)


def _read_file(path: str) -> dict[str, Any]:
    file = Path(path).expanduser()
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            raise ClientError(f"{path} must be readable by its owner alone (chmod 600), its mode was {mode:o}")
        return tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        # the error of a parser may quote what it could not parse
        if isinstance(error, ClientError):
            raise
        raise ClientError(f"{path} must be TOML with username, password and app_key") from None
