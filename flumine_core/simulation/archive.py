"""The table of contents of a tar archive, so that a member can be read in place and by itself."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from attrs import frozen

from ..errors import DataError, FlumineCoreError, StreamError
from .compression import CHUNK, ChunkFile, codec_of, inflate, put_before

_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.zst", ".tzst")


@frozen
class Member:
    """Where a member's bytes lie in its archive, once the archive itself is unpacked."""

    name: str
    offset: int
    size: int


@frozen
class Contents:
    """The files of an archive by name (the last of each name).

    `fault` is a sentence on what is wrong with its tail, or "", `changed_ns` when it was last changed.
    """

    members: dict[str, Member]
    fault: str
    changed_ns: int


def is_archive(path: str) -> bool:
    """Tell whether the name `path` is that of a tar archive, compressed or not."""
    return path.lower().endswith(_SUFFIXES)


def looks_like_archive(head: bytes) -> bool:
    """Tell whether `head`, the first bytes of an unpacked file, are the first block of a tar archive."""
    return head[257:262] == b"ustar"


@contextmanager
def opening(path: str) -> Iterator[None]:
    """Raise what the system says of `path` as a `StreamError` that names it."""
    try:
        yield
    except FlumineCoreError:
        raise
    except FileNotFoundError as error:
        raise StreamError(f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise StreamError(f"expected a file, was a directory: {path}") from error
    except (OSError, ValueError) as error:
        raise StreamError(f"cannot open {path}: {getattr(error, 'strerror', None) or error}") from error


def contents(path: str) -> Contents:
    """Return the files in the tar archive at `path`, read once a process and kept while it stays as it is.

    Folders, links, hidden files (a name that starts with a dot) and what has no name are left out. Damage does not
    raise once something was found: the members before it are good, `fault` tells what the matter is.
    Raises `StreamError` if there is no such file or it is no tar archive.
    """
    with opening(path):
        stat = Path(path).stat()
        return _contents(path, stat.st_mtime_ns, stat.st_size)


def unpacked(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the bytes of the open archive `file` in chunks, unpacked where it is compressed as a whole."""
    chunks = iter(lambda: file.read(CHUNK), b"")
    head = next(chunks, b"")
    codec = codec_of(head, name)
    whole = put_before(head, chunks)
    return whole if codec is None else inflate(whole, codec, name)


@lru_cache(maxsize=16)
def _contents(path: str, mtime_ns: int, size: int) -> Contents:
    members: dict[str, Member] = {}
    fault = ""
    with Path(path).open("rb") as file:
        is_plain = codec_of(file.read(8), "") is None
        file.seek(0)
        source = file if is_plain else io.BufferedReader(ChunkFile(unpacked(file, path)))
        try:
            with tarfile.open(fileobj=cast(IO[bytes], source), mode="r:" if is_plain else "r|") as tar:
                for member in _walk(tar):
                    members[member.name] = member
                if is_plain:
                    fault = _tail_fault(file, tar.offset, size)
        except (tarfile.TarError, DataError) as error:
            fault = str(error)
    if fault and not members:
        raise StreamError(f"{path}: not a tar archive that can be read: {fault}")
    return Contents(members, fault and f"members of {path} are lost: {fault}", mtime_ns)


def _walk(tar: tarfile.TarFile) -> Iterator[Member]:
    while (info := tar.next()) is not None:
        # A month of markets has 100,000 members: let go of each, where tarfile would keep them all.
        tar.members.clear()  # type: ignore[attr-defined]
        name = Path(info.name).name
        if info.isreg() and not info.issparse() and name and not name.startswith("."):
            yield Member(info.name, info.offset_data, info.size)


def _tail_fault(file: IO[bytes], offset: int, size: int) -> str:
    """Say what is wrong where the walk ended: `tarfile` takes a damaged header for the end of the archive."""
    if offset > size:
        return f"truncated at byte {size}"
    file.seek(offset)
    block = file.read(tarfile.BLOCKSIZE)
    if 0 < len(block) < tarfile.BLOCKSIZE:
        return f"truncated at byte {size}"
    return f"damaged at byte {offset}" if any(block) else ""
