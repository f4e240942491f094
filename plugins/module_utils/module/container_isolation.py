# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module container that open or close the walls of a container: capabilities, seccomp, devices, namespaces of the host."""

from __future__ import annotations

from ..engine.errors import InvalidValue, Unsupported
from ..engine.spec.container import DeviceMapping


def capabilities(names, option):
    """Sorted names in the kernel's spelling."""
    if not names:
        return ()
    from ..engine.security.capabilities import normalise

    return tuple(sorted({normalise(name, option) for name in names}))


def security_opts(values):
    """Docker's ``security_opt``, sorted; what this engine cannot keep is refused."""
    if not values:
        return ()
    from ..engine.security import seccomp_profile

    for value in values:
        key, unused_sep, rest = value.replace("=", ":", 1).partition(":")
        if key == "seccomp":
            seccomp_profile.load_profile(rest)
        elif key == "no-new-privileges" and rest in ("", "true", "false"):
            continue
        elif (key, rest) not in (("apparmor", "unconfined"), ("label", "disable")):
            raise Unsupported("security_opts: %r is not supported yet" % value,
                              "use no-new-privileges, seccomp=unconfined or seccomp=/path/of/a/profile.json")
    return tuple(sorted(values))


def device(text):
    """``/dev/sda:/dev/xvda:rwm`` -> DeviceMapping."""
    parts = str(text).split(":")
    if not 1 <= len(parts) <= 3 or not all(path.startswith("/") for path in parts[:2]):
        raise InvalidValue("devices", text, "is not a device", "write it as /dev/fuse or /dev/sda:/dev/xvda:rwm")
    permissions = parts[2] if len(parts) == 3 else "rwm"
    if not permissions or set(permissions) - set("rwm"):
        raise InvalidValue("devices", text, "has permissions other than r, w and m")
    return DeviceMapping(parts[0], parts[1] if len(parts) > 1 else parts[0], permissions)


def host_mode(params, option, own=("private",)):
    """None for a namespace of the container's own, or ``host``.

    :param own: the words that mean the container's own.
    """
    value = params[option]
    if not value or value in own:
        return None
    if value != "host":
        raise Unsupported("%s: %r is not supported yet" % (option, value), "use host, or leave it out")
    return value
