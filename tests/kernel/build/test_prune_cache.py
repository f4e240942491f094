# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prune and builds: the cache keeps its layers until it is pruned, and no build loses what it works on."""

from __future__ import annotations

import os
import time

from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import prune, prune_inventory
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.prune_filters import Filters

STEPS = """\
FROM busybox
RUN echo one > /one
RUN --mount=type=cache,target=/cache echo x > /cache/file && cat /one > /two
CMD ["cat", "/two"]
"""
TWO_STAGES = """\
FROM busybox AS first
RUN echo %d > /a
RUN cat /a > /b
FROM busybox
COPY --from=first /b /c
RUN cat /c > /d
"""
EVERYTHING = prune.Desired(images=True, images_filters=Filters(dangling=False, not_labels=(("keep", None),)), builder_cache=True)


def pruned(roots, desired):
    plan = prune.plan_prune(desired, prune_inventory.observe(roots, desired))
    told = prune.summary(plan, False)
    plan.execute(roots)
    assert prune.summary(plan, True) == told
    assert not prune.plan_prune(desired, prune_inventory.observe(roots, desired))
    return told


def test_the_cache_outlives_its_image_and_then_goes(plain_builder):
    roots = plain_builder.machine.roots
    store = ImageStore(roots)
    first = plain_builder.build(STEPS, "built:1")
    assert len(first.ran) == 2
    store.remove(first.image)
    pruned(roots, prune.Desired(images=True))
    again = plain_builder.build(STEPS, "built:1")
    assert again.ran == [] and again.image.id == first.image.id and plain_builder.content(again.image, "/two") == b"one\n"
    store.remove(again.image)
    answer = pruned(roots, prune.Desired(builder_cache=True))
    assert len(answer["builder_cache_caches_deleted"]) == 3 and answer["builder_cache_space_reclaimed"] > 0
    base = store.get("busybox")
    assert store.layers.list() == store.layers.chain_ids(base) and len(store.blobs.list()) == 3
    assert len(plain_builder.build(STEPS, "built:1").ran) == 2


def test_builds_beside_a_prune(plain_builder, tmp_path):
    """The other process takes the cache, the images without a label, and all that nothing refers to, over and over."""
    roots = plain_builder.machine.roots
    end, log = tmp_path / "end", tmp_path / "log"
    plain_builder.build("FROM busybox\nLABEL keep=1\n", "busybox")
    pid = os.fork()
    if pid == 0:
        import traceback

        count, status = 0, 1
        try:
            while not end.exists():
                plan = prune.plan_prune(EVERYTHING, prune_inventory.observe(roots, EVERYTHING))
                plan.execute(roots)
                count += 1
            log.write_text(str(count))
            status = 0
        except BaseException:
            log.write_text(traceback.format_exc())
        finally:
            os._exit(status)
    try:
        built = 0
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            image = plain_builder.build(TWO_STAGES % built).image
            assert len(image.config.diff_ids) == len(image.manifest.layers) == 3
            built += 1
    finally:
        end.touch()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, log.read_text()
    assert int(log.read_text()) > 3 and built > 3
    store = ImageStore(roots)
    for image in store.list():
        store.check_complete(image.manifest_digest)
        assert store.layers.missing(image) == []
