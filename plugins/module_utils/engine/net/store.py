# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, endpoints and published ports on disk.

``networks/NAME.json`` is a network, ``networks/endpoints/NAME/CONTAINER.json`` a container's place (and lease) in it,
``networks/ports/CONTAINER.json`` its published ports. Every change is made under ``roots.lock("networks")``, which the callers take.
"""

from __future__ import annotations

import os

from .. import state
from ..errors import NotFound
from ..linux import netns
from ..spec.network import DEFAULT_NETWORK, NAME, Endpoint, Network, Published


class NetworkStore:
    """The records of one state root."""

    def __init__(self, roots):
        self._roots = roots
        self._endpoints = os.path.join(roots.networks, "endpoints")
        self._ports = os.path.join(roots.networks, "ports")

    # -- networks ------------------------------------------------------------------------------------------------------------------------

    def find(self, name):
        """The :class:`Network` of that name, or of that ID (at least 12 digits), or None."""
        found = self.get(name)
        if found is None and len(name) >= 12:
            found = next((network for network in self.list() if network.id.startswith(name)), None)
        return found

    def get(self, name):
        """The :class:`Network` of exactly that name, or None."""
        if not NAME.match(name):
            return None
        data = state.read_json(self._path(name))
        return None if data is None else Network.from_json(data)

    def require(self, name):
        """Like :meth:`find`, but raises NotFound."""
        network = self.find(name)
        if network is None:
            known = ", ".join(each.name for each in self.list()) or "none"
            raise NotFound("network %s does not exist" % name, "make it with module network; there are: %s" % known)
        return network

    def list(self):
        """Every network, by name."""
        names = sorted(name[:-5] for name in _listed(self._roots.networks) if name.endswith(".json") and not name.startswith("."))
        return [network for network in (self.get(name) for name in names) if network is not None]

    def save(self, network):
        state.write_json(self._path(network.name), network.to_json())

    def remove(self, name):
        """Forget a network and every endpoint in it."""
        for endpoint in _listed(os.path.join(self._endpoints, name)):
            state.remove_file(os.path.join(self._endpoints, name, endpoint))
        try:
            os.rmdir(os.path.join(self._endpoints, name))
        except FileNotFoundError:
            pass
        state.remove_file(self._path(name))

    def ensure_default(self):
        """The network ``bridge``, made on first use with a free subnet."""
        found = self.get(DEFAULT_NETWORK)
        if found is not None:
            return found
        from . import network  # pylint: disable=import-outside-toplevel

        return network.ensure_default(self._roots)

    def _path(self, name):
        return os.path.join(self._roots.networks, name + ".json")

    # -- endpoints -----------------------------------------------------------------------------------------------------------------------

    def endpoint(self, network, container_id):
        """The :class:`Endpoint` of a container in the network of that name, or None."""
        data = state.read_json(self._endpoint_path(network, container_id))
        return None if data is None else Endpoint.from_json(data)

    def endpoints(self, network):
        """Every endpoint in the network of that name, leases of stopped containers among them."""
        names = sorted(name[:-5] for name in _listed(os.path.join(self._endpoints, network)) if name.endswith(".json") and name[0] != ".")
        return [each for each in (self.endpoint(network, name) for name in names) if each is not None]

    def endpoints_of(self, container_id):
        """Every endpoint of a container, in the order of their interface names."""
        found = [self.endpoint(network, container_id) for network in _listed(self._endpoints)]
        return sorted((each for each in found if each is not None), key=lambda each: (len(each.ifname), each.ifname))

    def save_endpoint(self, endpoint):
        state.write_json(self._endpoint_path(endpoint.network, endpoint.container_id), endpoint.to_json())

    def remove_endpoint(self, endpoint):
        return state.remove_file(self._endpoint_path(endpoint.network, endpoint.container_id))

    def namespace_of(self, container_id):
        """Path of a container's pinned network namespace, or None where it has none: it does not run."""
        path = os.path.join(self._roots.netns, container_id)
        return path if netns.is_pinned(path) else None

    def _endpoint_path(self, network, container_id):
        return os.path.join(self._endpoints, network, container_id + ".json")

    # -- ports ---------------------------------------------------------------------------------------------------------------------------

    def published(self, container_id):
        """The :class:`Published` of a container, or None."""
        data = state.read_json(os.path.join(self._ports, container_id + ".json"))
        return None if data is None else Published.from_json(data)

    def all_published(self):
        """The :class:`Published` of every container that has one."""
        names = sorted(name[:-5] for name in _listed(self._ports) if name.endswith(".json") and name[0] != ".")
        return [each for each in (self.published(name) for name in names) if each is not None]

    def open_ports(self):
        """The :class:`Published` that count: of containers that run. After a reboot or a crash that is fewer than the records say."""
        return [each for each in self.all_published() if each.active and self.namespace_of(each.container_id)]

    def save_published(self, published):
        state.write_json(os.path.join(self._ports, published.container_id + ".json"), published.to_json())

    def remove_published(self, container_id):
        return state.remove_file(os.path.join(self._ports, container_id + ".json"))


def _listed(path):
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
