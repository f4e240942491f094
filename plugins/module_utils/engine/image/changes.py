# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to an image's defaults by options (``cmd``, ``env`` ...); those by lines of a Dockerfile are in build/lines.py."""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import Optional, Tuple

from ..errors import InvalidValue

_UNITS = {"ns": 1, "us": 1000, "\u00b5s": 1000, "ms": 1000000, "s": 1000000000, "m": 60000000000, "h": 3600000000000}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h)")
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_TIMES = (("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod"), ("start_interval", "StartInterval"))
# numbers and names of signals on any Linux
_NAMES = ("HUP|INT|QUIT|ILL|TRAP|ABRT|IOT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|"
          "XFSZ|VTALRM|PROF|WINCH|IO|POLL|PWR|SYS|RTMIN(?:\\+[0-9]{1,2})?|RTMAX(?:-[0-9]{1,2})?")
_SIGNAL = re.compile("[1-9]|[1-5][0-9]|6[0-4]|(?:SIG)?(?:%s)" % _NAMES, re.IGNORECASE)
_USER = re.compile(r"([^\s:]+(:[^\s:]+)?)?")


@dataclasses.dataclass(frozen=True)
class Changes:
    """What differs from the base. None leaves a value as it is; pairs and names are added to those that are there."""

    cmd: Optional[Tuple[str, ...]] = None
    entrypoint: Optional[Tuple[str, ...]] = None
    env: Tuple[Tuple[str, str], ...] = ()
    exposed_ports: Tuple[str, ...] = ()
    labels: Tuple[Tuple[str, str], ...] = ()
    workdir: Optional[str] = None
    user: Optional[str] = None
    volumes: Tuple[str, ...] = ()
    healthcheck: Optional[Tuple[Tuple[str, object], ...]] = None
    stop_signal: Optional[str] = None
    shell: Optional[Tuple[str, ...]] = None

    def __bool__(self):
        return self != Changes()

    def apply(self, config):
        """The ``config`` object (dict) of an image with these changes."""
        after = dict(config)
        if self.entrypoint is not None:
            after["Entrypoint"] = list(self.entrypoint)
            # as in a Dockerfile: the base's CMD was meant for the base's entry point
            after.pop("Cmd", None)
        for key, value in (("Cmd", self.cmd), ("Shell", self.shell)):
            if value is not None:
                after[key] = list(value)
        for key, value in (("WorkingDir", self.workdir), ("User", self.user), ("StopSignal", self.stop_signal)):
            if value is not None:
                after[key] = value
        if self.env:
            after["Env"] = _merge_env(config.get("Env") or [], self.env)
        if self.labels:
            after["Labels"] = {**(config.get("Labels") or {}), **dict(self.labels)}
        for key, names in (("ExposedPorts", self.exposed_ports), ("Volumes", self.volumes)):
            if names:
                after[key] = {**(config.get(key) or {}), **{name: {} for name in names}}
        if self.healthcheck is not None:
            after["Healthcheck"] = {key: list(value) if isinstance(value, tuple) else value for key, value in self.healthcheck}
        return after

    def to_json(self):
        """A JSON-able form, for hashes."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value not in (None, ())}


def parse(options):
    """Changes out of a module's options.

    :param options: dict with any of ``cmd entrypoint env exposed_ports labels workdir user volumes healthcheck stop_signal shell``.
    :raises InvalidValue: names the option.
    """
    found = {}
    for name in ("workdir", "user", "stop_signal"):
        if options.get(name) is not None:
            found[name] = options[name]
    for name, check in (("user", _check_user), ("stop_signal", _check_signal)):
        if name in found:
            check(found[name], name, found[name])
    if options.get("workdir") and not options["workdir"].startswith("/"):
        raise InvalidValue("workdir", options["workdir"], "is not an absolute path")
    for name in ("cmd", "entrypoint", "shell"):
        if options.get(name) is not None:
            found[name] = words(options[name], name)
    for name in ("env", "labels"):
        found[name] = strings(options.get(name), name)
    found["exposed_ports"] = ports(options.get("exposed_ports") or [])
    found["volumes"] = volumes(options.get("volumes") or [], "volumes")
    if options.get("healthcheck") is not None:
        found["healthcheck"] = healthcheck(options["healthcheck"])
    return _frozen(found)


def _frozen(found):
    values = {}
    for name, value in found.items():
        if name in ("env", "labels"):
            values[name] = tuple(sorted(value.items())) if name == "labels" else tuple(value.items())
        elif name in ("exposed_ports", "volumes"):
            values[name] = tuple(sorted(set(value)))
        elif name == "healthcheck":
            values[name] = tuple(sorted((key, tuple(each) if isinstance(each, list) else each) for key, each in value.items()))
        elif isinstance(value, list):
            values[name] = tuple(value)
        else:
            values[name] = value
    return Changes(**values)


def _merge_env(old, pairs):
    new = dict(pairs)
    merged = []
    for item in old:
        name = item.partition("=")[0]
        merged.append("%s=%s" % (name, new.pop(name)) if name in new else item)
    return merged + ["%s=%s" % (name, value) for name, value in pairs if name in new]


def words(value, option):
    """A command as a list of words; a string is split as a shell would."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise InvalidValue(option, value, "cannot be split into words: %s" % error, "give a list") from None
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, (str, int)) and not isinstance(each, bool) for each in value):
        raise InvalidValue(option, value, "is neither a string nor a list of strings")
    return [str(each) for each in value]


def strings(value, option):
    """A dict of strings; numbers become strings, truth values must be quoted because YAML has several spellings of them."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(option, value, "is not a dictionary")
    found = {}
    for key, each in value.items():
        if isinstance(each, (bool, dict, list)) or each is None:
            raise InvalidValue(option, {key: each}, "is not a string", "quote the value")
        if not str(key) or (option == "env" and "=" in str(key)):
            raise InvalidValue(option, key, "is not a name")
        found[str(key)] = str(each)
    return found


def ports(values, option="exposed_ports"):
    """``80``, ``80/udp`` or ``8000-8002/tcp`` as a list of ``PORT/PROTOCOL``."""
    found = []
    for value in values:
        match = _PORT.fullmatch(str(value))
        first = int(match.group(1)) if match else 0
        last = int(match.group(2) or first) if match else 0
        if not 1 <= first <= last <= 65535:
            raise InvalidValue(option, value, "is not a port", "write it as PORT, FIRST-LAST or PORT/udp")
        found += ["%d/%s" % (number, (match.group(3) or "tcp").lower()) for number in range(first, last + 1)]
    return found


def volumes(values, option):
    """Absolute paths."""
    for value in values:
        if not isinstance(value, str) or not value.startswith("/"):
            raise InvalidValue(option, value, "is not an absolute path", "an image declares only the path inside the container")
        if not value.strip("/."):
            raise InvalidValue(option, value, "is the whole file system", "name a directory below it")
    return list(values)


def duration(value, option):
    """``1m30s``, ``500ms`` or seconds as a number, in nanoseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value * 1000000000)
    text = str(value)
    if text.isdigit():
        return int(text) * 1000000000
    position, total = 0, 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            break
        total += int(float(match.group(1)) * _UNITS[match.group(2)])
        position = match.end()
    if not text or position < len(text):
        raise InvalidValue(option, value, "is not a duration", "write it as 30s, 1m30s or 500ms")
    return total


def healthcheck(value):
    """The Healthcheck object (dict) of an option like docker_container's."""
    if not isinstance(value, dict):
        raise InvalidValue("healthcheck", value, "is not a dictionary")
    found = {}
    test = value.get("test")
    if test is not None:
        if isinstance(test, str):
            test = ["NONE"] if test == "NONE" else ["CMD-SHELL", test]
        test = [str(each) for each in test]
        if not test or test[0] not in ("NONE", "CMD", "CMD-SHELL"):
            test = ["CMD"] + test
        found["Test"] = test
    for name, key in _TIMES:
        if value.get(name) is not None:
            found[key] = duration(value[name], "healthcheck." + name)
    if value.get("retries") is not None:
        found["Retries"] = _retries(value["retries"])
    return found


def _retries(value):
    if not str(value).isdigit():
        raise InvalidValue("healthcheck.retries", value, "is not a number of failed checks", "give a number such as 3")
    return int(value)


def is_signal(text):
    """Whether a name or number can be a signal; an image may say what only its own system knows."""
    return _SIGNAL.fullmatch(text) is not None


def _check_signal(text, option, value):
    if not is_signal(text):
        raise InvalidValue(option, value, "is no signal", "use a name such as SIGTERM or a number from 1 to 64")


def _check_user(text, option, value):
    if not _USER.fullmatch(text):
        raise InvalidValue(option, value, "is not a user", "write it as USER, USER:GROUP, UID or UID:GID")
