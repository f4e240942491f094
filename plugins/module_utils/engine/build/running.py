# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RUN as a step of a stage: its surroundings, its key, its mounts."""

from __future__ import annotations

import contextlib
import os
import posixpath

from ..net import names
from . import copying, history, isolate, workspace
from .cache_mounts import CacheMounts

_SCRIPTS = "/dev/pipes"
SHARING = ("locked", "private", "shared")


def run_args(stage, expanded):
    """(words, script or None) of a RUN."""
    if expanded.script is not None:
        name = expanded.script.name if expanded.script.name not in (".", "..") else "script"
        return (posixpath.join(_SCRIPTS, name),), expanded.script.text
    if expanded.command.shell:
        return (*stage.shell, expanded.shell_text), None
    return expanded.command.words, None


def run(stage, expanded):
    """Perform a RUN in a stage."""
    settings = stage.build.settings
    _check_allowed(expanded, settings)
    network = settings.network if expanded.network == "default" else expanded.network
    words, script = run_args(stage, expanded)
    # predefined proxies are in the environment of the process and in no key
    counted = stage.scope.variables

    def payload():
        sources = [copying.source_payload(stage, expanded, mount) for mount in expanded.mounts if mount.type == "bind"]
        if None in sources:
            return None
        return ["run", history.identity(expanded), list(words), script, counted, stage.user, stage.workdir, network, sources,
                sorted(settings.etc_hosts.items())]

    def perform(directory, layers):
        # not at the top: a build that is all in the cache does without the runtime
        from . import run as process

        with contextlib.ExitStack() as undo:
            caches = _caches(stage, expanded, undo)
            mounts = tuple(_mount(stage, expanded, mount, caches) for mount in expanded.mounts)
            command = process.Command(
                args=tuple(words), env=stage.scope.run_environment(), user=stage.user, cwd=stage.workdir,
                netns=stage.build.namespace(stage, network), mounts=tuple(each for each in mounts if each is not None),
                insecure=expanded.security == "insecure", hosts=names.hosts_file(
                    ((process.HOSTNAME, "127.0.1.1"), *settings.etc_hosts.items())),
                resolv_conf=names.resolv_conf(stage.build.roots, (), (), (), own_loopback=network == "host"),
                shm_size=settings.shm_size, script=script, limits=settings.limits)
            cgroup = "%s-%s" % (workspace.cgroup_name(stage.build.workspace.directory), os.path.basename(directory).partition("-")[2])
            ended = isolate.call(process.execute, stage.build.roots, directory, layers, command, cgroup, stage.build.log)
        if ended.status != 0:
            raise _failure(expanded, ended)

    stage.layer(expanded, [payload], perform)


def _failure(expanded, ended):
    output = ended.tail.decode("utf-8", "replace")
    error = expanded.error("the command ended with status %d" % ended.status)
    error.message += "\n" + "\n".join(" > " + line for line in output.splitlines()) if output else ""
    error.args = (error.message,)
    error.details = {"stderr": output, "rc": ended.status}
    return error


def _check_allowed(expanded, settings):
    if expanded.security == "insecure" and "security.insecure" not in settings.allow:
        raise expanded.error("--security=insecure is not allowed", "--security", "add security.insecure to allow")
    if expanded.network == "host" and settings.network != "host" and "network.host" not in settings.allow:
        raise expanded.error("--network=host is not allowed", "--network", "add network.host to allow")


def _caches(stage, expanded, undo):
    """dict: ID -> directory of the cache mounts of a RUN. One that is mounted twice is taken once, with the strictest sharing."""
    found = {}
    mounts = [mount for mount in expanded.mounts if mount.type == "cache"]
    # in one order everywhere, or two steps could wait for each other for ever
    for mount in sorted(mounts, key=lambda each: (each.id, SHARING.index(each.sharing), not each.from_name)):
        if mount.id not in found:
            seed = copying.source_layers(stage, expanded, mount) if mount.from_name else ()
            view = stage.build.workspace.directory_for("seed") if seed else None
            found[mount.id] = undo.enter_context(CacheMounts(stage.build.roots).use(mount, seed, view))
    return found


def _mount(stage, expanded, mount, caches):
    from . import run_mounts

    kind = mount.type
    target = posixpath.normpath(posixpath.join(stage.workdir, mount.target)) if mount.target else ""
    if kind == "tmpfs":
        return run_mounts.Tmpfs(target, mount.size)
    if kind == "bind":
        return run_mounts.Bind(target, tuple(copying.source_layers(stage, expanded, mount)), mount.source, mount.read_only)
    if kind == "cache":
        return run_mounts.Cache(target, caches[mount.id], "" if mount.from_name else mount.source, mount.read_only)
    if kind == "secret":
        data = stage.build.settings.secrets.get(mount.id)
        if data is None:
            if mount.required:
                raise expanded.error("secret %s is required and was not given" % mount.id, "--mount", "give it with secrets")
            return None
        return run_mounts.Secret(target, data, mount.mode, mount.uid or 0, mount.gid or 0, mount.env)
    socket = stage.build.settings.ssh.get(mount.id)
    if socket is None:
        if mount.required:
            raise expanded.error("ssh agent %s is required and was not given" % mount.id, "--mount", "give its socket with ssh")
        return None
    return run_mounts.Ssh(target, socket, mount.mode, mount.uid or 0, mount.gid or 0)
