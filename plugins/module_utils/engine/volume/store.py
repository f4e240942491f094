# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named volumes: ``volumes/<name>/volume.json`` and the content in ``volumes/<name>/_data``.

A volume is there when its volume.json is: making one writes that file last, removing one renames the directory first, so a kill at any
instant leaves a whole volume, or rubbish that the next removal or making clears away.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time

from ..errors import Conflict, InvalidValue, NotFound, Unsupported
from ..spec.volume import Volume, check_name
from ..state import make_directory, read_json, remove_file, sync_directory, write_json

_REMOVED = ".removed."


class VolumeStore:
    """The volumes of one state root."""

    def __init__(self, roots):
        self.roots = roots

    def directory(self, name):
        """Where a volume's files lie."""
        return os.path.join(self.roots.volumes, check_name(name))

    def lock(self):
        """The lock of all volumes; taken by every method that changes something."""
        return self.roots.lock("volumes")

    def get(self, name):
        """The Volume, or None."""
        directory = self.directory(name)
        data = read_json(os.path.join(directory, "volume.json"))
        return None if data is None else Volume.from_json(data, mountpoint_of(directory, data.get("options") or {}))

    def list(self):
        """All volumes, sorted by name."""
        try:
            names = sorted(os.listdir(self.roots.volumes))
        except FileNotFoundError:
            return []
        return [volume for volume in (self.get(name) for name in names if not name.startswith(".")) if volume is not None]

    def ensure(self, name, driver="local", options=None, labels=None):
        """The volume of this name, made if it is missing. One that is there is left as it is.

        :returns: Volume.
        """
        volume = self.get(name)
        if volume is None:
            with self.lock():
                volume = self.get(name) or self._create(name, driver, dict(options or {}), dict(labels or {}))
        return volume

    def create_anonymous(self, labels=None):
        """A new volume under a random name of 64 digits, as Docker makes for a bare path. Its label marks it."""
        return self.ensure(secrets.token_hex(32), labels={"com.docker.volume.anonymous": "", **(labels or {})})

    def _create(self, name, driver, options, labels):
        check_driver(driver, options)
        directory = self.directory(name)
        make_directory(directory, 0o711)
        os.chmod(directory, 0o711)
        # a _data without volume.json was left by a kill: nothing can have been written to it
        make_directory(os.path.join(directory, "_data"), 0o755)
        os.chmod(os.path.join(directory, "_data"), 0o755)
        volume = Volume(name, driver, options, labels, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                        mountpoint_of(directory, options))
        write_json(os.path.join(directory, "volume.json"), volume.to_json())
        return volume

    def set_labels(self, name, labels):
        """Replace a volume's labels; its content is not touched."""
        with self.lock():
            volume = self.get(name)
            if volume is None:
                raise NotFound("volume %s does not exist" % name)
            write_json(os.path.join(self.directory(name), "volume.json"), {**volume.to_json(), "labels": dict(labels)})

    def remove(self, name, besides=None):
        """Remove a volume and its content. A missing one is success.

        :param besides: name of the container that goes with it.
        :raises Conflict: a container uses it.
        """
        with self.lock():
            users = [each for each in self.users(name) if each != besides]
            if users:
                raise Conflict("volume %s is used by container %s" % (name, ", ".join(users)),
                               "remove the container first, or let it mount something else")
            directory = self.directory(name)
            rubbish = os.path.join(self.roots.volumes, "%s%s.%s" % (_REMOVED, name, secrets.token_hex(4)))
            try:
                os.rename(directory, rubbish)
            except FileNotFoundError:
                pass
            else:
                sync_directory(self.roots.volumes)
            self._sweep()

    def _sweep(self):
        """Delete what was removed, by this call or by one that was killed."""
        for entry in os.listdir(self.roots.volumes) if os.path.isdir(self.roots.volumes) else ():
            if entry.startswith(_REMOVED):
                path = os.path.join(self.roots.volumes, entry)
                remove_file(os.path.join(path, "volume.json"))
                shutil.rmtree(path)

    def users(self, name):
        """Names of the containers that have the volume among their mounts, running or not. Sorted."""
        found = []
        try:
            ids = os.listdir(self.roots.containers)
        except FileNotFoundError:
            return found
        for container in (name for name in ids if not name.startswith(".")):
            spec = read_json(os.path.join(self.roots.containers, container, "container.json"), {})
            for mount in spec.get("mounts") or ():
                if mount.get("type") == "volume" and mount.get("source") == name:
                    found.append(str(spec.get("name") or container[:12]).lstrip("/"))
                    break
        return sorted(found)


def check_driver(driver, options):
    """Refuse what no driver here does.

    :raises Unsupported, InvalidValue: naming option and value.
    """
    if driver != "local":
        raise Unsupported("driver: %r is not a volume driver of this engine" % driver, "use driver: local")
    if not options:
        return
    unknown = sorted(set(options) - {"type", "o", "device"})
    if unknown:
        raise InvalidValue("driver_options", unknown[0], "is not an option of driver local", "it takes type, o and device")
    flags = [flag for flag in str(options.get("o") or "").split(",") if flag]
    if options.get("type") not in (None, "none") or not set(flags) & {"bind", "rbind"} or set(flags) - {"bind", "rbind"}:
        raise Unsupported("driver_options: %s is not a mount that driver local makes" % options,
                          "give type: none, o: bind and device: /host/path, or leave driver_options out")
    device = str(options.get("device") or "")
    if not device.startswith("/"):
        raise InvalidValue("driver_options.device", device, "is not an absolute path of the host")
    if not os.path.isdir(device):
        raise InvalidValue("driver_options.device", device, "is not a directory of the host", "make the directory first")


def mountpoint_of(directory, options):
    """Where the content lies: below the volume's directory, or, for a bind volume, where it is bound from."""
    return options.get("device") or os.path.join(directory, "_data")
