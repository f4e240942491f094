# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network drivers: how a network exists in the kernel, and how a container is put into it."""

from __future__ import annotations

from ..errors import InvalidValue


class Driver:
    """What every driver can do. A driver reads no records and writes none: it brings the kernel to what the given values say.

    All methods may be called again at any time, and after a kill half way through.
    """

    name = ""
    OPTIONS = ()
    """The keys of ``driver_options`` that it knows."""

    def __init__(self, roots):
        self.roots = roots

    def validate(self, network):
        """Refuse values that this driver cannot have.

        :raises InvalidValue: names the option.
        """
        for key in sorted(network.driver_options):
            if key not in self.OPTIONS:
                raise InvalidValue("driver_options", key, "is not an option of driver %s" % self.name,
                                   "known are: %s" % ", ".join(self.OPTIONS))

    def ensure(self, network):
        """Make what the network needs on the host, or repair it."""
        raise NotImplementedError

    def remove(self, network):
        """Remove it all. What is gone already is success."""
        raise NotImplementedError

    def observe(self, network):
        """list of str: what the kernel lacks; empty when all is in place. Cheap, and changes nothing."""
        raise NotImplementedError

    def attach(self, network, endpoint, netns):
        """Put the container's namespace at path ``netns`` into the network as the endpoint says."""
        raise NotImplementedError

    def detach(self, network, endpoint):
        """Take the container out of the network."""
        raise NotImplementedError

    def observe_endpoint(self, network, endpoint):
        """list of str: what the kernel lacks of the endpoint, seen from the host."""
        raise NotImplementedError


def driver_for(roots, name):
    """The :class:`Driver` of that name.

    :raises InvalidValue: there is none.
    """
    if name == "bridge":
        from . import bridge  # pylint: disable=import-outside-toplevel

        return bridge.Bridge(roots)
    raise InvalidValue("driver", name, "is not a network driver of this version", "use driver: bridge")
