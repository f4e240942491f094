# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of chunks: decompress, hash and hand over between threads. zlib and hashlib let other threads run while they work.

A stream is an iterator of bytes-like chunks; a stage takes one and gives one.
"""

from __future__ import annotations

import hashlib

from ..errors import Corrupt, Unsupported
from ..third_party import load

CHUNK = 256 << 10
_GZIP, _ZSTD, _XZ, _BZIP2 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_OUTPUT = 1 << 20
_ZSTANDARD_INPUT = 128
# xz -9 needs 65 MiB; a header may ask for 4 GiB
_XZ_MEMORY = 256 << 20


def read_file(path, size=CHUNK):
    """The chunks of a file, by path or by descriptor."""
    with open(path, "rb", buffering=0) as stream:
        while True:
            data = stream.read(size)
            if not data:
                return
            yield data


class Hashing:
    """Passes chunks through and keeps their sha256 and count.

    :ivar size: bytes so far. ``digest()``: ``sha256:...`` of them.
    """

    def __init__(self, chunks):
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self):
        update = self._hash.update
        for chunk in self._chunks:
            update(chunk)
            self.size += len(chunk)
            yield chunk

    def digest(self):
        return "sha256:" + self._hash.hexdigest()


def compression(head):
    """``gzip``, ``zstd``, ``xz``, ``bzip2`` or None by the first bytes of a stream."""
    if head[:2] == _GZIP:
        return "gzip"
    if head[:4] == _ZSTD or (head[1:4] == _ZSTD_SKIPPABLE and head[0] & 0xF0 == 0x50):
        return "zstd"
    if head[:6] == _XZ:
        return "xz"
    if head[:3] == _BZIP2:
        return "bzip2"
    return None


def compression_of(path):
    """The compression of a file."""
    with open(path, "rb") as stream:
        return compression(stream.read(8))


def decompress(chunks):
    """The stream without its compression, which is told by its first bytes; a stream that is not compressed passes through.

    :raises Corrupt: damaged or cut off.
    """
    chunks = iter(chunks)
    head = b""
    for chunk in chunks:
        head += bytes(chunk)
        if len(head) >= 6:
            break
    kind = compression(head) if head else None
    chunks = chain(head, chunks)
    if kind is None:
        return chunks
    return _inflate(chunks, kind)


def chain(head, chunks):
    """A stream that begins with ``head``."""
    if head:
        yield head
    yield from chunks


def _inflate(chunks, kind):
    if kind == "zstd":
        yield from _unzstd(chunks)
        return
    make, failures = _decompressor(kind)
    try:
        yield from _members(chunks, make, kind == "gzip")
    except failures as error:
        raise Corrupt("damaged %s data: %s" % (kind, error), "fetch the file again") from error


def _decompressor(kind):
    if kind == "gzip":
        import zlib

        return lambda: zlib.decompressobj(31), (zlib.error,)
    if kind == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), (lzma.LZMAError,)
    import bz2

    return bz2.BZ2Decompressor, (OSError, ValueError)


def _members(chunks, make, is_zlib):
    """Every member of a compressed stream, one after the other (gzip files may be glued together: pigz, eStargz).

    A piece of output has at most _OUTPUT bytes, however well the data are compressed.
    """
    decoder = make()
    for chunk in chunks:
        data = bytes(chunk)
        while data:
            if decoder.eof:
                # zeros after the last member are padding of tapes and of some tools
                if not data.strip(b"\0"):
                    break
                decoder = make()
            output = decoder.decompress(data, _OUTPUT)
            while output:
                yield output
                if decoder.eof:
                    break
                output = decoder.decompress(decoder.unconsumed_tail if is_zlib else b"", _OUTPUT)
            data = decoder.unused_data if decoder.eof else b""
    if not decoder.eof:
        raise Corrupt("compressed data ends too early", "it was cut off; fetch it again")


def _unzstd(chunks):
    """By the standard library (from Python 3.14), by the host's libzstd, or by python3-zstandard: the first that is there."""
    try:
        from compression import zstd
    except ImportError:
        pass
    else:
        try:
            yield from _members(chunks, zstd.ZstdDecompressor, False)
        except zstd.ZstdError as error:
            raise Corrupt("damaged zstd data: %s" % error, "fetch the file again") from error
        return
    from ..linux.zstd import Decompressor

    try:
        decoder = Decompressor()
    except Unsupported:
        decoder = _Zstandard(load("zstandard"))
    for chunk in chunks:
        yield from decoder.decompress(chunk)
    if not decoder.complete:
        raise Corrupt("compressed data ends too early", "it was cut off; fetch it again")


class _Zstandard:
    """The interface of linux.zstd.Decompressor over python3-zstandard."""

    def __init__(self, module):
        self._module = module
        self._decoder = None
        self.complete = False

    def decompress(self, data):
        data = bytes(data)
        try:
            while data:
                if self._decoder is None or self._decoder.eof:
                    self._decoder = self._module.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
                # it cannot bound its output: give it little
                output = self._decoder.decompress(data[:_ZSTANDARD_INPUT])
                data = (self._decoder.unused_data if self._decoder.eof else b"") + data[_ZSTANDARD_INPUT:]
                self.complete = self._decoder.eof
                if output:
                    yield output
        except self._module.ZstdError as error:
            raise Corrupt("damaged zstd data: %s" % error, "fetch the file again") from error


def threaded(chunks, depth=8):
    """Run a stream in a thread of its own, up to ``depth`` chunks ahead.

    An error of the stream is raised where it is read; a reader that stops early stops the thread.
    """
    import queue
    import threading

    box = queue.Queue(depth)
    stopped = threading.Event()

    def put(item):
        while not stopped.is_set():
            try:
                box.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work():
        try:
            for chunk in chunks:
                if not put((chunk, None)):
                    break
            else:
                put((None, None))
        except BaseException as error:
            put((None, error))
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, name="stream", daemon=True)
    thread.start()
    try:
        while True:
            chunk, error = box.get()
            if error is not None:
                raise error
            if chunk is None:
                return
            yield chunk
    finally:
        stopped.set()
        thread.join()
