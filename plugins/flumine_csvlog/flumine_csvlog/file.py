"""One CSV file: appended to in whole rows, by one process at a time, and mended when it is opened again."""

import struct
import sys
import zlib
from io import FileIO
from os import fstat
from pathlib import Path
from stat import S_ISREG
from typing import Any

_CHUNK = 1 << 20
_SYNCED = b"\x00\x00\xff\xff"
"""How a deflate stream ends after a sync flush, which follows every batch of rows."""

_LAST_BLOCK = b"\x03\x00"
"""An empty deflate block that is the last one of its stream."""


class TakenError(Exception):
    """Another process has the file, or it is no file of these columns."""


class RowFile:
    """A file of whole rows.

    :param header: its first row, written with whatever comes first.
    :param is_gzip: each opening adds a gzip member, flushed after each row.
    :raises TakenError: if another process writes to it, or it begins with another row.
    :raises OSError: if it cannot be opened.
    """

    def __init__(self, path: Path, header: str, is_gzip: bool = False) -> None:
        self.path = path
        self._header = header
        self._is_gzip = is_gzip
        self._deflate: Any = None
        self._file = FileIO(path, "a+")
        try:
            self._end = self._adopt(header.encode()) if S_ISREG(path.stat().st_mode) else 0
        except zlib.error as error:
            self._file.close()
            raise TakenError(f"{path} is no whole gzip file: {error}") from error
        except BaseException:
            self._file.close()
            raise

    def _adopt(self, header: bytes) -> int:
        """Lock the file and mend its end; return its length."""
        if not _lock(self._file):
            raise TakenError(f"{self.path} is written by another process")
        self._file.seek(0)
        if self._is_gzip:
            begins = zlib.decompressobj(31).decompress(self._file.read(_CHUNK), len(header))
        else:
            begins = self._file.read(len(header))
        if not header.startswith(begins):
            raise TakenError(f"{self.path} has other columns: {begins!r}")
        end, trailer = _whole_members(self._file) if self._is_gzip else (_whole_rows(self._file), b"")
        self._file.truncate(end)
        self._file.write(trailer)
        return end + len(trailer)

    @property
    def is_deleted(self) -> bool:
        """Whether somebody has deleted it, so that what is written to it is gone."""
        return fstat(self._file.fileno()).st_nlink == 0

    def append(self, row: str) -> None:
        """Write a row, or nothing at all; an empty text writes the header of a new file.

        :raises OSError: naming the file.
        """
        data = (row if self._end else self._header + row).encode(errors="backslashreplace")
        if data and self._is_gzip:
            # a copy, so that the next row finds it as it was, should this one not fit
            deflate = self._deflate.copy() if self._deflate else zlib.compressobj(wbits=31)
            self._write(deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))
            self._deflate = deflate
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            if written:
                self._file.truncate(self._end)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._end += written

    def close(self) -> None:
        """Let go of the file.

        :raises OSError: if the end of its gzip member cannot be written; the rows are whole, and the next one to
            open the file completes it.
        """
        try:
            if self._deflate:
                self._write(self._deflate.flush())
        finally:
            self._file.close()


def _lock(file: FileIO) -> bool:
    """Take the file for this process, until it is closed or the process dies; False where another one has it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 62)  # far behind the rows: a locked byte cannot be read by others
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whole_rows(file: FileIO) -> int:
    """Return where the last whole row ends: a line end outside quotes."""
    file.seek(0)
    end = position = quotes = 0
    with open(file.fileno(), "rb", closefd=False) as lines:
        for line in lines:
            position += len(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0 and line.endswith(b"\n"):
                end = position
    return end


def _whole_members(file: FileIO) -> tuple[int, bytes]:
    """Return how much of a gzip file to keep, and what completes its last member."""
    end = 0
    while True:
        file.seek(end)
        inflate = zlib.decompressobj(31)
        while not inflate.eof and (data := file.read(_CHUNK)):
            inflate.decompress(data)
        if not inflate.eof:
            break
        end = file.tell() - len(inflate.unused_data)
    file.seek(end)
    kept, trailer = _completed(file.read())
    return end + kept, trailer


def _completed(member: bytes) -> tuple[int, bytes]:
    """Return how much to keep of a gzip member that has no end, and the end that it then needs."""
    position = len(member)
    while (position := member.rfind(_SYNCED, 0, position)) >= 0:
        kept = position + len(_SYNCED)
        text = zlib.decompressobj(31).decompress(member[:kept])
        trailer = _LAST_BLOCK + struct.pack("<LL", zlib.crc32(text), len(text) % (1 << 32))
        try:
            zlib.decompress(member[:kept] + trailer, 31)
        except zlib.error:  # compressed data that looks like a flush
            continue
        return kept, trailer
    return 0, b""
