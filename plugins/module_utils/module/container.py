# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container: parameters -> Desired -> Plan."""

from __future__ import annotations

import re

from ..engine.errors import InvalidValue
from ..engine.reconcile import container as reconcile
from ..engine.runtime.container import SHORTEST_CLEAR_ID, ContainerStore
from ..engine.spec.container import ContainerSpec
from . import container_isolation as isolation
from . import container_limits as limits
from . import container_networks as networks
from . import container_process as process
from .argspec import REGISTRY
from .container_arguments import ARGUMENTS, SHAPE
from .run import Outcome

__all__ = ("ARGUMENTS", "handle")

LOCK_SECONDS = 300
LONGEST_NAME = 200

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{64}\Z")


def handle(params, roots, check_mode):
    """See run.run. The container's lock is held from the first look to the last action; waiting for health is done without it."""
    wanted = desired(params)
    lock = roots.lock("container-" + wanted.name, LOCK_SECONDS)
    if not check_mode:
        lock.__enter__()
    try:
        if not check_mode and ContainerStore(roots).has_rubbish():
            _sweep(roots)
        observed = reconcile.observe(roots, wanted)
        plan = reconcile.plan(wanted, observed)
        if plan and wanted.spec is not None:
            from .container_conditions import check

            check(roots, wanted.spec, observed, plan, check_mode)
    except BaseException:
        lock.close()
        raise

    def result():
        if not check_mode and wanted.state == "healthy":
            from ..engine.reconcile.container_actions import wait_healthy

            wait_healthy(roots, wanted.name, params["healthy_wait_timeout"])
        return {"container": _inspect(roots, wanted.name)}

    return Outcome(result, plan, close=lock.close)


def _sweep(roots):
    from ..engine.runtime import delete

    delete.sweep(roots)


def _inspect(roots, name):
    from ..engine.runtime.inspect import inspect

    container = ContainerStore(roots).find(name, shortest=SHORTEST_CLEAR_ID)
    return None if container is None else inspect(container)


def desired(params):
    """The Desired of a task's parameters.

    :raises InvalidValue: naming option and value.
    """
    name = params["name"].lstrip("/")
    if not _NAME.match(name):
        raise InvalidValue("name", params["name"], "is not a container name",
                           "use letters, digits, _, . and -, beginning with a letter or digit")
    if len(name) > LONGEST_NAME:
        raise InvalidValue("name", params["name"], "is longer than %d letters" % LONGEST_NAME)
    spec = None
    if params["state"] != "absent":
        spec = spec_of(name, params)
    ignore, subset = _comparisons(params["comparisons"])
    process.stop_timeout(params["stop_timeout"])
    if params["kill_signal"] is not None:
        from ..engine.runtime.kill import signal_number

        signal_number(params["kill_signal"], "kill_signal")
    return reconcile.Desired(
        name=name, spec=spec, state=params["state"], paused=params["paused"], restart=params["restart"], recreate=params["recreate"],
        pull=params["pull"], registry=_registry(params), ignore=ignore, subset=subset, image_name_mismatch=params["image_name_mismatch"],
        stop_timeout=params["stop_timeout"], force_kill=params["force_kill"], kill_signal=params["kill_signal"],
        keep_volumes=params["keep_volumes"])


def _comparisons(values):
    if not values:
        return (), ()
    from .container_comparisons import comparisons

    return comparisons(values)


class _Registry:
    """The registry options, turned into the client's own only when something is pulled."""

    def __init__(self, values):
        self.values = values

    def __call__(self):
        from ..engine.image.transport import RegistryOptions

        return RegistryOptions(**self.values)


def _registry(params):
    return _Registry({key: params[key] for key in REGISTRY})


def spec_of(name, params):
    """The ContainerSpec, or None where the task gives no image and nothing else that shapes a container."""
    if params["image"] is None:
        for option in SHAPE:
            if params[option] not in (None, False):
                raise InvalidValue("image", None, "is needed when %s is given" % option,
                                   "a container is compared as a whole: give image and all of its options")
        return None
    return ContainerSpec(name=name, image=_reference(params["image"]), read_only=params["read_only"], auto_remove=params["auto_remove"],
                         mounts=_mounts(params), **_process(params), **_network(params), **_isolation(params), **_limits(params))


def _process(params):
    return {
        "command": process.command(params["command"], "command"),
        "entrypoint": process.command(params["entrypoint"], "entrypoint"),
        "env": process.environment(params),
        "labels": process.strings(params["labels"], "labels"),
        "user": params["user"],
        "groups": tuple(str(each) for each in params["groups"] or ()),
        "working_dir": process.working_dir(params["working_dir"]),
        "tty": params["tty"],
        "interactive": params["interactive"],
        "restart_policy": process.restart_policy(params),
        "healthcheck": _healthcheck(params["healthcheck"]),
        "stop_signal": process.stop_signal(params["stop_signal"]),
        "stop_timeout": process.stop_timeout(params["stop_timeout"]),
        "logging": process.logging(params),
    }


def _network(params):
    mode, attachments = networks.networks(params)
    return {
        "network_mode": mode,
        "networks": attachments,
        "ports": networks.published(params["published_ports"], mode),
        "exposed_ports": networks.exposed(params["exposed_ports"]),
        "hostname": networks.hostname(params["hostname"], "hostname"),
        "domainname": networks.hostname(params["domainname"], "domainname"),
        "etc_hosts": networks.etc_hosts(process.strings(params["etc_hosts"], "etc_hosts")),
        "dns_servers": networks.dns_servers(params["dns_servers"]),
        "dns_search_domains": networks.words(params["dns_search_domains"], "dns_search_domains"),
        "dns_opts": networks.words(params["dns_opts"], "dns_opts"),
    }


def _isolation(params):
    return {
        "privileged": params["privileged"],
        "capabilities": isolation.capabilities(params["capabilities"], "capabilities"),
        "cap_drop": isolation.capabilities(params["cap_drop"], "cap_drop"),
        "security_opts": isolation.security_opts(params["security_opts"]),
        "devices": tuple(isolation.device(each) for each in params["devices"] or ()),
        "sysctls": process.strings(params["sysctls"], "sysctls"),
        "pid_mode": isolation.host_mode(params, "pid_mode"),
        "ipc_mode": isolation.host_mode(params, "ipc_mode", ("private", "shareable")),
        "uts": isolation.host_mode(params, "uts"),
        "cgroupns_mode": isolation.host_mode(params, "cgroupns_mode"),
    }


def _limits(params):
    return {
        "ulimits": limits.ulimits(params["ulimits"]),
        "shm_size": limits.shm_size(params["shm_size"]),
        "resources": limits.resources(params),
        "oom_score_adj": limits.oom_score_adj(params["oom_score_adj"]),
    }


def _healthcheck(value):
    if value is None:
        return None
    from .container_health import healthcheck

    return healthcheck(value)


def _reference(text):
    from ..engine.spec.reference import Reference

    if _IMAGE_ID.match(text):
        return text if text.startswith("sha256:") else "sha256:" + text
    return Reference.parse(text, "image").canonical


def _mounts(params):
    from ..engine.spec.volume import parse_mounts

    return parse_mounts(params["volumes"] or (), params["mounts"] or (), params["tmpfs"] or ())
