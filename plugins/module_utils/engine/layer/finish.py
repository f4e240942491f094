# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of changes into a stored layer, in one pass: tar, digest of the content, compression, digest of the blob.

The stages run in threads that leave the interpreter to others while they read, hash and compress: call it from a thread of your own.
"""

from __future__ import annotations

import contextlib

from ..image.create import Layer
from ..spec.image import OCI_LAYER, Descriptor
from . import compress, diff, stream


def finish(blobs, directory, clamp=None, skip=(), mtime=None, compression="gzip"):
    """Store what ``directory`` (an overlay's upper directory) changes as a layer.

    :param blobs: :class:`~image.cas.BlobStore`.
    :param clamp: seconds since 1970; entries that are newer get this time (SOURCE_DATE_EPOCH).
    :param skip, mtime: see :func:`diff.changeset`.
    :param compression: ``gzip``, ``zstd`` or ``none``.
    :returns: :class:`~image.create.Layer`. The same content gives the same digests.
    """
    return store(blobs, diff.changeset(directory, skip, mtime, clamp), compression)


def store(blobs, chunks, compression="gzip"):
    """Store an uncompressed tar stream as a layer; see :func:`finish`."""
    content = stream.Hashing(chunks)
    with blobs.writer() as writer, contextlib.closing(stream.threaded(content)) as pieces:
        for piece in compress.compress(pieces, compression):
            writer.write(piece)
        digest, size = writer.commit()
    suffix = "" if compression == "none" else "+" + compression
    return Layer(Descriptor(OCI_LAYER + suffix, digest, size), content.digest(), not writer.existed)
