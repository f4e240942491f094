# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a container: record, overlay, volumes, bundle. What is made here lies on disk only; nothing runs and nothing is mounted."""

from __future__ import annotations

import os

from ..errors import InvalidValue
from ..image.store import ImageStore
from ..layer.store import LayerStore
from ..rootfs import overlay
from ..spec.container import Healthcheck
from ..spec.runtime import Mount
from ..spec.volume import Mount as VolumeMount
from ..state import make_directory, new_id, write_json
from ..volume.store import VolumeStore
from . import bundle, copyup, delete, sandbox
from .container import ContainerStore, Record, State
from .kill import signal_number
from .launch import timestamp

NANO = 10**9


def make(roots, spec):
    """Make the container of ``spec`` from an image that is here; on failure nothing of it is left.

    :raises NotFound: no such image. Conflict: the name is taken.
    """
    images = ImageStore(roots)
    image = images.get(spec.image)
    # until the links to the layers are there, nothing but the lease tells that they are needed
    with images.leased(images.layers.chain_ids(image)):
        return _make(roots, spec, image)


def _make(roots, spec, image):
    layers = LayerStore(roots).ensure(image)
    config = image.config.config
    identity = new_id()
    mounts, anonymous = _resolve_mounts(spec, config)
    record = Record(id=identity, name=spec.name, created=timestamp(), image_id=image.id, spec=spec, mounts=mounts,
                    anonymous_volumes=anonymous, healthcheck=effective_healthcheck(spec, config),
                    stop_signal=effective_stop_signal(spec, config))
    container = ContainerStore(roots).add(record)
    try:
        _lay_out(container, layers)
        sandbox.write_files(container)
        oci_mounts = _volume_mounts(container, config) + _file_mounts(container)
        document = bundle.build(container, config, oci_mounts, sandbox.namespace_path(container), _sandbox_path(roots))
        write_json(container.path("config.json"), document.to_json())
        container.write_state(State())
    except BaseException:
        delete.delete(container, volumes=True)
        raise
    return container


def effective_healthcheck(spec, config):
    """The health check that counts: the task's, else the image's (whose times are nanoseconds), else None. ``NONE`` switches it off."""
    check = spec.healthcheck
    if check is None and config.healthcheck is not None and config.healthcheck.test:
        inherited = config.healthcheck
        given = {name: getattr(inherited, name) / NANO
                 for name in ("interval", "timeout", "start_period", "start_interval") if getattr(inherited, name)}
        if inherited.retries:
            given["retries"] = inherited.retries
        check = Healthcheck(test=tuple(inherited.test), **given)
    if check is None or not check.test or check.test[0] == "NONE":
        return None
    return check


def effective_stop_signal(spec, config):
    """The stop signal that counts, checked."""
    name = spec.stop_signal or config.stop_signal or "SIGTERM"
    signal_number(name)
    return name


def _lay_out(container, layers):
    overlay.prepare(container.directory, layers)
    if layers:
        _copy_attributes(layers[-1], container.path("upper"))
    make_directory(container.path("logs"), 0o750)
    link = container.path("volatile")
    if not os.path.islink(link):
        os.symlink(container.volatile, link)


def _copy_attributes(layer, upper):
    """The root directory of the union is the upper one's: give it mode and owner of the image's."""
    status = os.stat(layer)
    os.chmod(upper, status.st_mode & 0o7777)
    os.chown(upper, status.st_uid, status.st_gid)


def _resolve_mounts(spec, config):
    """(tuple of mount dicts for the record, names of anonymous volumes).

    The task's mounts come first, then the image's volumes that none of them covers.
    """
    mounts, anonymous = [], []
    covered = set()
    for mount in spec.mounts:
        entry = mount.to_json()
        if mount.type == "volume" and not mount.source:
            entry["source"] = new_id()
            anonymous.append(entry["source"])
        mounts.append(entry)
        covered.add(os.path.normpath(mount.target))
    for target in sorted(config.volumes or ()):
        if os.path.normpath(target) not in covered:
            name = new_id()
            anonymous.append(name)
            mounts.append({"type": "volume", "source": name, "target": target})
    return tuple(mounts), tuple(anonymous)


def _volume_mounts(container, config):
    """OCI mounts of volumes, binds and tmpfs; parents before what lies below them."""
    store = VolumeStore(container.roots)
    entries = sorted((VolumeMount.from_json(entry) for entry in container.record.mounts), key=lambda each: each.target.count("/"))
    return tuple(_volume_mount(container, store, entry) for entry in entries)


def _volume_mount(container, store, entry):
    access = "ro" if entry.read_only else "rw"
    if entry.type == "tmpfs":
        return Mount(entry.target, "tmpfs", "tmpfs", ("nosuid", "nodev", "noexec", access) + tuple(filter(None, entry.options.split(","))))
    source = entry.source
    if entry.type == "volume":
        source = store.ensure(entry.source, entry.driver, entry.driver_options, entry.labels).mountpoint
        if not entry.no_copy:
            copyup.fill(container, entry.target, source)
        if entry.subpath:
            # rootfs.mounts.Bind looks up what follows /./ inside of what precedes it
            source = "%s/./%s" % (source, entry.subpath)
    elif not os.path.lexists(source):
        if not entry.create_source:
            raise InvalidValue("mounts", source, "does not exist on the host", "make it first, or set create_mountpoint: true")
        make_directory(source, 0o755)
    return Mount(entry.target, "bind", source, ("rbind" if entry.recursive else "bind", entry.propagation, access))


def _file_mounts(container):
    """The engine's own files in /etc, unless a mount of the task covers them."""
    covered = {os.path.normpath(entry["target"]) for entry in container.record.mounts}
    files = [name for name in sandbox.FILES if "/etc/" + name not in covered]
    if container.spec.network_mode.startswith("container:"):
        other = ContainerStore(container.roots).get(container.spec.network_mode.partition(":")[2])
        return tuple(Mount("/etc/" + name, "bind", other.path(name), ("rbind", "rprivate")) for name in files)
    return tuple(Mount("/etc/" + name, "bind", container.path(name), ("rbind", "rprivate")) for name in files)


def _sandbox_path(roots):
    def path(mode, kind):
        other = ContainerStore(roots).get(mode.partition(":")[2])
        return "/proc/%d/ns/%s" % (other.stored_state().pid, {"network": "net", "mount": "mnt"}.get(kind, kind))

    return path
