# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verb of the engine in this one process (for image_pull.py); prints the peak of its resident memory in KiB.

    python3 engine_pull.py push COLLECTIONS STATE_ROOT REFERENCE ARCHIVE...     an image of these layers goes to the registry
    python3 engine_pull.py pull COLLECTIONS STATE_ROOT REFERENCE                and is unpacked
    python3 engine_pull.py unpack COLLECTIONS DIRECTORY ARCHIVE                 a layer alone, checked by its digest as always
"""

from __future__ import annotations

import contextlib
import os
import sys


def push(state_root, reference, *archives):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import push as pushing
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import stream
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    store = ImageStore(Roots(state_root))
    layers = [create.store_layer(store.blobs, stream.read_file(archive)) for archive in archives]
    config = create.child_config(create.new_config(platform_of(os.uname().machine)), Changes(), [layer.diff_id for layer in layers])
    descriptor = create.store_image(store.blobs, config, [layer.descriptor for layer in layers])
    image = store.add(descriptor, [Reference.parse(reference).canonical])[0]
    pushing.push(store.roots, image, reference)


def pull(state_root, reference):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import pull as pulling
    from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

    pulling.pull(Roots(state_root), reference)


def unpack(directory, archive):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply, stream
    from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.bounds import Bounds

    os.mkdir(directory)
    bounds = Bounds(directory)
    # as layer/store.py does it
    with contextlib.closing(stream.threaded(stream.decompress(bounds.packed(stream.read_file(archive))))) as pieces:
        plain = stream.Hashing(bounds.plain(pieces))
        apply.apply(iter(plain), directory)
    plain.digest()


def main():
    verb, collections = sys.argv[1:3]
    sys.path.insert(0, collections)
    {"push": push, "pull": pull, "unpack": unpack}[verb](*sys.argv[3:])
    # not ru_maxrss, which begins with what the parent had
    with open("/proc/self/status", encoding="ascii") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))


if __name__ == "__main__":
    main()
