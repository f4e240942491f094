# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a function in a process of its own with a mount namespace of its own.

Steps mount the union of layers that they change. Nobody else sees these mounts, and they end with the process, also when it is killed. A
process, not a thread: cloning a container out of a process with threads could find the allocator's locks taken by one that is not there.
"""

from __future__ import annotations

import os
import pickle  # nosec: read only from our own child
import signal
import traceback

from ..errors import EngineError, describe
from ..linux import calls, consts
from .position import DockerfileError


class Failed(EngineError):
    """A step ended without an answer."""


def call(function, *arguments):
    """What ``function(*arguments)`` returns (anything that pickles), computed in a child process.

    :raises EngineError, OSError: what it raised there.
    """
    # a build that is all in the cache needs nothing of it; what is forked here must find it imported
    from . import run_mounts  # noqa: F401

    # not a pipe: a copy of its end in a sibling that is forked meanwhile would hold back the end of file
    answer = os.memfd_create("answer", os.MFD_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(function, arguments, answer, parent)
    status = os.waitpid(pid, 0)[1]
    os.lseek(answer, 0, os.SEEK_SET)
    with open(answer, "rb") as stream:
        data = stream.read()
    if not data:
        raise Failed("a step of the build ended unexpectedly (%s)" % _how(status))
    fine, value = pickle.loads(data)  # nosec
    if not fine:
        raise value
    return value


def _child(function, arguments, answer, parent):
    try:
        calls.prctl(consts.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        calls.unshare(consts.CLONE_NEWNS)
        # what the host mounts later is seen here, what is mounted here is not seen there
        calls.mount(None, "/", None, consts.MS_SLAVE | consts.MS_REC)
        # what a step makes on the way (roots, mount points, directories above them) is as in any image, whatever the caller's umask
        os.umask(0o022)
        result = (True, function(*arguments))
    except (EngineError, OSError) as error:
        result = (False, _portable(error))
    except BaseException as error:  # pylint: disable=broad-except  # last frame of a process of its own
        result = (False, Failed("%s: %s\n%s" % (type(error).__name__, describe(error), traceback.format_exc())))
    try:
        with open(answer, "wb") as stream:
            pickle.dump(result, stream)
    finally:
        os._exit(0)


def _portable(error):
    """The error as one that pickles: the constructors of most take other arguments than ``args``."""
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror, error.filename) if error.errno else OSError(str(error))
    if isinstance(error, DockerfileError):
        # its text is complete
        return Failed(error.message, error.hint)
    try:
        again = pickle.loads(pickle.dumps(error))  # nosec
        if type(again) is type(error) and str(again) == str(error):
            return error
    except Exception:  # pylint: disable=broad-except  # whatever does not travel
        pass
    return Failed(str(error), getattr(error, "hint", None))


def _how(status):
    if os.WIFSIGNALED(status):
        return "killed by signal %d" % os.WTERMSIG(status)
    return "status %d" % os.WEXITSTATUS(status)
