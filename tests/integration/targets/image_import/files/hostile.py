# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that want to write outside of the directory they are unpacked to."""

from __future__ import annotations

import io
import sys
import tarfile

DIRECTORY = sys.argv[1]


def member(name, content=b"x", **values):
    info = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(info, key, value)
    info.size = 0 if values else len(content)
    return info, io.BytesIO(content)


def archive(name, *members):
    with tarfile.open("%s/%s.tar" % (DIRECTORY, name), "w") as out:
        for info, content in members:
            out.addfile(info, content)


archive("dotdot", member("../" * 30 + DIRECTORY[1:] + "/escaped"))
archive("symlink", member("door", type=tarfile.SYMTYPE, linkname=DIRECTORY), member("door/escaped"))
archive("hardlink", member("passwd", type=tarfile.LNKTYPE, linkname="/etc/passwd"), member("passwd", b"root::0:0::/:/bin/sh"))
archive("cut", member("file", b"x" * 100000))
with open(DIRECTORY + "/cut.tar", "r+b") as stream:
    stream.truncate(50000)
