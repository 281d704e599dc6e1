"""Lines of recorded stream files as bytes: local or remote, compressed or not, alone or inside a tar archive.

A file is named by an address: a path, a URL, or `archive.tar!member/path.bz2`.
"""

import io
import re
from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from glob import glob, has_magic
from itertools import chain
from os.path import expanduser
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from types import MappingProxyType
from typing import IO, cast

import msgspec
from attrs import field, frozen

from ..book.change import UNDECODABLE
from ..errors import DataError, FlumineCoreError, StreamError
from .archive import Contents, contents, is_archive, looks_like_archive, opening, unpacked
from .compression import CHUNK, ChunkFile, codec_of, inflate, put_before

BUFFER = 256 * 1024
"""Bytes of text held at a time while lines are split."""

LONGEST_LINE = 64 * 1024 * 1024
"""Most bytes of a line, far beyond any image, so that a file without line ends cannot fill the memory."""

HEAD = 512
"""Bytes looked at to tell what a file is."""

_NO_RECORDINGS = (".md", ".txt", ".rst", ".html", ".pdf", ".csv", ".json", ".gaps")
"""How names end of what lies beside recordings: documents, catalogues, lists of gaps."""

_EXTRAS = {
    "s3": "flumine_core[s3]",
    "gs": "smart-open[gcs]",
    "azure": "smart-open[azure]",
    "http": "smart-open[http]",
    "https": "smart-open[http]",
    "webhdfs": "smart-open[webhdfs]",
    "ssh": "smart-open[ssh]",
    "scp": "smart-open[ssh]",
    "sftp": "smart-open[ssh]",
}


@frozen
class Source:
    """One file of lines: plain data, so that it can go to another process as it is.

    `path` is a local path or a URL, `member` the name inside of the archive at `path` ("" for a file by
    itself), `offset` the byte it lies at there, `listed_ns` when the archive was last changed then. `size` (stored
    bytes) is 0 where it is not known, as of a URL.
    A `fault` stands for what could not be had of a damaged archive, or among other files: reading such a source
    raises it.
    """

    path: str
    member: str = ""
    offset: int = field(default=0, eq=False)
    size: int = field(default=0, eq=False)
    fault: str = field(default="", eq=False)
    listed_ns: int = field(default=0, eq=False)

    @property
    def name(self) -> str:
        """The address, as it stands in messages and results; `source_of` turns it back."""
        return f"{self.path}!{self.member}" if self.member else self.path

    @property
    def is_remote(self) -> bool:
        """Whether `path` is a URL."""
        return "://" in self.path

    def __str__(self) -> str:
        return self.name


class _Meter:
    """How many stored bytes were read; shared so that a reader left halfway is freed, and closed, at once."""

    __slots__ = ("read",)

    def __init__(self) -> None:
        self.read = 0


class Lines:
    """The lines of one source; iterate it for bytes, each with its line end (the last may lack one).

    A second iteration starts anew. Nothing is read before the first.
    """

    __slots__ = ("_file", "_meter", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._meter = _Meter()
        self._file: io.BufferedReader | None = None

    @property
    def name(self) -> str:
        """The address of the source."""
        return self.source.name

    @property
    def size(self) -> int:
        """Stored bytes of the source; 0 where not known."""
        return self.source.size

    @property
    def position(self) -> int:
        """Stored (compressed) bytes read so far, to be set against `size` for progress."""
        return self._meter.read

    def __iter__(self) -> Iterator[bytes]:
        """Open the source and return its lines; an error is raised once every line before it was returned.

        Raises `StreamError` where it cannot be opened or read on, `DataError` where it is truncated or
        corrupt.
        """
        self.close()
        self._meter = _Meter()
        self._file = io.BufferedReader(ChunkFile(_text(self.source, self._meter)), BUFFER)
        return self._file

    def close(self) -> None:
        """Let go of the file, for who stops before the last line and keeps this object."""
        if self._file is not None:
            self._file.close()
            self._file = None


def open_lines(source: Source | str) -> Lines:
    """Return the lines of `source`, a `Source` or an address.

    Raises `StreamError` naming it where there is no such file or member, or it is a directory.
    """
    return Lines(source_of(source) if isinstance(source, str) else source)


def size_of(source: Source | str) -> int:
    """Return the stored size of `source` in bytes, to run the largest first; 0 where it is not known."""
    return (source_of(source) if isinstance(source, str) else source).size


_known: ContextVar[Mapping[str, Source]] = ContextVar("known", default=MappingProxyType({}))


@contextmanager
def knowing(sources: Iterable[Source]) -> Iterator[None]:
    """Have the addresses of members of archives taken for `sources`, in this context, until their archive changes.

    To look one up takes the archive's table of contents, seconds for that of a month of markets.
    """
    token = _known.set({source.name: source for source in sources if source.member})
    try:
        yield
    finally:
        _known.reset(token)


def _known_source(address: str) -> Source | None:
    known = _known.get().get(address)
    return None if known is None or _is_changed(known) else known


def _is_changed(source: Source) -> bool:
    with opening(source.path):
        return bool(source.listed_ns) and source.listed_ns != Path(source.path).stat().st_mtime_ns


def source_of(address: str) -> Source:
    """Return the one source that `address` (a path, a URL or `archive!member`) names.

    Raises `StreamError` naming it where there is no such file or member, or it is a directory.
    """
    known = _known_source(address)
    if known is not None:
        return known
    if "://" in address:
        return Source(address)
    if S_ISDIR(_mode(address)):
        raise StreamError(f"expected a file, was a directory: {address}")
    archive, member = _split(address)
    if not member:
        if is_archive(address):
            raise StreamError(contents(address).fault or _no_lines(address))
        with opening(address):
            return Source(address, size=Path(address).stat().st_size)
    inside = contents(archive)
    if member not in inside.members:
        raise StreamError(f"no such file in the archive {archive}: {member}")
    return _in_archive(archive, inside, member)


def expand(*addresses: str) -> list[Source]:
    """Turn paths, globs (`**` goes down), directories, tar archives, `archive!pattern` and URLs into sources.

    The order is that of the addresses, and within each the natural order of names ("1.9" before "1.10").
    A directory gives the files in it (not those further down), without hidden files, documents such as README.md, and
    what a recorder puts beside recordings; so does a glob that ends in `*`. A tar archive gives its members. Where
    an archive is damaged, a last source stands for what is lost, and raises when read; so does one in the place of
    each file of a directory or glob that cannot be had.
    Raises `StreamError` naming the address that gives nothing.
    """
    return [source for address in addresses for source in _expand(address)]


def _expand(address: str) -> list[Source]:
    known = _known_source(address)
    if known is not None:
        return [known]
    if "://" in address:
        if "*" in address:
            raise StreamError(f"wildcards are for local paths only: {address}")
        return [Source(address)]
    if not address:
        raise StreamError("expected a path, was an empty text")
    if address.startswith("~") and not _mode(address):
        address = expanduser(address)  # noqa: PTH111 (that of Path raises where there is no such user)
    archive, pattern = _split(address)
    if pattern:
        return _members(archive, pattern)
    mode = _mode(address)
    if S_ISDIR(mode):
        path = Path(address)
        with opening(address):
            found = [str(entry) for entry in path.iterdir() if not entry.name.startswith(".") and _may_be_file(entry)]
        found = [name for name in found if not name.lower().endswith(_NO_RECORDINGS)]
        if not found:
            raise StreamError(f"no files in the directory {address} (for those further down: {path / '**'})")
    elif mode or not has_magic(address):
        return _of_file(address)
    else:
        with opening(address):
            matches = glob(address, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = [name for name in matches if _may_be_file(name)]
        if address.endswith("*"):
            found = [name for name in found if not name.lower().endswith(_NO_RECORDINGS)]
        if not found:
            raise StreamError(f"no files match: {address}")
    sources: list[Source] = []
    for name in sorted(found, key=_natural):
        try:
            sources.extend(_of_file(name))
        except StreamError as error:
            sources.append(Source(name, fault=str(error)))
    return sources


def _mode(path: str | Path) -> int:
    """Return the mode of `path`; 0 where it cannot be told, for which `Path.exists` and its like may raise."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


def _may_be_file(path: str | Path) -> bool:
    """Tell whether `path`, which was listed, is a file, or what it is cannot be told."""
    mode = _mode(path)
    return not mode or S_ISREG(mode)


def _of_file(name: str) -> list[Source]:
    return _members(name, "") if is_archive(name) else [source_of(name)]


def _members(archive: str, pattern: str) -> list[Source]:
    inside = contents(archive)
    is_member = pattern in inside.members
    if is_member:
        names = [pattern]
    else:
        matching = (name for name in inside.members if not pattern or fnmatchcase(name, pattern))
        names = sorted(matching, key=_natural)
    found = [_in_archive(archive, inside, name) for name in names]
    if inside.fault and not is_member:
        found.append(Source(archive, fault=inside.fault))
    if not found:
        raise StreamError(f"no files in the archive {archive}" + (f" match: {pattern}" if pattern else ""))
    return found


def _in_archive(archive: str, inside: Contents, name: str) -> Source:
    member = inside.members[name]
    return Source(archive, name, member.offset, member.size, listed_ns=inside.changed_ns)


def _split(address: str) -> tuple[str, str]:
    """Return archive and member of an address, or the address and "" where no such archive exists."""
    if "!" not in address or _mode(address):
        return address, ""
    for mark in re.finditer("!", address):
        if S_ISREG(_mode(address[: mark.start()])):
            return address[: mark.start()], address[mark.end() :]
    return address, ""


def _natural(name: str) -> tuple[str, str]:
    """Return a key that sorts digits by value; the name itself settles ties such as 01 and 1."""
    return re.sub("[0-9]+", lambda digits: digits[0].zfill(20), name), name


def _no_lines(archive: str) -> str:
    hint = "copy it to a local path first" if "://" in archive else f"a member is {archive}!NAME"
    return f"expected lines, was a tar archive: {archive} ({hint})"


def _text(source: Source, meter: _Meter) -> Iterator[bytes]:
    """Yield the unpacked bytes of a source, and close it however that ends."""
    with closing(_stored(source, meter)) as stored:
        yield from _unpacked(source, stored)


def _unpacked(source: Source, stored: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in stored:
        head += chunk
        if len(head) >= HEAD:
            break
    codec = codec_of(head, source.name)
    whole = put_before(head, stored)
    text = whole if codec is None else inflate(whole, codec, source.name)
    first = next(text, b"")
    if not source.member and looks_like_archive(first):
        raise StreamError(_no_lines(source.name))
    rest = bytearray()  # of the text, after its last line end
    try:
        for chunk in chain([first.removeprefix(BOM_UTF8)], text):
            end = chunk.rfind(b"\n") + 1
            if end:
                rest.clear()
            rest += memoryview(chunk)[end:]
            if len(rest) > LONGEST_LINE:
                raise DataError(f"{source.name}: a line of more than {LONGEST_LINE} bytes")
            yield chunk
    except FlumineCoreError:
        if len(rest) <= LONGEST_LINE and _is_whole(rest):
            yield b"\n"
        raise


def _is_whole(line: bytes | bytearray) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except UNDECODABLE:
        return False
    return True


def _stored(source: Source, meter: _Meter) -> Generator[bytes, None, None]:
    """Yield the stored bytes of a source, and keep count of them."""
    with _open(source) as file:
        chunks = _member(file, source) if source.member else iter(lambda: file.read(CHUNK), b"")
        while True:
            try:
                chunk = next(chunks, b"")
            except FlumineCoreError:
                raise
            except Exception as error:
                raise StreamError(f"cannot read on {source.name} after {meter.read} bytes: {error}") from error
            if not chunk:
                return
            meter.read += len(chunk)
            yield chunk


def _open(source: Source) -> IO[bytes]:
    if source.fault:
        raise StreamError(source.fault)
    if source.is_remote:
        return _open_remote(source.path)
    with opening(source.path):
        if _is_changed(source):
            raise StreamError(f"the archive was changed since its files were listed: {source.name}")
        return Path(source.path).open("rb", buffering=0)


def _open_remote(url: str) -> IO[bytes]:
    import smart_open

    scheme = url.partition("://")[0].lower()
    try:
        return cast(IO[bytes], smart_open.open(url, "rb", compression="disable"))
    except (ImportError, NotImplementedError) as error:
        extra = _EXTRAS.get(scheme)
        if extra is None:
            raise StreamError(f"cannot open {url}: no reader for {scheme}://") from error
        raise StreamError(f"cannot open {url}: {scheme}:// needs an extra, pip install '{extra}'") from error
    except Exception as error:
        raise StreamError(f"cannot open {url}: {error}") from error


def _member(file: IO[bytes], source: Source) -> Iterator[bytes]:
    """Yield the bytes of a member: sought in a plain archive, counted off in a compressed one."""
    if codec_of(file.read(8), "") is None:
        file.seek(source.offset)
        chunks = iter(lambda: file.read(CHUNK), b"")
        skip = 0
    else:
        file.seek(0)
        chunks = unpacked(file, source.path)
        skip = source.offset
    left = source.size
    for chunk in chunks:
        if skip >= len(chunk):
            skip -= len(chunk)
            continue
        piece = chunk[skip : skip + left]
        skip = 0
        left -= len(piece)
        yield piece
        if not left:
            return
    if left:
        raise DataError(f"{source.name}: truncated, the archive ends {left} bytes too early")
