# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing the kernel's control files, with the file's name in every error."""

from __future__ import annotations

import os


def write(path, text):
    """Write a control file with one write(2); it must exist. OSError carries the path."""
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(fd)


def read(path):
    """The content of a control file, without the white space around it."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, 4096)
        if len(data) == 4096:
            chunks = [data]
            while chunks[-1]:
                chunks.append(os.read(fd, 65536))
            data = b"".join(chunks)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(fd)
    return data.decode().strip()


def read_optional(path, default=None):
    """The content of a control file, or ``default`` where this kernel has none."""
    try:
        return read(path)
    except FileNotFoundError:
        return default


def keyed(text):
    """A "flat keyed" file (memory.stat, cpu.stat, cgroup.events) as a dict of int."""
    values = {}
    for line in text.splitlines():
        key, unused, value = line.partition(" ")
        if value.lstrip("-").isdigit():
            values[key] = int(value)
    return values


def nested(text):
    """A "nested keyed" file (io.stat, io.max) as a dict of dicts of str: ``8:0 rbps=1 wbps=max``."""
    values = {}
    for line in text.splitlines():
        key, unused, rest = line.partition(" ")
        values[key] = dict(pair.split("=", 1) for pair in rest.split() if "=" in pair)
    return values
