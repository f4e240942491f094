# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``host_info``: the host, what it can do, and what the engine keeps on it."""

from __future__ import annotations

import os
import time

from ..engine.reconcile.host import Counts, observe_features, observe_storage, observe_usage, warnings_of
from .run import Outcome

ARGUMENTS = {
    "containers": {"type": "bool", "default": False},
    "images": {"type": "bool", "default": False},
    "networks": {"type": "bool", "default": False},
    "volumes": {"type": "bool", "default": False},
    "disk_usage": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    from ..engine.image.store import ImageStore
    from ..engine.net.store import NetworkStore
    from ..engine.runtime.container import ContainerStore
    from ..engine.volume.store import VolumeStore

    features, storage = observe_features(roots), observe_storage(roots)
    warnings = warnings_of(roots, features, storage)
    containers = [(container, container.state()) for container in ContainerStore(roots).list()]
    images, networks, volumes = ImageStore(roots).list(), NetworkStore(roots).list(), VolumeStore(roots).list()
    counts = _counts(containers, images, networks, volumes)

    def result():
        answer = {"host_info": host_info(roots, features, storage, counts, warnings), "features": _plain(features)}
        if params["containers"]:
            answer["containers"] = [_container(container, state) for container, state in containers]
        if params["images"]:
            answer["images"] = [_image(image) for image in images]
        if params["networks"]:
            answer["networks"] = [{"Id": each.id, "Name": each.name, "Driver": each.driver, "Scope": "local"} for each in networks]
        if params["volumes"]:
            answer["volumes"] = [volume.inspect() for volume in volumes]
        if params["disk_usage"]:
            usage = observe_usage(roots)
            answer["disk_usage"] = {"images": usage.images, "layers": usage.layers, "containers": usage.containers,
                                    "volumes": usage.volumes, "total": usage.images + usage.layers + usage.containers + usage.volumes}
        return answer

    return Outcome(result, warnings=warnings)


def _counts(containers, images, networks, volumes):
    statuses = [state.status for unused, state in containers]
    running, paused = statuses.count("running") + statuses.count("restarting"), statuses.count("paused")
    return Counts(len(containers), running, paused, len(containers) - running - paused, len(images), len(networks), len(volumes))


def host_info(roots, features, storage, counts, warnings):
    """The shape of ``docker info``, as far as there is something to say."""
    kernel = os.uname()
    security = ["name=seccomp,profile=builtin"] if features.seccomp and features.libseccomp else []
    security += ["name=%s" % name for name in features.security_modules]
    return {
        "Architecture": kernel.machine,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": {"v2": "2", None: ""}.get(features.cgroup_version, "1"),
        "Containers": counts.containers,
        "ContainersPaused": counts.paused,
        "ContainersRunning": counts.running,
        "ContainersStopped": counts.stopped,
        "DockerRootDir": storage.state_root,
        "Driver": "overlay",
        "DriverStatus": [["Backing Filesystem", storage.filesystem], ["Free", str(storage.free)], ["Total", str(storage.total)]],
        "IPv4Forwarding": features.ip_forward,
        "Images": counts.images,
        "KernelVersion": kernel.release,
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "MemoryLimit": "memory" in features.cgroup_controllers,
        "NCPU": os.cpu_count(),
        "Name": kernel.nodename,
        "Networks": counts.networks,
        "OSType": "linux",
        "OperatingSystem": _operating_system(),
        "PidsLimit": "pids" in features.cgroup_controllers,
        "SecurityOptions": security,
        "SwapLimit": bool(features.swap_limit),
        "SystemTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Volumes": counts.volumes,
        "Warnings": list(warnings),
    }


def _operating_system():
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    if line.startswith("PRETTY_NAME="):
                        return line.split("=", 1)[1].strip().strip("\"'")
        except OSError:
            continue
    return "Linux"


def _plain(features):
    import dataclasses

    return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(features).items()}


def _container(container, state):
    return {"Id": container.id, "Names": ["/" + container.name], "Image": container.spec.image, "ImageID": container.record.image_id,
            "Created": container.record.created, "State": state.status, "Labels": dict(container.spec.labels)}


def _image(image):
    from ..engine.spec.reference import Reference

    references = [Reference.parse(text) for text in image.references]
    return {"Id": image.id, "RepoTags": sorted(each.familiar for each in references if each.tag),
            "Created": image.config.created, "Size": image.size}
