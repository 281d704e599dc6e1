"""How the bytes of a recorded file are unpacked: one table of codecs, told apart by their first bytes."""

import bz2
import io
from collections.abc import Callable, Iterator
from typing import Protocol

from attrs import frozen

from ..errors import DataError

CHUNK = 64 * 1024
"""Stored bytes fed to a decompressor at a time."""

MOST_OUT = 1024 * 1024
"""Most bytes a decompressor gives back in one call, so that a small file cannot fill the memory."""

_TRAILER = 8
"""Stored bytes at the end that are unpacked one by one: a checksum there must not cost what came before it."""

_MAGIC = 4
"""Bytes that tell any codec."""

_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"


class Decompressor(Protocol):
    """What `bz2.BZ2Decompressor` and its likes offer: one compressed stream, fed in pieces."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before something goes in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Feed `data` and return at most `max_length` unpacked bytes."""
        ...


class _Zstd:
    """`zstandard`'s decompression object behind the shape of the other two; it gives all at once."""

    __slots__ = ("_inner",)

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj(write_size=CHUNK)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(data)


def _gzip() -> Decompressor:
    from isal import igzip_lib

    made: Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return made


@frozen
class Codec:
    """One kind of compression.

    :ivar piece: stored bytes unpacked at a time, which are lost where one of them is damaged. What they hold of zst
        data comes out at once, 128 KB of every 4 at worst.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    make: Callable[[], Decompressor]
    piece: int = 4096

    def starts(self, head: bytes) -> bool:
        """Tell whether `head`, the first bytes of a stream, are this codec's."""
        if head.startswith(self.magic):
            return True
        return self.name == "zst" and head[1:4] == _ZSTD_SKIPPABLE and head[:1] in b"PQRSTUVWXYZ[\\]^_"


GZ = Codec("gz", (".gz", ".tgz"), b"\x1f\x8b", _gzip)
BZ2 = Codec("bz2", (".bz2", ".tbz2"), b"BZh", bz2.BZ2Decompressor)
ZST = Codec("zst", (".zst", ".tzst"), b"\x28\xb5\x2f\xfd", _Zstd, 512)
CODECS = (GZ, BZ2, ZST)


def codec_of(head: bytes, name: str) -> Codec | None:
    """Return the codec of a file from its first bytes, or None where it is plain text.

    The first bytes decide, since recorded files often carry a wrong extension or none; the extension of
    `name` is only asked where they cannot tell. Raises `DataError` where the extension names a codec and the
    content is neither that nor text.
    """
    for codec in CODECS:
        if codec.starts(head):
            return codec
    claimed = next((codec for codec in CODECS if name.lower().endswith(codec.suffixes)), None)
    if claimed is None or not head or head.lstrip()[:1] == b"{":
        return None
    if claimed.magic.startswith(head):
        raise DataError(f"{name}: truncated {claimed.name} data, {len(head)} bytes")
    raise DataError(f"{name}: expected {claimed.name} data, was {head[:8]!r}")


def inflate(chunks: Iterator[bytes], codec: Codec, name: str) -> Iterator[bytes]:
    """Yield what `chunks` unpack to; several compressed streams after each other count as one.

    Raises `DataError` naming the file `name` once everything that can be had was yielded: "truncated" where
    the stored bytes end too early, "corrupt" where they make no sense.
    """
    engine = codec.make()
    fed = 0
    begun = b""  # of what follows a stream, as long as nobody can tell what it is
    for piece in _pieces(chunks, codec.piece):
        data, begun = begun + piece, b""
        while data:
            if engine.eof:
                data = data.lstrip(b"\0")
                if len(data) < _MAGIC:
                    begun = data
                    break
                if not codec.starts(data):
                    raise _not_of(codec, data, name)
                engine = codec.make()
            yield from _drain(engine, data, codec, name, fed)
            data = engine.unused_data if engine.eof else b""
        fed += len(piece)
    if begun and not (codec.starts(begun) or codec.magic.startswith(begun)):
        raise _not_of(codec, begun, name)
    if begun or (fed and not engine.eof):
        raise DataError(f"{name}: truncated {codec.name} data after {fed} bytes")


def _not_of(codec: Codec, data: bytes, name: str) -> DataError:
    return DataError(f"{name}: corrupt {codec.name} data, {data[:8]!r} after the end of the stream")


def _pieces(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        data = held + chunk
        end = max(len(data) - _TRAILER, 0)
        for start in range(0, end, size):
            yield data[start : min(start + size, end)]
        held = data[end:]
    for byte in held:
        yield bytes([byte])


def _drain(engine: Decompressor, data: bytes, codec: Codec, name: str, fed: int) -> Iterator[bytes]:
    while True:
        try:
            text = engine.decompress(data, MOST_OUT)
        except Exception as error:
            raise DataError(f"{name}: corrupt {codec.name} data after {fed} bytes: {error}") from error
        if text:
            yield text
        if engine.eof or engine.needs_input:
            return
        data = b""


class ChunkFile(io.RawIOBase):
    """An iterator of byte chunks as a raw file, so that buffering and splitting into lines happen in C."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return True: this file is there to be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes and return how many; 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file below, if the chunks come from a generator that holds one."""
        if not self.closed:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
        super().close()


def put_before(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what was read already, then the rest."""
    if head:
        yield head
    yield from chunks
