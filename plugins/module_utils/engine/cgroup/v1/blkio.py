# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``blkio``: weight (BFQ, or CFQ of old kernels) and throttling (cgroup-v1/blkio-controller.rst)."""

from __future__ import annotations

import errno
import os

from ...errors import InvalidValue, Unsupported
from ...spec.resources import IoMax, blkio_from_io_weight, io_weight_from_blkio
from .. import files

FIELDS = {"io_weight": "blkio.weight", "io_max": "blkio.throttle.read_bps_device"}
# file -> its default, which stands for the default of v2 (100): runc's conversion does not map one to the other
_WEIGHTS = {"blkio.weight": 500, "blkio.bfq.weight": 100}
_RATES = {
    "rbps": "blkio.throttle.read_bps_device",
    "wbps": "blkio.throttle.write_bps_device",
    "riops": "blkio.throttle.read_iops_device",
    "wiops": "blkio.throttle.write_iops_device",
}


def _weight_file(directory):
    """(path, default) of the weight file, or None."""
    for name, default in _WEIGHTS.items():
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path, default
    return None


def _to_file(weight, default):
    return default if weight == 100 else blkio_from_io_weight(weight)


def _from_file(number, default):
    return 100 if number == default else io_weight_from_blkio(number)


def apply(directory, resources):
    """Write what is set. ``io_max`` is the whole list: rates that it does not name are taken off."""
    if resources.io_weight is not None:
        found = _weight_file(directory)
        if found is not None:
            files.write(found[0], str(_to_file(resources.io_weight, found[1])))
        elif resources.io_weight != 100:
            raise Unsupported("io_weight: this kernel has no I/O scheduler with weights", "load bfq, or limit rates with io_max")
    if resources.io_max is not None:
        desired = {entry.device: entry for entry in resources.io_max}
        for rate, name in _RATES.items():
            path = os.path.join(directory, name)
            for device in _rates(path):
                if getattr(desired.get(device), rate, None) is None:
                    files.write(path, "%s 0" % device)
            for device, entry in desired.items():
                if getattr(entry, rate) is not None:
                    _write_rate(path, device, getattr(entry, rate))


def _write_rate(path, device, rate):
    try:
        files.write(path, "%s %d" % (device, rate))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        raise InvalidValue("io_max", device, "is not a whole block device of this host", "see lsblk for MAJ:MIN") from error


def _rates(path):
    """dict of "major:minor" -> rate."""
    text = files.read_optional(path, "")
    return {line.split()[0]: int(line.split()[1]) for line in text.splitlines() if line}


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    if "io_weight" in fields:
        found = _weight_file(directory)
        if found is not None:
            # CFQ's file holds a number, BFQ's "default 100" in some versions
            values["io_weight"] = _from_file(int(files.read(found[0]).splitlines()[0].split()[-1]), found[1])
    if "io_max" in fields and os.path.exists(os.path.join(directory, FIELDS["io_max"])):
        devices = {}
        for rate, name in _RATES.items():
            for device, number in _rates(os.path.join(directory, name)).items():
                devices.setdefault(device, {})[rate] = number
        entries = [IoMax(*(int(part) for part in device.split(":")), **rates) for device, rates in devices.items()]
        values["io_max"] = tuple(sorted(entries, key=lambda entry: (entry.major, entry.minor)))
    return values


def expected(directory, field, value):
    """What :func:`read` gives after ``value`` was applied: weights are rounded by the conversion, entries without a rate vanish."""
    if field == "io_weight":
        found = _weight_file(directory)
        return value if found is None else _from_file(_to_file(value, found[1]), found[1])
    return tuple(sorted((entry for entry in value if entry.limits), key=lambda entry: (entry.major, entry.minor)))


def usage(directory):
    """dict of "major:minor" -> dict rbytes, wbytes, rios, wios."""
    devices = {}
    for name, keys in (("io_service_bytes", ("rbytes", "wbytes")), ("io_serviced", ("rios", "wios"))):
        text = files.read_optional(os.path.join(directory, "blkio.throttle.%s_recursive" % name))
        if text is None:
            text = files.read_optional(os.path.join(directory, "blkio.throttle.%s" % name), "")
        for line in text.splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[1] in ("Read", "Write"):
                devices.setdefault(parts[0], {})[keys[0] if parts[1] == "Read" else keys[1]] = int(parts[2])
    return {device: {key: counts.get(key, 0) for key in ("rbytes", "wbytes", "rios", "wios")} for device, counts in devices.items()}
