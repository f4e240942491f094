# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``io``: rates and weight (cgroup-v2.rst, "IO Interface Files"). ``io.weight`` is of io.cost, ``io.bfq.weight`` of BFQ."""

from __future__ import annotations

import errno
import os

from ...errors import InvalidValue, Unsupported
from ...spec.resources import IoMax, blkio_from_io_weight, io_weight_from_blkio
from .. import files

FIELDS = {"io_weight": "io.weight", "io_max": "io.max"}
_RATES = ("rbps", "wbps", "riops", "wiops")


def _weight_file(directory):
    for name in ("io.bfq.weight", "io.weight"):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path
    return None


def _to_file(path, weight):
    """BFQ's weights are those of v1 (1 to 1000), with a default of 100 as well."""
    return blkio_from_io_weight(weight) if path.endswith("bfq.weight") and weight != 100 else weight


def _from_file(path, number):
    return io_weight_from_blkio(number) if path.endswith("bfq.weight") and number != 100 else number


def apply(directory, resources):
    """Write what is set. ``io_max`` is the whole list: devices and rates that it does not name are set free."""
    if resources.io_weight is not None:
        path = _weight_file(directory)
        if path is not None:
            files.write(path, "default %d" % _to_file(path, resources.io_weight))
        elif resources.io_weight != 100:
            raise Unsupported("io_weight: this kernel has no I/O scheduler with weights", "load bfq or iocost, or limit rates with io_max")
    if resources.io_max is not None:
        path = os.path.join(directory, "io.max")
        desired = {entry.device: entry for entry in resources.io_max}
        for device in files.nested(files.read(path)):
            if device not in desired:
                desired[device] = IoMax(*(int(part) for part in device.split(":")))
        for device, entry in desired.items():
            rates = " ".join("%s=%s" % (rate, "max" if getattr(entry, rate) is None else getattr(entry, rate)) for rate in _RATES)
            try:
                files.write(path, "%s %s" % (device, rates))
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise
                raise InvalidValue("io_max", device, "is not a whole block device of this host", "see lsblk for MAJ:MIN") from error


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    if "io_weight" in fields:
        path = _weight_file(directory)
        if path is not None:
            # "default 100" and a line for every device that differs; BFQ writes the number alone in some versions
            first = files.read(path).splitlines()[0].split()
            values["io_weight"] = _from_file(path, int(first[-1]))
    if "io_max" in fields:
        text = files.read_optional(os.path.join(directory, "io.max"))
        if text is not None:
            entries = []
            for device, rates in files.nested(text).items():
                limits = {rate: int(rates[rate]) for rate in _RATES if rates.get(rate, "max") != "max"}
                if limits:
                    entries.append(IoMax(*(int(part) for part in device.split(":")), **limits))
            values["io_max"] = tuple(sorted(entries, key=lambda entry: (entry.major, entry.minor)))
    return values


def expected(directory, field, value):
    """What :func:`read` gives after ``value`` was applied."""
    if field == "io_weight":
        path = _weight_file(directory)
        return value if path is None else _from_file(path, _to_file(path, value))
    return tuple(sorted((entry for entry in value if entry.limits), key=lambda entry: (entry.major, entry.minor)))


def usage(directory):
    """dict of "major:minor" -> dict rbytes, wbytes, rios, wios."""
    devices = {}
    for device, counts in files.nested(files.read_optional(os.path.join(directory, "io.stat"), "")).items():
        if counts:
            devices[device] = {key: int(counts.get(key, 0)) for key in ("rbytes", "wbytes", "rios", "wios")}
    return devices
