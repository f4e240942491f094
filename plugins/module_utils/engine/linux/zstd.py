# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zstandard by the host's own libzstd.so.1, which dpkg, rpm and systemd need, so that it is on practically every host.

The interface is that of zlib's objects in streaming form; the names of the library's functions are those of its manual (zstd.h).
"""

from __future__ import annotations

import ctypes

from ..errors import Corrupt, Unsupported

_LIBRARY = "libzstd.so.1"
_COMPRESSION_LEVEL, _CHECKSUM_FLAG = 100, 201
_CONTINUE, _END = 0, 2
_OUTPUT = 1 << 20
_loaded = None


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer: address, size, position."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


def _library():
    global _loaded
    if _loaded is None:
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError:
            raise Unsupported("this host has no %s to read or write zstd with" % _LIBRARY, "install the package libzstd1 (zstd)") from None
        for name in ("ZSTD_createDCtx", "ZSTD_createCCtx", "ZSTD_getErrorName"):
            getattr(library, name).restype = ctypes.c_void_p if "create" in name else ctypes.c_char_p
        for name in ("ZSTD_decompressStream", "ZSTD_compressStream2", "ZSTD_CCtx_setParameter"):
            getattr(library, name).restype = ctypes.c_size_t
        buffer = ctypes.POINTER(_Buffer)
        library.ZSTD_getErrorName.argtypes = (ctypes.c_size_t,)
        library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
        library.ZSTD_freeDCtx.argtypes = library.ZSTD_freeCCtx.argtypes = (ctypes.c_void_p,)
        library.ZSTD_decompressStream.argtypes = (ctypes.c_void_p, buffer, buffer)
        library.ZSTD_compressStream2.argtypes = (ctypes.c_void_p, buffer, buffer, ctypes.c_int)
        library.ZSTD_CCtx_setParameter.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
        _loaded = library
    return _loaded


class _Stream:
    def __init__(self):
        self._library = _library()
        self._space = ctypes.create_string_buffer(_OUTPUT)
        self._out = _Buffer(ctypes.addressof(self._space), _OUTPUT, 0)

    def _check(self, result):
        if self._library.ZSTD_isError(result):
            raise Corrupt("damaged zstd data: %s" % self._library.ZSTD_getErrorName(result).decode().lower(), "fetch the file again")
        return result

    def _output(self):
        return ctypes.string_at(self._space, self._out.position)


def _input(data):
    """A _Buffer of bytes, which must live as long as it."""
    return _Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), 0)


class Decompressor(_Stream):
    """``decompress(data)`` yields pieces of at most 1 MiB; ``complete`` tells whether the data ended with a frame.

    Frames follow each other as they like. A window of more than 128 MiB is refused, as the library does by itself.
    """

    def __init__(self):
        super().__init__()
        self._context = self._library.ZSTD_createDCtx()
        if not self._context:
            raise MemoryError("zstd")
        self.complete = False

    def __del__(self):
        if getattr(self, "_context", None):
            self._library.ZSTD_freeDCtx(self._context)
            self._context = None

    def decompress(self, data):
        data = bytes(data)
        source = _input(data)
        while True:
            self._out.position = 0
            before = source.position
            left = self._check(self._library.ZSTD_decompressStream(self._context, self._out, source))
            if self._out.position or source.position != before:
                self.complete = left == 0
            if self._out.position:
                yield self._output()
            if source.position == source.size and self._out.position < _OUTPUT:
                return


class Compressor(_Stream):
    """``compress(data)`` and ``flush()`` yield pieces. One frame with a checksum; the same data in the same library give the same bytes."""

    def __init__(self, level):
        super().__init__()
        self._context = self._library.ZSTD_createCCtx()
        if not self._context:
            raise MemoryError("zstd")
        self._check(self._library.ZSTD_CCtx_setParameter(self._context, _COMPRESSION_LEVEL, level))
        self._check(self._library.ZSTD_CCtx_setParameter(self._context, _CHECKSUM_FLAG, 1))

    def __del__(self):
        if getattr(self, "_context", None):
            self._library.ZSTD_freeCCtx(self._context)
            self._context = None

    def compress(self, data):
        data = bytes(data)
        source = _input(data)
        while source.position < source.size:
            yield from self._step(source, _CONTINUE)[1]

    def flush(self):
        source = _input(b"")
        left = 1
        while left:
            left, pieces = self._step(source, _END)
            yield from pieces

    def _step(self, source, operation):
        self._out.position = 0
        left = self._check(self._library.ZSTD_compressStream2(self._context, self._out, source, operation))
        return left, [self._output()] if self._out.position else []
