# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a container's document and its image's configuration to the OCI runtime specification."""

from __future__ import annotations

import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.rootfs import overlay
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import bundle
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime.container import Container, Record
from ansible_collections.agentless.containers.plugins.module_utils.engine.security.paths import READONLY_PATHS
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import ContainerSpec, DeviceMapping
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import ContainerDefaults
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.runtime import Spec
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

IDENTITY = "0123456789ab" + "0" * 52
CONFIG = ContainerDefaults(env=("PATH=/bin", "LANG=C"), entrypoint=("/init",), cmd=("run",), working_dir="/srv", user="web")


@pytest.fixture
def build(tmp_path):
    """Function of changes to the document: the OCI specification."""
    layer = tmp_path / "layer"
    (layer / "etc").mkdir(parents=True)
    (layer / "etc" / "passwd").write_text("web:x:33:34::/srv/web:\n")
    roots = Roots(str(tmp_path / "state"))

    def made(config=CONFIG, netns="/run/netns/x", **changes):
        spec = ContainerSpec(name="web", image="docker.io/library/web:1", **changes)
        container = Container(roots, Record(id=IDENTITY, name="web", created="", image_id="sha256:1", spec=spec))
        overlay.prepare(container.directory, [str(layer)])
        return bundle.build(container, config, (), netns)

    return made


@pytest.mark.parametrize(("entrypoint", "command", "config", "expected"), [
    (None, None, CONFIG, ("/init", "run")),
    (None, ("go",), CONFIG, ("/init", "go")),
    (("/own",), None, CONFIG, ("/own",)),
    (("/own",), ("go",), CONFIG, ("/own", "go")),
    ((), ("go",), CONFIG, ("go",)),
    (None, ("go",), ContainerDefaults(), ("go",)),
    (None, None, ContainerDefaults(cmd=("run",)), ("run",)),
])
def test_command_line(entrypoint, command, config, expected):
    assert bundle.arguments(ContainerSpec("web", "x", entrypoint=entrypoint, command=command), config) == expected


def test_nothing_to_run():
    with pytest.raises(InvalidValue, match="has neither entrypoint nor command") as caught:
        bundle.arguments(ContainerSpec("web", "x"), ContainerDefaults())
    assert caught.value.option == "command"


def test_environment():
    spec = ContainerSpec("web", "x", env={"LANG": "de", "NEW": "a=b"}, tty=True)
    assert dict(entry.split("=", 1) for entry in bundle.environment(spec, CONFIG, "/srv/web", "host")) == {
        "PATH": "/bin", "LANG": "de", "NEW": "a=b", "TERM": "xterm", "HOME": "/srv/web", "HOSTNAME": "host"}
    plain = bundle.environment(ContainerSpec("web", "x"), ContainerDefaults(), None, "host")
    assert plain == ("PATH=" + bundle.DEFAULT_PATH, "HOSTNAME=host", "HOME=/")


def test_process(build):
    process = build().process
    assert process.args == ("/init", "run") and process.cwd == "/srv" and (process.user.uid, process.user.gid) == (33, 34)
    assert "HOME=/srv/web" in process.env and "HOSTNAME=" + IDENTITY[:12] in process.env
    assert len(process.capabilities.bounding) == 14 and process.no_new_privileges is False
    process = build(user="0", working_dir="/x", cap_drop=("ALL",), capabilities=("CAP_KILL",), security_opts=("no-new-privileges",)).process
    assert process.user.uid == 0 and process.cwd == "/x" and process.capabilities.effective == ("CAP_KILL",) and process.no_new_privileges


def test_namespaces_and_names(build):
    made = build()
    assert sorted(each.type for each in made.linux.namespaces) == ["cgroup", "ipc", "mount", "network", "pid", "uts"]
    assert made.hostname == IDENTITY[:12] and build(hostname="own").hostname == "own"
    shared = build(netns=None, network_mode="host", pid_mode="host", uts="host", ipc_mode="host", cgroupns_mode="host")
    assert [each.type for each in shared.linux.namespaces] == ["mount"] and shared.hostname is None
    assert made.linux.cgroups_path.endswith("/" + IDENTITY)


def test_privileged_containers_see_all(build):
    made, privileged = build(), build(privileged=True)
    assert made.linux.masked_paths and made.linux.readonly_paths == READONLY_PATHS
    assert not privileged.linux.masked_paths and not privileged.linux.readonly_paths
    assert len(privileged.process.capabilities.bounding) > 30
    options = {name: next(each.options for each in spec.mounts if each.destination == "/sys") for name, spec in
               (("made", made), ("privileged", privileged))}
    assert "ro" in options["made"] and "ro" not in options["privileged"]


def test_mounts(build):
    mounts = {each.destination: each for each in build(shm_size=1 << 20).mounts}
    assert list(mounts)[:2] == ["/proc", "/sys"] and "size=1048576" in mounts["/dev/shm"].options
    on_host = {each.destination: each for each in build(ipc_mode="host", netns=None, network_mode="host").mounts}
    assert on_host["/dev/shm"].type == "bind" and "/dev/mqueue" not in on_host and on_host["/sys"].type == "bind"


def test_sysctls(build):
    assert build().linux.sysctl["net.ipv4.ip_unprivileged_port_start"] == "0"
    assert build(network_mode="host", netns=None).linux.sysctl is None
    assert build(sysctls={"net.core.somaxconn": "9", "kernel.shmmax": "1"}).linux.sysctl["net.core.somaxconn"] == "9"
    for sysctls, changes in (({"kernel.panic": "1"}, {}), ({"vm.swappiness": "1"}, {}), ({"kernel.shmmax": "1"}, {"ipc_mode": "host"}),
                             ({"net.core.somaxconn": "1"}, {"network_mode": "host"})):
        with pytest.raises(Unsupported, match="sysctls: '%s'" % next(iter(sysctls))):
            build(sysctls=sysctls, **changes)


def test_devices(build, tmp_path):
    device = build(devices=(DeviceMapping("/dev/null", "/dev/mine"),)).linux.devices[0]
    assert (device.path, device.type, device.major, device.minor) == ("/dev/mine", "c", 1, 3)
    for path in (str(tmp_path), "/dev/nosuch"):
        with pytest.raises(InvalidValue) as caught:
            build(devices=(DeviceMapping(path, "/dev/x"),))
        assert caught.value.option == "devices" and caught.value.value == path


def test_unknown_user_is_refused(build):
    with pytest.raises(InvalidValue, match="user: 'ghost'"):
        build(user="ghost")
    assert build(user="7:0").process.user.uid == 7


def test_the_specification_survives_its_json(build):
    made = build(read_only=True)
    data = made.to_json()
    assert data["root"] == {"path": "merged", "readonly": True} and "maskedPaths" in data["linux"]
    assert Spec.from_json(data).to_json() == data
    assert os.path.basename(data["linux"]["cgroupsPath"]) == IDENTITY
