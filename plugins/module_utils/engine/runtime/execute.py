# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last step of a process into a container: execve(2), in a way that never runs a file of the host.

Until then the process is the host's Python, so ``/proc/self/exe`` is the host's interpreter. A container whose command, or whose command's
``#!`` line, is a link to it would run that file inside, and could change its mode and owner on the host (the class of CVE-2019-5736).
Where other processes may change what a path leads to (another process of the container, a volume), looking first would not help:
therefore links are read, never followed by the kernel, ``#!`` lines are resolved here, and execveat(2) gets a directory and a name that is
no link. The directory's descriptor is closed on exec: by that the kernel itself refuses a script that takes the program's place meanwhile.
Where nobody can, looking first is enough, and the kernel gives the process the name that it was called by.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from ..linux import calls, consts
from ..rootfs.path import locate_in_root

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST_LINE = 256
MOST_INTERPRETERS = 5


def execute(process, alone=False):
    """Run args[0], searched in the container's PATH as execvp(3) does. Raises OSError with the command's name.

    :param alone: no other process has this root directory.
    """
    environment = dict(entry.split("=", 1) for entry in process.env if "=" in entry)
    command = process.args[0]
    if "/" in command:
        candidates = [command]
    else:
        path = environment.get("PATH", DEFAULT_PATH)
        candidates = ["%s/%s" % (directory or ".", command) for directory in path.split(":")]
    failure = None
    for candidate in candidates:
        try:
            words = list(process.args)
            if alone and _is_fixed(process.cwd, candidate):
                os.execve(candidate, words, environment)
            _run(process.cwd, candidate, words, ["%s=%s" % item for item in environment.items()])
        except OSError as error:
            if failure is None or error.errno not in (errno.ENOENT, errno.ENOTDIR):
                failure = error
    if failure is None or failure.errno in (errno.ENOENT, errno.ENOTDIR):
        raise OSError(errno.ENOENT, "no such command in the container", command)
    raise OSError(failure.errno, failure.strerror, command)


def _is_fixed(cwd, path):
    """Whether a path, and the interpreters that it names, lie on the root file system and are reached through nothing else."""
    for unused_depth in range(MOST_INTERPRETERS + 1):
        directory, name, at_home = locate_in_root("/", posixpath.join(cwd, path))
        try:
            line = _first_line(directory, name)
        finally:
            os.close(directory)
        if not at_home or not line.startswith(b"#!"):
            return at_home
        path = interpreter(line)[0]
    return False


def _run(cwd, path, arguments, environment):
    for unused_depth in range(MOST_INTERPRETERS + 1):
        directory, name, unused_at_home = locate_in_root("/", posixpath.join(cwd, path))
        try:
            line = _first_line(directory, name)
            if not line.startswith(b"#!"):
                calls.execveat(directory, name, arguments, environment, consts.AT_SYMLINK_NOFOLLOW)
        finally:
            os.close(directory)
        words = interpreter(line)
        arguments = words + [path] + arguments[1:]
        path = words[0]
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _first_line(directory, name):
    """The beginning of an executable file; empty where only the kernel may read it, or where it is no file: execveat(2) tells then."""
    if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        return b""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except PermissionError:
        return b""
    try:
        line = os.read(fd, LONGEST_LINE)
        if line.startswith(b"#!") and (not os.access(name, os.X_OK, dir_fd=directory) or os.fstatvfs(fd).f_flag & os.ST_NOEXEC):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), name)
        return line
    finally:
        os.close(fd)


def interpreter(line):
    """[interpreter] or [interpreter, argument] of a ``#!`` line, as the kernel takes it apart: all after the first blank is one argument.

    :raises OSError: ENOEXEC, it names none, or none that fits into what the kernel reads.
    """
    text, newline, unused_rest = line[2:].partition(b"\n")
    words = text.strip(b" \t").split(None, 1)
    if not words or (not newline and len(line) == LONGEST_LINE and len(words) == 1):
        raise OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC), "#!")
    return [os.fsdecode(word) for word in words]
