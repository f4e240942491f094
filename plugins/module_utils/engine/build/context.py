# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a build's files come from."""

from __future__ import annotations

import os
import posixpath
import stat

from ..errors import InvalidValue, NotFound
from ..rootfs.path import fd_path, open_in_root
from .ignorefile import Ignore, parse

DOCKERFILE = "Dockerfile"
_IGNORE = ".dockerignore"
_MOST = 16 << 20


class Context:
    """A directory that COPY reads.

    :ivar root: its path; None where there is but a Dockerfile.
    :ivar keep_owners: files have owners of their own (an archive) instead of root's.
    """

    def __init__(self, root, keep_owners=False, option="path", text=None):
        self.root, self.keep_owners, self.option = root, keep_owners, option
        self._text = text
        self._ignore = None

    @property
    def ignore(self):
        """The compiled ignore file: that of the Dockerfile that was read (``NAME.dockerignore``), else ``.dockerignore``; None if empty."""
        if self._ignore is None:
            self._ignore = self._read_ignore(None)
        return self._ignore if self._ignore.patterns else None

    def dockerfile(self, name=DOCKERFILE):
        """(text, name for messages) of the Dockerfile; its own ignore file counts from now on.

        :param name: path from the root of the context, or an absolute path of this host for a directory.
        :raises NotFound: it is not there.
        """
        if self._text is not None:
            return self._text, name
        path = name
        if os.path.isabs(name) and _is_below(name, self.root):
            path = os.path.relpath(name, self.root)
        if os.path.isabs(path):
            text, beside = _read_host(path), _read_host(path + _IGNORE)
        else:
            text = self.read(path)
            beside = self.read(path + _IGNORE)
        if text is None:
            raise NotFound("dockerfile: %s does not exist in %s" % (name, self.root), "name it in the option dockerfile")
        self._ignore = self._read_ignore(beside)
        return _decode(text, name), name

    def read(self, path):
        """The bytes of a file of the context, links followed inside it; None where it is not there."""
        if self.root is None:
            return None
        try:
            fd = open_in_root(self.root, path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _read(fd_path(fd), path, os.fstat(fd))
        finally:
            os.close(fd)

    def _read_ignore(self, data):
        if data is None:
            data = self.read(_IGNORE)
        return Ignore(parse(data.decode("utf-8", "surrogateescape")) if data else ())


def open_context(source, work, options=None):
    """The :class:`Context` of a build.

    :param source: path of a directory.
    :param work: private directory.
    """
    if not os.path.isdir(source):
        raise InvalidValue("path", source, "is not a directory")
    return Context(os.path.realpath(source))


def _is_below(path, root):
    return posixpath.commonpath([os.path.realpath(root), os.path.realpath(os.path.dirname(path))]) == os.path.realpath(root)


def _read_host(path):
    try:
        return _read(path, path, os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(path, name, status):
    if not stat.S_ISREG(status.st_mode):
        raise InvalidValue("dockerfile", name, "is not a regular file")
    with open(path, "rb") as stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise InvalidValue("dockerfile", name, "is larger than 16 MiB")
    return data


def _decode(data, name):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue("dockerfile", name, "is not UTF-8 text (byte %d)" % error.start) from None
