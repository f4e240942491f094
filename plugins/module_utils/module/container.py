# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container: parameters -> Desired -> Plan."""

from __future__ import annotations

import os
import posixpath
import re

from ..engine.errors import InvalidValue, Unsupported
from ..engine.reconcile import container as reconcile
from ..engine.runtime.container import ContainerStore
from ..engine.spec.container import Attachment, ContainerSpec, DeviceMapping, Healthcheck, Logging, RestartPolicy
from ..engine.spec.resources import Resources, parse_cpus, parse_cpuset, parse_memory, parse_pids, swap_max_from_docker
from ..engine.spec.runtime import Rlimit
from .argspec import REGISTRY
from .container_arguments import ARGUMENTS, COMPARABLE, SHAPE
from .run import Outcome

__all__ = ("ARGUMENTS", "handle")

LOCK_SECONDS = 300

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_ENV_NAME = re.compile(r"[^=\0]+\Z")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?(?:(\d+(?:\.\d+)?)us)?\Z")


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
        _check_before(roots, wanted, observed, plan, check_mode)
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

    container = ContainerStore(roots).find(name)
    return None if container is None else inspect(container)


def _check_before(roots, wanted, observed, plan, check_mode):
    """What would fail half way is refused first, so that the old container is still there then."""
    if wanted.spec is None or wanted.state == "absent" or not plan:
        return
    spec = wanted.spec
    if not check_mode and (not observed.exists or spec.networks != observed.record.spec.networks):
        # in check mode a task before this one would have made it
        from ..engine.net.store import NetworkStore

        for attachment in spec.networks:
            if attachment.name != "bridge":
                NetworkStore(roots).require(attachment.name)
    if spec.ports and spec.network_mode == "bridge" and (not observed.exists or spec.ports != observed.record.spec.ports):
        from ..engine.net import ports

        ports.check_free(roots, spec.ports, observed.record.id if observed.exists else None)
    _check_limits(roots, spec)


def _check_limits(roots, spec):
    from ..engine.cgroup.manager import open_manager

    missing = open_manager(roots, "check").unsupported(spec.resources)
    # swap that only follows from a memory limit is no wish of anybody
    missing = [name for name in missing if name != "memory_swap_max"]
    if missing:
        raise Unsupported("%s: this host's kernel cannot limit it (no such control group file)" % ", ".join(missing), "leave the option out, or enable the controller")


def desired(params):
    """The Desired of a task's parameters.

    :raises InvalidValue: naming option and value.
    """
    name = params["name"].lstrip("/")
    if not _NAME.match(name):
        raise InvalidValue("name", params["name"], "is not a container name", "use letters, digits, _, . and -, beginning with a letter or digit")
    spec = None
    if params["state"] != "absent":
        spec = spec_of(name, params)
    ignore, subset = _comparisons(params["comparisons"] or {})
    return reconcile.Desired(
        name=name, spec=spec, state=params["state"], paused=params["paused"], restart=params["restart"], recreate=params["recreate"],
        pull=params["pull"], registry=_registry(params), ignore=ignore, subset=subset, image_name_mismatch=params["image_name_mismatch"],
        stop_timeout=params["stop_timeout"], force_kill=params["force_kill"], kill_signal=params["kill_signal"], keep_volumes=params["keep_volumes"])


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
                raise InvalidValue("image", None, "is needed when %s is given" % option, "a container is compared as a whole: give image and all of its options")
        return None
    network_mode, networks = _networks(params)
    if params["published_ports"] and network_mode != "bridge":
        raise InvalidValue("published_ports", params["published_ports"], "cannot be published with network_mode %s" % network_mode,
                           "leave published_ports out, or use a bridge network")
    return ContainerSpec(
        name=name, image=_reference(params["image"]),
        command=_command(params["command"], "command"), entrypoint=_command(params["entrypoint"], "entrypoint"),
        env=_env(params), labels=_strings(params["labels"], "labels"),
        hostname=params["hostname"], domainname=params["domainname"], user=params["user"],
        groups=tuple(str(each) for each in params["groups"] or ()), working_dir=_working_dir(params["working_dir"]),
        mounts=_mounts(params), read_only=params["read_only"], network_mode=network_mode, networks=networks,
        ports=_ports(params["published_ports"]), exposed_ports=_exposed(params["exposed_ports"]),
        etc_hosts=_strings(params["etc_hosts"], "etc_hosts"), dns_servers=tuple(params["dns_servers"] or ()),
        dns_search_domains=tuple(params["dns_search_domains"] or ()), dns_opts=tuple(params["dns_opts"] or ()),
        restart_policy=_restart_policy(params), healthcheck=_healthcheck(params["healthcheck"]),
        privileged=params["privileged"], capabilities=_capabilities(params["capabilities"], "capabilities"),
        cap_drop=_capabilities(params["cap_drop"], "cap_drop"), security_opts=_security_opts(params["security_opts"]),
        devices=tuple(_device(each) for each in params["devices"] or ()), tty=params["tty"], interactive=params["interactive"],
        sysctls=_strings(params["sysctls"], "sysctls"), ulimits=_ulimits(params["ulimits"]),
        shm_size=parse_memory(params["shm_size"], "shm_size") or 64 << 20, resources=_resources(params), oom_score_adj=_oom_score_adj(params),
        stop_signal=_stop_signal(params["stop_signal"]), stop_timeout=10 if params["stop_timeout"] is None else params["stop_timeout"],
        pid_mode=_host_mode(params, "pid_mode"), ipc_mode=_ipc_mode(params["ipc_mode"]), uts=_host_mode(params, "uts"),
        cgroupns_mode=None if params["cgroupns_mode"] == "private" else params["cgroupns_mode"],
        logging=_logging(params), auto_remove=params["auto_remove"])


def _reference(text):
    from ..engine.spec.reference import Reference

    if re.match(r"(sha256:)?[0-9a-f]{64}\Z", text):
        return text if text.startswith("sha256:") else "sha256:" + text
    return Reference.parse(text, "image").canonical


def _command(value, option):
    if value is None:
        return None
    if isinstance(value, str):
        import shlex

        try:
            value = shlex.split(value)
        except ValueError as error:
            raise InvalidValue(option, value, "cannot be split into words: %s" % str(error).lower(), "close the quote, or give a list") from None
    if isinstance(value, dict) or not isinstance(value, (list, tuple)):
        raise InvalidValue(option, value, "is neither a string nor a list of strings")
    return tuple(str(each) for each in value) or None


def _strings(values, option):
    answer = {}
    for key, value in (values or {}).items():
        if not isinstance(value, str):
            # 8080 and true are YAML's numbers and booleans: what the container would see is a guess
            if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
                raise InvalidValue(option, {key: value}, "is not a string", 'quote the value: %s: "%s"' % (key, value))
            value = str(value)
        answer[str(key)] = value
    return dict(sorted(answer.items()))


def _env(params):
    values = {}
    if params["env_file"]:
        values.update(_env_file(params["env_file"]))
    values.update(_strings(params["env"], "env"))
    for key in values:
        if not _ENV_NAME.match(key):
            raise InvalidValue("env", key, "is not the name of an environment variable")
    return dict(sorted(values.items()))


def _env_file(path):
    values = {}
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except OSError as error:
        raise InvalidValue("env_file", path, "cannot be read on the host: %s" % error.strerror.lower()) from error
    for line in lines:
        line = line.lstrip()
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            if equals:
                values[key] = value
            elif key in os.environ:
                values[key] = os.environ[key]
    return values


def _working_dir(path):
    if path is not None and not path.startswith("/"):
        raise InvalidValue("working_dir", path, "is not an absolute path")
    return path if path is None else posixpath.normpath(path)


def _mounts(params):
    from ..engine.spec.volume import parse_mounts

    return parse_mounts(params["volumes"] or (), params["mounts"] or (), params["tmpfs"] or ())


def _networks(params):
    """(network_mode, attachments): a mode that is a network's name is that network."""
    mode = params["network_mode"]
    listed = tuple(_attachment(each) for each in params["networks"] or ())
    if mode in ("host", "none") or (mode or "").startswith("container:"):
        if listed:
            raise InvalidValue("networks", [each.name for each in listed], "cannot be joined with network_mode %s" % mode, "leave one of the two out")
        return mode, ()
    if mode and mode.startswith("ns:"):
        raise Unsupported("network_mode: %r is not supported yet" % mode, "use bridge, host, none or container:NAME")
    if mode in (None, "bridge", "default"):
        names = [each.name for each in listed]
        if len(set(names)) != len(names):
            raise InvalidValue("networks", names, "has a network twice")
        return "bridge", listed
    if any(each.name == mode for each in listed):
        return "bridge", tuple(sorted(listed, key=lambda each: each.name != mode))
    return "bridge", (Attachment(mode),) + listed


def _attachment(entry):
    mac = entry["mac_address"]
    return Attachment(name=entry["name"], aliases=tuple(sorted(set(entry["aliases"] or ()))), ipv4_address=_address(entry["ipv4_address"], 4),
                      ipv6_address=_address(entry["ipv6_address"], 6), mac_address=mac.lower().replace("-", ":") if mac else None)


def _address(text, version):
    if not text:
        return None
    import ipaddress

    try:
        return str((ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(text))
    except ValueError:
        raise InvalidValue("networks.ipv%d_address" % version, text, "is not an IPv%d address" % version) from None


def _ports(values):
    if not values:
        return ()
    from ..engine.net.ports import parse_ports

    return parse_ports(values)


def _exposed(values):
    answer = set()
    for value in values or ():
        port, slash, protocol = str(value).partition("/")
        first, dash, last = port.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()) or (protocol or "tcp") not in ("tcp", "udp", "sctp") or not 0 < int(first) <= 65535:
            raise InvalidValue("exposed_ports", value, "is not a port", "write it as 80, 53/udp or 8000-8010")
        answer.update("%d/%s" % (number, protocol or "tcp") for number in range(int(first), int(last or first) + 1))
    return tuple(sorted(answer))


def _restart_policy(params):
    name, retries = params["restart_policy"], params["restart_retries"] or 0
    if retries < 0 or (retries and name != "on-failure"):
        raise InvalidValue("restart_retries", retries, "counts for restart_policy on-failure only")
    return RestartPolicy(name, retries)


def _healthcheck(value):
    if value is None:
        return None
    test = value["test"]
    if test is None:
        raise InvalidValue("healthcheck.test", None, "is needed", 'write ["CMD", "program", "argument"], a shell line, or ["NONE"]')
    if isinstance(test, str):
        test = ("NONE",) if test == "NONE" else ("CMD-SHELL", test)
    test = tuple(str(each) for each in test)
    if not test or test[0] not in ("NONE", "CMD", "CMD-SHELL") or (test[0] == "CMD-SHELL" and len(test) != 2) or (test[0] == "CMD" and len(test) < 2):
        raise InvalidValue("healthcheck.test", list(test), "is not a test", 'write ["CMD", "program", "argument"], ["CMD-SHELL", "line"] or ["NONE"]')
    times = {key: duration(value[key], "healthcheck." + key) for key in ("interval", "timeout", "start_period", "start_interval") if value[key] is not None}
    retries = value["retries"]
    if retries is not None and retries < 1:
        raise InvalidValue("healthcheck.retries", retries, "is less than 1")
    for key in ("interval", "timeout", "start_interval"):
        if times.get(key) == 0:
            del times[key]
    return Healthcheck(test=test, retries=3 if retries is None else retries, **times)


def duration(text, option):
    """``1m30s``, ``500ms``, ``10`` (seconds) -> seconds as float."""
    value = str(text).strip()
    if re.match(r"\d+(\.\d+)?\Z", value):
        return float(value)
    match = _DURATION.match(value)
    if not value or match is None:
        raise InvalidValue(option, text, "is not a time", "write it as 30s, 1m30s or 500ms")
    return sum(float(part) * factor for part, factor in zip(match.groups(), (3600, 60, 1, 1e-3, 1e-6)) if part)


def _capabilities(names, option):
    if not names:
        return ()
    from ..engine.security.capabilities import normalise

    return tuple(sorted({normalise(name, option) for name in names}))


def _security_opts(values):
    from ..engine.security import seccomp_profile

    for value in values or ():
        key, unused_sep, rest = value.replace("=", ":", 1).partition(":")
        if key == "seccomp":
            seccomp_profile.load_profile(rest)
        elif key == "no-new-privileges" and rest in ("", "true", "false"):
            continue
        elif (key, rest) not in (("apparmor", "unconfined"), ("label", "disable")):
            raise Unsupported("security_opts: %r is not supported yet" % value, "use no-new-privileges, seccomp=unconfined or seccomp=/path/of/a/profile.json")
    return tuple(sorted(values or ()))


def _device(text):
    parts = str(text).split(":")
    if not 1 <= len(parts) <= 3 or not parts[0].startswith("/"):
        raise InvalidValue("devices", text, "is not a device", "write it as /dev/fuse or /dev/sda:/dev/xvda:rwm")
    permissions = parts[2] if len(parts) == 3 else "rwm"
    if not permissions or set(permissions) - set("rwm"):
        raise InvalidValue("devices", text, "has permissions other than r, w and m")
    return DeviceMapping(parts[0], parts[1] if len(parts) > 1 else parts[0], permissions)


def _ulimits(values):
    if not values:
        return ()
    from ..engine.security.rlimits import parse_ulimits

    return tuple(Rlimit(each.type, each.soft, each.hard) for each in parse_ulimits(values))


def _resources(params):
    cpus = parse_cpus(params["cpus"])
    if cpus is not None and (params["cpu_quota"] or params["cpu_period"]):
        raise InvalidValue("cpus", params["cpus"], "says the same as cpu_quota and cpu_period", "give one of the two")
    quota, period = cpus if cpus is not None else (params["cpu_quota"] or None, params["cpu_period"] or None)
    if quota is not None and period is None:
        period = 100000
    for option, value, least, most in (("cpu_quota", quota, 1000, 1 << 44), ("cpu_period", period, 1000, 1000000), ("cpu_shares", params["cpu_shares"], 2, 262144),
                                       ("blkio_weight", params["blkio_weight"], 10, 1000)):
        if value is not None and value != -1 and not least <= value <= most:
            raise InvalidValue(option, value, "is not between %d and %d" % (least, most))
    memory = parse_memory(params["memory"])
    if memory is not None and 0 < memory < 6 << 20:
        raise InvalidValue("memory", params["memory"], "is less than a container needs", "the least is 6m")
    swap = swap_max_from_docker(memory, parse_memory(params["memory_swap"], "memory_swap"))
    weight = params["blkio_weight"]
    if weight is not None:
        from ..engine.spec.resources import io_weight_from_blkio

        weight = io_weight_from_blkio(weight)
    return Resources(
        cpu_max_quota=quota, cpu_period=period, cpu_shares=params["cpu_shares"] or None, cpuset_cpus=parse_cpuset(params["cpuset_cpus"], "cpuset_cpus"),
        cpuset_mems=parse_cpuset(params["cpuset_mems"], "cpuset_mems"), memory_max=memory or None,
        memory_low=parse_memory(params["memory_reservation"], "memory_reservation") or None, memory_swap_max=swap, pids_max=parse_pids(params["pids_limit"]),
        io_weight=weight)


def _oom_score_adj(params):
    value = params["oom_score_adj"]
    if value is not None and not -1000 <= value <= 1000:
        raise InvalidValue("oom_score_adj", value, "is not between -1000 and 1000")
    return value


def _stop_signal(value):
    if value is not None:
        from ..engine.runtime.kill import signal_number

        signal_number(value)
    return value


def _host_mode(params, option):
    value = params[option]
    if value in (None, "", "private"):
        return None
    if value != "host":
        raise Unsupported("%s: %r is not supported yet" % (option, value), "use host, or leave it out")
    return value


def _ipc_mode(value):
    if value in (None, "", "private", "shareable"):
        return None
    if value != "host":
        raise Unsupported("ipc_mode: %r is not supported yet" % value, "use private or host")
    return value


def _logging(params):
    options = dict(params["log_options"] or {})
    values = {"driver": params["log_driver"]}
    if "max-size" in options:
        values["max_size"] = parse_memory(options.pop("max-size"), "log_options.max-size")
    if "max-file" in options:
        text = str(options.pop("max-file"))
        if not text.isdigit() or not 1 <= int(text) <= 1000:
            raise InvalidValue("log_options.max-file", text, "is not a number of files from 1 to 1000")
        values["max_file"] = int(text)
    if options:
        raise InvalidValue("log_options", sorted(options)[0], "is not an option of log driver %s" % params["log_driver"], "it takes max-size and max-file")
    return Logging(**values)


def _comparisons(values):
    """(fields to ignore, fields in which more may be there) of docker_container's ``comparisons``."""
    ignore, subset = set(), set()
    everything = values.get("*")
    if everything not in (None, "ignore", "strict"):
        raise InvalidValue("comparisons", {"*": everything}, "is not possible for all options", "use ignore or strict")
    if everything == "ignore":
        ignore.update(COMPARABLE.values())
    for option, how in values.items():
        if option == "*":
            continue
        if option not in COMPARABLE:
            raise InvalidValue("comparisons", option, "is not an option that is compared", "one of %s" % ", ".join(sorted(COMPARABLE)))
        if how not in ("ignore", "strict", "allow_more_present"):
            raise InvalidValue("comparisons", {option: how}, "is not a way to compare", "use strict, ignore or allow_more_present")
        field = COMPARABLE[option]
        ignore.discard(field)
        if how == "ignore":
            ignore.add(field)
        elif how == "allow_more_present":
            subset.add(field)
    return tuple(sorted(ignore)), tuple(sorted(subset))
