# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start from byte code: import the engine from where it is installed on the host instead of from the payload.

Python compiles every source in the payload's zip anew in each task, which takes longer than all that a task without a change does. Where
the host holds exactly the files that the payload carries (by size and CRC-32, which the zip's directory tells for free), the packages
``engine`` and ``module`` are pointed to the installed, byte-compiled ones. Anything unexpected leaves them as they are: slower, not wrong.
"""

from __future__ import annotations

import os
import sys
import zipimport

_TOP = __name__.rsplit(".", 2)[0]
_FOLDERS = {"engine": "agentless_engine", "module": "module"}
_active = [False]


def use_installed(state_root):
    """Point the packages to ``<state_root>/engine/current`` if that is this payload. Returns whether it was."""
    carried = _carried()
    if carried is None:
        return False
    try:
        current = os.path.realpath(os.path.join(state_root, "engine", "current"))
        if not _trusted(current):
            return False
        with open(os.path.join(current, "manifest"), encoding="utf-8") as stream:
            there = {name: check for check, unused_sep, name in (line.rstrip("\n").rpartition(" ") for line in stream)}
    except OSError:
        return False
    if any(there.get(name) != check for name, check in carried.items()):
        return False
    for folder, name in _FOLDERS.items():
        sys.modules.get("%s.%s" % (_TOP, folder), None) or __import__("%s.%s" % (_TOP, folder))
        sys.modules["%s.%s" % (_TOP, folder)].__path__[:] = [os.path.join(current, name)]
    _active[0] = True
    return True


def _carried():
    """dict of installed path -> "crc size" of the files in this payload's zip; None where we do not run from one."""
    archive = getattr(__spec__.loader, "archive", None)
    directory = getattr(zipimport, "_zip_directory_cache", {}).get(archive)
    if not directory:
        return None
    prefix = _TOP.replace(".", os.sep) + os.sep
    carried = {}
    for path, entry in directory.items():
        folder, unused_sep, rest = path[len(prefix):].partition(os.sep)
        if path.startswith(prefix) and path.endswith(".py") and folder in _FOLDERS:
            # (path, compression, packed size, size, offset, time, date, CRC-32)
            carried["%s/%s" % (_FOLDERS[folder], rest.replace(os.sep, "/"))] = "%d %d" % (entry[7], entry[3])
    return carried


def _trusted(directory):
    """Whether nobody but us can have written there."""
    for path in (directory, os.path.dirname(directory)):
        status = os.stat(path)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return False
    return True


def refresh(state_root):
    """Install this payload's engine where an older one is: an upgrade of the collection pays once."""
    if _active[0] or _carried() is None or not os.path.isdir(os.path.join(state_root, "engine")):
        return
    from ..engine.runtime import installed
    from ..engine.state import Roots

    installed.make_current(Roots(state_root))
