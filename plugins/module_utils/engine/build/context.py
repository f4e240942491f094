# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a build's files come from: a directory, an archive, a URL, a git repository, or bytes (what others call standard input)."""

from __future__ import annotations

import os
import posixpath
import stat

from ..errors import InvalidValue, NotFound
from ..rootfs.path import fd_path, open_in_root
from .ignorefile import Ignore, parse
from .view import O_DIRECTORY

DOCKERFILE = "Dockerfile"
_IGNORE = ".dockerignore"
_MOST = 16 << 20


class Context:
    """What COPY reads.

    :ivar root: path of a directory; None where there is but a Dockerfile.
    :ivar keep_owners: files have owners of their own (an archive) instead of root's.
    """

    def __init__(self, root, keep_owners=False, dockerfile=None, text=None, option="path"):
        self.root, self.keep_owners, self.option = root, keep_owners, option
        self._name = dockerfile
        self._text = text
        self._ignore = None

    @property
    def ignore(self):
        """The ignore file: that of the Dockerfile that was read (``NAME.dockerignore``), else ``.dockerignore``; None for an empty one."""
        if self._ignore is None:
            self._ignore = self._read_ignore(None)
        return self._ignore if self._ignore.patterns else None

    def dockerfile(self, name=None):
        """(text, name for messages) of the Dockerfile; its own ignore file counts from now on.

        :param name: path from the root of the context, or an absolute path of this host. Without any it is ``Dockerfile``.
        :raises NotFound: it is not there.
        """
        name = name or self._name
        if self._text is not None:
            return _decode(self._text, name or DOCKERFILE), name or DOCKERFILE
        path = name or DOCKERFILE
        read = self.read
        if os.path.isabs(path):
            real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            if _is_below(real, self.root):
                path = os.path.relpath(real, self.root)
            else:
                read = _read_host
        text = read(path)
        if text is None and name is None:
            path = DOCKERFILE.lower()
            text = read(path)
        if text is None:
            raise NotFound("dockerfile: there is no %s in the build context" % (name or DOCKERFILE),
                           "name it in the option dockerfile, by its path from the root of the context")
        self._ignore = self._read_ignore(read(path + _IGNORE))
        return _decode(text, path), path

    def read(self, path):
        """The bytes of a file of the context, links followed inside it; None where it is not there."""
        if self.root is None:
            return None
        try:
            fd = open_in_root(self.root, path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _read(fd_path(fd), path)
        finally:
            os.close(fd)

    def _read_ignore(self, data):
        if data is None:
            data = self.read(_IGNORE)
        return Ignore(parse(data.decode("utf-8", "surrogateescape")) if data else ())


def open_context(source, work, dockerfile=None, options=None, option="path"):
    """The :class:`Context` of a build.

    :param source: path of a directory or archive of this host, http(s) URL of an archive or a Dockerfile, address of a git repository, or
        the bytes of an archive or a Dockerfile.
    :param work: an empty, private directory for what is fetched or unpacked.
    :param dockerfile: name of the Dockerfile, see :meth:`Context.dockerfile`.
    :param options: a :class:`fetch.FetchOptions`. :param option: what ``source`` is called in messages.
    :raises InvalidValue: it is none of these; and whatever fetching and unpacking raises.
    """
    if isinstance(source, (bytes, bytearray)):
        path = os.path.join(work, "input")
        with open(path, "xb") as stream:
            stream.write(source)
        return _of_file(path, work, dockerfile, option, "standard input")
    if os.path.isdir(source):
        return Context(os.path.realpath(source), dockerfile=dockerfile, option=option)
    if os.path.exists(source):
        if not os.path.isfile(source):
            raise InvalidValue(option, source, "is neither a directory nor a file")
        context = _of_file(source, work, dockerfile, option, source)
        if context.root is None:
            raise InvalidValue(option, source, "is neither a directory nor an archive", "give the directory that holds the Dockerfile")
        return context
    from . import git

    if git.is_git(source):
        return Context(git.fetch_git(source, work).directory, dockerfile=dockerfile, option=option)
    if source.startswith(("http://", "https://")):
        from . import fetch

        return _of_file(fetch.fetch_url(source, work, None, options)[0], work, dockerfile, option, fetch.redacted(source))
    raise InvalidValue(option, source, "does not exist", "give a directory or archive of the host, a URL or a git repository")


def _of_file(path, work, dockerfile, option, shown):
    """The Context of a file: an archive, or a Dockerfile."""
    from . import unpack

    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not unpack.is_archive(fd):
            if os.fstat(fd).st_size > _MOST or b"\0" in os.pread(fd, 512, 0):
                raise InvalidValue(option, shown, "is neither an archive nor a Dockerfile", "make the archive with tar")
            return Context(None, dockerfile=dockerfile, text=_read(path, shown), option=option)
        root = os.path.join(work, "context")
        os.mkdir(root, 0o755)
        directory = os.open(root, O_DIRECTORY)
        try:
            unpack.unpack(fd, directory)
        finally:
            os.close(directory)
    finally:
        os.close(fd)
    return Context(root, keep_owners=True, dockerfile=dockerfile, option=option)


def _is_below(path, root):
    if root is None:
        return False
    root = os.path.realpath(root)
    return posixpath.commonpath([root, path]) == root


def _read_host(path):
    return _read(path, path) if os.path.lexists(path) else None


def _read(path, name):
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise InvalidValue("dockerfile", name, "is not a regular file")
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise InvalidValue("dockerfile", name, "is larger than 16 MiB")
    return data


def _decode(data, name):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue("dockerfile", name, "is not UTF-8 text (byte %d)" % error.start) from None
