# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a seccomp profile (the default, Docker's format or OCI's) to the OCI form that holds for one container on this machine."""

from __future__ import annotations

import json
import os

from ..errors import InvalidValue
from . import seccomp_default

# Docker's format names architectures as Go does
_GO_MACHINES = {
    "x86_64": ("amd64", "x32", "x86", "386"), "aarch64": ("arm64", "arm"), "s390x": ("s390x", "s390"), "ppc64le": ("ppc64le",),
    "riscv64": ("riscv64",), "loongarch64": ("loong64",),
}
OPERATORS = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")


def load_profile(text, option="security_opts"):
    """``default``, ``unconfined`` or the path of a JSON file on this host -> what resolve() takes.

    :raises InvalidValue: the file cannot be read or is not a profile.
    """
    if text in ("default", "builtin", "unconfined", "", None):
        return "unconfined" if text == "unconfined" else "default"
    try:
        with open(text, "rb") as stream:
            profile = json.load(stream)
    except (OSError, ValueError) as error:
        raise InvalidValue(option, text, "is not a readable seccomp profile: %s" % error,
                           "give default, unconfined or the path of a JSON file") from error
    check(profile, option)
    return profile


def check(profile, option="security_opts"):
    """Refuse what is not a profile, before anything is made."""
    if not isinstance(profile, dict) or not isinstance(profile.get("defaultAction"), str):
        raise InvalidValue(option, "seccomp", "is a profile without defaultAction", "see the format of Docker's or OCI's seccomp profiles")
    for rule in profile.get("syscalls") or ():
        if not isinstance(rule, dict) or not isinstance(rule.get("action"), str) or not (rule.get("names") or rule.get("name")):
            raise InvalidValue(option, "seccomp", "has a rule without names or action: %s" % json.dumps(rule)[:200])
        for argument in rule.get("args") or ():
            if str(argument.get("op", "")).replace("SCMP_CMP_", "") not in OPERATORS or not 0 <= int(argument.get("index", -1)) <= 5:
                raise InvalidValue(option, "seccomp", "has a comparison that is not one: %s" % json.dumps(argument)[:200])


def resolve(profile, capabilities, machine=None, kernel=None):
    """The rules that hold for a container with these capabilities, in the OCI form (``linux.seccomp`` of config.json).

    :param profile: ``default``, ``unconfined``, or a dict in Docker's or OCI's form.
    :param capabilities: set of full names.
    :returns: dict, or None for ``unconfined``.
    """
    machine = machine or os.uname().machine
    if profile == "unconfined":
        return None
    if profile in ("default", None):
        return _default(frozenset(capabilities), machine)
    check(profile)
    kernel = kernel or os.uname().release
    resolved = {"defaultAction": profile["defaultAction"]}
    if profile.get("defaultErrnoRet") is not None:
        resolved["defaultErrnoRet"] = profile["defaultErrnoRet"]
    resolved["architectures"] = _architectures(profile, machine)
    resolved["syscalls"] = [_rule(rule) for rule in profile.get("syscalls") or () if _holds(rule, frozenset(capabilities), machine, kernel)]
    return resolved


def _default(capabilities, machine):
    def allow(names, *arguments):
        rule = {"names": list(names), "action": "SCMP_ACT_ALLOW"}
        if arguments:
            rule["args"] = [{"index": index, "value": value, "valueTwo": second, "op": "SCMP_CMP_" + operator.upper()}
                            for index, operator, value, second in arguments]
        return rule

    rules = [allow(seccomp_default.ALWAYS)]
    rules += [allow(("socket",), (0, "masked_eq", mask, value)) for mask, value in seccomp_default.SOCKET_FAMILIES]
    rules += [allow(("personality",), (0, "eq", value, 0)) for value in seccomp_default.PERSONALITIES]
    for names, conditions in seccomp_default.CONDITIONAL:
        if "caps" in conditions and not capabilities.intersection(conditions["caps"]):
            continue
        if capabilities.intersection(conditions.get("without", ())):
            continue
        if ("machines" in conditions and machine not in conditions["machines"]) or machine in conditions.get("not_machines", ()):
            continue
        rule = allow(names, *conditions.get("args", ()))
        if "errno" in conditions:
            rule.update(action="SCMP_ACT_ERRNO", errnoRet=conditions["errno"])
        rules.append(rule)
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": list(seccomp_default.ARCHITECTURES.get(machine, ())),
            "syscalls": rules}


def _architectures(profile, machine):
    """OCI lists them; Docker maps the native one to those that go with it."""
    native = seccomp_default.ARCHITECTURES.get(machine, ())
    for entry in profile.get("archMap") or ():
        if native and entry.get("architecture") == native[0]:
            return [native[0]] + list(entry.get("subArchitectures") or ())
    return list(profile.get("architectures") or native[:1])


def _rule(rule):
    resolved = {"names": list(rule.get("names") or [rule.get("name")]), "action": rule["action"]}
    if rule.get("errnoRet") is not None:
        resolved["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        resolved["args"] = [{"index": int(argument["index"]), "value": int(argument.get("value", 0)),
                             "valueTwo": int(argument.get("valueTwo") or 0), "op": argument["op"]} for argument in rule["args"]]
    return resolved


def _holds(rule, capabilities, machine, kernel):
    """Docker's ``includes`` and ``excludes``."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    machines = _GO_MACHINES.get(machine, (machine,))[:1]
    if includes.get("caps") and not capabilities.issuperset(includes["caps"]):
        return False
    if includes.get("arches") and not set(machines).intersection(includes["arches"]):
        return False
    if includes.get("minKernel") and _version(kernel) < _version(includes["minKernel"]):
        return False
    if capabilities.intersection(excludes.get("caps") or ()) or set(machines).intersection(excludes.get("arches") or ()):
        return False
    return not (excludes.get("minKernel") and _version(kernel) >= _version(excludes["minKernel"]))


def _version(text):
    numbers = []
    for part in text.replace("-", ".").split(".")[:2]:
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
