# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a request goes through, by the environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case of letters.

The rules of NO_PROXY are those of Go's programs (docker, podman), which people's values are written for: names with their subdomains,
addresses, networks (10.0.0.0/8), each with a port if need be, and ``*``. Loopback addresses are never asked for through a proxy.
"""

from __future__ import annotations

import base64
import dataclasses
import os
from typing import Optional

from ..errors import InvalidValue

_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class Proxy:
    """``authorization``: value of the Proxy-Authorization header, if the address has an account."""

    scheme: str
    host: str
    port: int
    authorization: Optional[str] = dataclasses.field(default=None, repr=False)

    def __str__(self):
        return "%s:%d" % (self.host, self.port)


def proxy_for(scheme, name, port, environ=None):
    """The :class:`Proxy` for requests to a host, or None.

    :param scheme: ``http`` or ``https``. :param name: host name or address, without brackets.
    :raises InvalidValue: the variable holds no address of an HTTP proxy.
    """
    environ = os.environ if environ is None else environ
    option = scheme + "_proxy"
    if not environ.get(option):
        option = option.upper()
    address = environ.get(option)
    if not address or is_loopback_name(name):
        return None
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if any(_excepts(exception, name, port) for exception in exceptions.replace(",", " ").split()):
        return None
    return _parse(option, address)


def is_loopback_name(name):
    """Whether a host's name or address is this machine."""
    if name.startswith("127."):
        return name.replace(".", "").isdigit()
    return name in ("localhost", "::1") or name.endswith(".localhost")


def _excepts(exception, name, port):
    if exception == "*":
        return True
    network = _network(exception)
    if network is not None:
        address = _network(name)
        return address is not None and address.version == network.version and address.subnet_of(network)
    host, colon, number = exception.rpartition(":")
    if colon and number.isdigit() and (":" not in host or host.startswith("[")):
        if int(number) != port:
            return False
        exception = host
    exception = exception.strip("[]").lower()
    suffix = exception.lstrip("*").lstrip(".")
    if not suffix:
        return False
    name = name.lower().rstrip(".")
    # ".example.com" and "*.example.com" mean what is below only
    return name.endswith("." + suffix) or (name == suffix and exception == suffix)


def _network(text):
    import ipaddress

    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _parse(option, address):
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(address if "://" in address else "http://" + address)
        port = parts.port
    except ValueError:
        parts = port = None
    shown = address.rpartition("@")[2]
    if parts is None or not parts.hostname:
        raise InvalidValue(option, shown, "in the environment is not the address of a proxy", "write it as http://proxy.example.com:3128")
    if parts.scheme not in _PORTS:
        raise InvalidValue(option, shown, "in the environment is a proxy of a kind that is not known", "give an HTTP proxy")
    authorization = None
    if parts.username is not None:
        account = "%s:%s" % (unquote(parts.username), unquote(parts.password or ""))
        authorization = "Basic " + base64.b64encode(account.encode()).decode()
    return Proxy(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], authorization)
