# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs to a registry: mounted from another of its repositories, or uploaded in one piece, or in chunks that a broken upload goes on with.

One piece costs the fewest requests. Chunks come where the registry (or a proxy before it) refuses one piece for its size (413), and where
the connection broke: the registry then tells how much it has.
"""

from __future__ import annotations

import re
import time

from ..errors import Denied, Unreachable
from .transport import ATTEMPTS, BUSY, Broken, join, pause

CHUNK = 16 << 20
_TYPE = "application/octet-stream"
_OTHERWISE = (405, 411, 416, 501)
"""Answers of registries that do not know uploads in one piece."""
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_NUMBER = re.compile(r"[0-9]{1,12}")


def upload(registry, reference, descriptor, open_chunks, mount_from=None):
    """Bring a blob into a repository that lacks it.

    :param open_chunks: function (offset, length) that returns an iterator over that part of the content.
    :param mount_from: another repository of the same registry that has the blob, or None.
    :returns: whether content was sent (False: it was mounted).
    """
    scope = registry.scope(reference, True)
    if mount_from is not None:
        location = _mount(registry, reference, descriptor, mount_from)
        if location is None:
            return False
    else:
        location = _start(registry, reference, scope)
    if _in_one_piece(registry, reference, descriptor, open_chunks, location[0], scope):
        return True
    _in_chunks(registry, reference, descriptor, open_chunks, scope)
    return True


def _mount(registry, reference, descriptor, source):
    """None where the registry took the blob from the other repository; else the location of the upload that it began instead."""
    scopes = (registry.scope(reference, True), "repository:%s:pull" % source)
    rest = "blobs/uploads/?mount=%s&from=%s" % (descriptor.digest, source)
    url = registry.url(reference, rest)
    try:
        response = registry.call("POST", url, scopes, {}, None, 0)
    except Denied:
        # our account must not read the other repository
        return _start(registry, reference, registry.scope(reference, True))
    data = response.data()
    if response.status == 201:
        return None
    if response.status == 202 and response.header("Location"):
        return join(url, response.header("Location")), CHUNK
    if response.status in BUSY:
        registry.fail(response, reference, data)
    # mounting is not known, or not between these two: an upload is asked for anew
    return _start(registry, reference, registry.scope(reference, True))


def _start(registry, reference, scope):
    """(location, size of a chunk) of a new upload."""
    url = registry.url(reference, "blobs/uploads/")
    response = registry.call("POST", url, scope, {}, None, 0)
    data = response.data()
    if response.status not in (200, 202) or not response.header("Location"):
        registry.fail(response, reference, data)
    least = _NUMBER.fullmatch(response.header("OCI-Chunk-Min-Length") or "")
    return join(url, response.header("Location")), max(CHUNK, int(least.group()) if least else 0)


def _in_one_piece(registry, reference, descriptor, open_chunks, location, scope):
    """Whether it worked; False: it is to be tried in chunks."""
    try:
        response = registry.call("PUT", _with_digest(location, descriptor.digest), scope, {"Content-Type": _TYPE},
                                 lambda: open_chunks(0, descriptor.size), descriptor.size, 1)
        data = response.data()
    except Broken:
        return False
    if response.status in (201, 204):
        return True
    if response.status in BUSY or response.status in _OTHERWISE or (response.status == 413 and descriptor.size > CHUNK):
        return False
    registry.fail(response, reference, data)
    return False


def _in_chunks(registry, reference, descriptor, open_chunks, scope):
    """Chunk after chunk. What breaks goes on where the registry says that it stands, or from the beginning with another upload."""
    failed, offset, furthest, location, chunk = 0, 0, 0, None, CHUNK
    while True:
        try:
            if location is None:
                location, chunk = _start(registry, reference, scope)
                offset = 0
            while offset < descriptor.size:
                location, offset = _send_chunk(registry, reference, descriptor, open_chunks, scope, location, offset, chunk)
            response = registry.call("PUT", _with_digest(location, descriptor.digest), scope, {}, None, 0)
            data = response.data()
            if response.status not in (201, 204):
                registry.fail(response, reference, data)
            return
        except Unreachable:
            failed = failed + 1 if offset <= furthest else 1
            furthest = max(offset, furthest)
            if failed >= ATTEMPTS:
                raise
            time.sleep(pause(failed - 1))
        if location is not None:
            location, offset = _resume(registry, scope, location)


def _send_chunk(registry, reference, descriptor, open_chunks, scope, location, offset, chunk):
    length = min(chunk, descriptor.size - offset)
    headers = {"Content-Type": _TYPE, "Content-Range": "%d-%d" % (offset, offset + length - 1)}
    response = registry.call("PATCH", location, scope, headers, lambda: open_chunks(offset, length), length, 1)
    data = response.data()
    if response.status not in (202, 204):
        if response.status == 416:
            raise Broken("registry %s lost a part of blob %s" % (registry.name, descriptor.digest), "try again")
        registry.fail(response, reference, data)
    return join(location, response.header("Location") or location), offset + length


def _resume(registry, scope, location):
    """(location, bytes that the registry has) of an upload that broke; (None, 0) where it is lost."""
    try:
        response = registry.call("GET", location, scope, {})
        response.data()
    except Unreachable:
        return None, 0
    had = _RANGE.fullmatch(response.header("Range") or "")
    if response.status not in (200, 204) or had is None:
        return None, 0
    last = int(had.group(1))
    # 0-0 is written for nothing as well as for one byte, and no chunk of ours is one byte long unless it is the only one
    return join(location, response.header("Location") or location), last + 1 if last else 0


def _with_digest(location, digest):
    return "%s%sdigest=%s" % (location, "&" if "?" in location else "?", digest)
