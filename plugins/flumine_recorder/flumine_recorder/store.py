"""Where closed files go: a directory or a remote store; a file counts as stored once it was read back the same."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.request import url2pathname

from flumine_core.errors import SettingsError

CHUNK = 1024 * 1024


class Store(Protocol):
    """A place of files by name, names being relative paths with slashes."""

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a stored file, None where there is none of that name.

        :raises Exception: where the store cannot tell.
        """
        ...

    def put(self, name: str, path: Path) -> None:
        """Store a local file.

        :raises Exception: where that fails; nothing half stored is left under that name.
        """
        ...


class DirectoryStore:
    """A directory of this machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __str__(self) -> str:
        return str(self.directory)

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a stored file, None where there is none of that name."""
        try:
            return digest_of(self.directory / name)
        except FileNotFoundError:
            return None

    def put(self, name: str, path: Path) -> None:
        """Copy a file into the directory, under its name once it is whole and on the disk."""
        target = self.directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            with path.open("rb") as source, part.open("wb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


class RemoteStore:
    """A URL that smart-open can write to, such as s3://bucket/prefix.

    Credentials, region and endpoint are those of the service's own client: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...

    :param options: `transport_params` of smart-open.
    """

    def __init__(self, url: str, options: dict[str, Any] | None = None) -> None:
        self.url = url.rstrip("/")
        self._options = options or {}

    def __str__(self) -> str:
        return self.url

    def _open(self, name: str, mode: str) -> IO[bytes]:
        import smart_open

        opened: IO[bytes] = smart_open.open(
            f"{self.url}/{name}", mode, compression="disable", transport_params=dict(self._options)
        )
        return opened

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a stored file, None where there is none of that name."""
        try:
            with self._open(name, "rb") as stored:
                return _digest(iter(lambda: stored.read(CHUNK), b""))
        except Exception as error:
            if _is_missing(error):
                return None
            raise

    def put(self, name: str, path: Path) -> None:
        """Upload a file; an upload that fails on its way is given up by smart-open."""
        with path.open("rb") as source, self._open(name, "wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)


def store_of(address: str) -> Store:
    """Return the store that a path, in which `~` is the user's home, or a URL names.

    :raises SettingsError: on a file:// URL of another machine.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return DirectoryStore(Path(os.path.expanduser(address)))  # noqa: PTH111 (that of Path raises for unknown users)
    if scheme.lower() != "file":
        return RemoteStore(address)
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost"):
        if os.name != "nt":
            raise SettingsError(f"store must be file:///DIRECTORY, three slashes, was {address!r}")
        slash = f"//{host}/"
    return DirectoryStore(Path(url2pathname(slash + path)))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a local file."""
    with path.open("rb") as file:
        return _digest(iter(lambda: file.read(CHUNK), b""))


def _digest(chunks: Iterable[bytes]) -> str:
    made = hashlib.sha256()
    for chunk in chunks:
        made.update(chunk)
    return made.hexdigest()


def _is_missing(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that there is no such file."""
    while error is not None:
        if isinstance(error, FileNotFoundError):
            return True
        backend = getattr(error, "backend_error", error)
        response = getattr(backend, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code") in ("NoSuchKey", "404", "NotFound"):
            return True
        if 404 in (getattr(backend, "code", None), getattr(backend, "status_code", None)):
            return True
        error = error.__cause__ or error.__context__
    return False
