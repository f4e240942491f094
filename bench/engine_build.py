# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build by the engine in this one process (for image_build.py); prints its seconds from the first import on.

    python3 engine_build.py import COLLECTIONS STATE_ROOT NAME ARCHIVE
    python3 engine_build.py build COLLECTIONS STATE_ROOT NAME CONTEXT [ARG=VALUE]...
    python3 engine_build.py clean COLLECTIONS STATE_ROOT
"""

from __future__ import annotations

import os
import sys
import time


def import_archive(state_root, name, archive):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import changes, create
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import stream
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    store = ImageStore(Roots(state_root))
    layer = create.store_layer(store.blobs, stream.read_file(archive))
    config = create.child_config(create.new_config(platform_of(os.uname().machine)), changes.parse({"cmd": ["sh"]}), [layer.diff_id])
    store.layers.ensure(store.add(create.store_image(store.blobs, config, [layer.descriptor]), [Reference.parse(name).canonical])[0])


def build(state_root, name, context, *args):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.build.settings import Settings
    from ansible_collections.agentless.containers.plugins.module_utils.engine.build.solve import Build
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    roots = Roots(state_root)
    with Build(roots, Settings(source=context, args=dict(each.split("=", 1) for each in args))) as made:
        outcome = made.run()
    ImageStore(roots).add(outcome.descriptor, [Reference.parse(name).canonical])


def clean(state_root):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.net import network
    from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    roots = Roots(state_root)
    if NetworkStore(roots).find("bridge") is not None:
        network.remove(roots, "bridge")


def main():
    verb, collections = sys.argv[1:3]
    sys.path.insert(0, collections)
    start = time.monotonic()
    {"import": import_archive, "build": build, "clean": clean}[verb](*sys.argv[3:])
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
