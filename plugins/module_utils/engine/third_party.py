# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place with guarded imports. Each function imports when called: pyroute2 alone costs over 100 ms."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types

from .errors import Unsupported

_PACKAGES = {
    "pyroute2": "python3-pyroute2",
    "zstandard": "python3-zstandard",
}


def load(module):
    """Import a third-party module by its dotted name.

    :raises Unsupported: it is not installed; the hint names the distribution's package.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.split(".", 1)[0]
        package = _PACKAGES.get(top, top)
        raise Unsupported("the Python package %s is not installed on this host" % top,
                          "apply role agentless.containers.host, or install the package %s" % package) from error


def load_part(module):
    """Import one module of a package without running the package's own ``__init__``.

    ``import pyroute2`` brings in its database, its servers and asyncio (200 ms); the message classes alone take 50 ms. Where the package
    does not come apart like that it is imported whole.
    """
    top = module.split(".", 1)[0]
    if top in sys.modules:
        return load(module)
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return load(module)
    bare = types.ModuleType(top)
    bare.__path__ = list(spec.submodule_search_locations)
    bare.__spec__ = spec
    sys.modules[top] = bare
    try:
        return importlib.import_module(module)
    except (ImportError, AttributeError):
        for name in [name for name in sys.modules if name == top or name.startswith(top + ".")]:
            del sys.modules[name]
        return load(module)


def available(module):
    """Whether a module could be imported, without importing it."""
    return importlib.util.find_spec(module.split(".", 1)[0]) is not None
