# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prune takes, by its filters and by what the rest needs."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.garbage import Used
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import prune
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.prune_filters import Filters, moment, parse, timestamp
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import Descriptor, Image, ImageConfig, Manifest
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

CONTAINERS, IMAGES = ("label", "label!", "until"), ("dangling", "label", "label!", "until")


def sha(text):
    return "sha256:" + text.ljust(64, "0")


def used(blobs="", chains=""):
    return Used(frozenset(map(sha, blobs.split())), frozenset(map(sha, chains.split())))


def image(letter, *tags, created=100.0, labels=None, needs=None):
    references = tuple(Reference.parse(tag).canonical for tag in tags)
    made = Image(sha(letter), sha("9" + letter), ImageConfig(), Manifest(Descriptor("c", sha(letter), 1)), references)
    return prune.ImageItem(made, references, created, labels or {}, needs or used("9%s %s" % (letter, letter), "e" + letter))


def container(name, status="exited", of="a", **options):
    return prune.ContainerItem(name * 8, name, status, options.pop("created", 100.0), options.pop("labels", {}), sha(of), **options)


def inventory(*images, **options):
    blobs = {digest: 10 for each in images for digest in each.used.blobs}
    chains = {chain_id: 100 for each in images for chain_id in each.used.chains}
    blobs.update(options.pop("blobs", {}))
    chains.update(options.pop("chains", {}))
    return prune.Inventory(images=images, blobs=blobs, chains=chains, **options)


def told(desired, found):
    return prune.plan_prune(desired, found).describe()


def summary(desired, found):
    return prune.summary(prune.plan_prune(desired, found), False)


class TestFilters:
    @pytest.mark.parametrize("text, seconds", [
        ("24h", 1000000 - 86400), ("1h30m", 1000000 - 5400), ("10m", 1000000 - 600), ("12345", 12345), (12345, 12345), ("1.5", 1.5),
        ("1970-01-02", 86400), ("1970-01-01T00:01", 60), ("1970-01-01T00:00:01", 1), ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T02:00:00.5+02:00", 0.5), ("1970-01-01T00:00:00-01:00", 3600)])
    def test_moments(self, text, seconds):
        assert moment("x.until", text, 1000000) == seconds

    @pytest.mark.parametrize("value, says", [
        ({"until": "soon"}, "images_filters.until: 'soon' is no moment"),
        ({"until": "2026-13-01"}, "is no moment"),
        ({"dangling": "maybe"}, "images_filters.dangling: 'maybe' is neither true nor false"),
        ({"dangling": [True, False]}, "is neither true nor false"),
        ({"label": "=x"}, "is not a label"),
        ({"name": "x"}, "images_filters: 'name' is not a filter here")])
    def test_refused(self, value, says):
        with pytest.raises(InvalidValue) as caught:
            parse("images_filters", value, IMAGES)
        assert says in str(caught.value)

    def test_parsed(self):
        found = parse("images_filters", {"dangling": False, "label": ["a", "b=c"], "label!": "d", "until": ["1000", "500"]}, IMAGES)
        assert found == Filters(500.0, (("a", None), ("b", "c")), (("d", None),), False)
        assert parse("images_filters", None, IMAGES) == Filters()
        assert timestamp("2026-11-20T21:00:00.123456789Z") == pytest.approx(1795208400.123456)

    def test_takes(self):
        assert Filters().takes(5, {}) and Filters(until=6).takes(5, {}) and not Filters(until=5).takes(5, {})
        assert Filters(labels=(("a", None), ("b", "c"))).takes(0, {"a": "", "b": "c"})
        assert not Filters(labels=(("a", None), ("b", "c"))).takes(0, {"a": "", "b": "d"})
        assert not Filters(not_labels=(("a", None),)).takes(0, {"a": ""}) and Filters(not_labels=(("a", "x"),)).takes(0, {"a": "y"})


class TestContainers:
    def test_only_what_does_not_run(self):
        found = inventory(containers=tuple(container(status, status) for status in (
            "created", "running", "paused", "restarting", "exited", "dead")))
        answer = summary(prune.Desired(containers=True), found)
        assert answer["containers"] == ["created" * 8, "exited" * 8, "dead" * 8]

    def test_filters_and_sizes(self):
        found = inventory(containers=(
            container("a", created=1, size=7), container("b", created=9, size=5), container("c", labels={"x": ""})))
        desired = prune.Desired(containers=True, containers_filters=Filters(until=5))
        assert told(desired, found) == ["remove container a (aaaaaaaa)"]
        assert summary(desired, found)["containers_space_reclaimed"] == 7
        desired = prune.Desired(containers=True, containers_filters=Filters(labels=(("x", None),)))
        assert told(desired, found) == ["remove container c (cccccccc)"]
        assert told(prune.Desired(), found) == []


class TestImages:
    def test_dangling_only(self):
        found = inventory(image("a", "web"), image("b"), image("c", "web@" + sha("9")))
        found = dataclasses.replace(found, images=(*found.images[:2], dataclasses.replace(found.images[2], tags=())))
        answer = summary(prune.Desired(images=True), found)
        deleted = [item["Deleted"] for item in answer["images"] if "Deleted" in item]
        assert deleted == [sha("b"), sha("c"), sha("eb"), sha("ec")]
        assert {"Untagged": "web@" + sha("9")} in answer["images"]
        assert answer["images_space_reclaimed"] == 2 * (10 + 10 + 100)

    def test_all_that_are_unused(self):
        found = inventory(image("a", "one"), image("b", "two"), containers=(container("c", "exited", "a"),))
        desired = prune.Desired(images=True, images_filters=Filters(dangling=False))
        assert told(desired, found)[0] == "remove image two:latest" and len(told(desired, found)) == 2
        answer = told(dataclasses.replace(desired, containers=True), found)
        assert [text for text in answer if text.startswith("remove image")] == ["remove image one:latest", "remove image two:latest"]

    def test_shared_content_stays(self):
        base = used("9a a s", "s t")
        found = inventory(image("a", "kept", needs=base), image("b", needs=used("9b b s", "s u")),
                          parents={sha("u"): sha("s"), sha("t"): sha("s")})
        answer = summary(prune.Desired(images=True), found)
        assert answer["images"] == [{"Deleted": sha("b")}, {"Deleted": sha("u")}] and answer["images_space_reclaimed"] == 10 + 10 + 100

    def test_what_containers_and_the_cache_use_stays(self):
        cache = prune.CacheItem("k", 1.0, used=used("x", "y"))
        found = inventory(containers=(container("c", "running", "gone", chains=frozenset([sha("top")])),), cache=(cache,),
                          blobs={sha("x"): 1, sha("o"): 2}, chains={sha("y"): 1, sha("top"): 1, sha("below"): 1, sha("p"): 4},
                          parents={sha("top"): sha("below")})
        answer = summary(prune.Desired(images=True), found)
        assert answer["images"] == [{"Deleted": sha("p")}] and answer["images_space_reclaimed"] == 6

    def test_what_is_leased_or_being_built_stays(self):
        found = inventory(image("a"), blobs={sha("x"): 1}, leased=frozenset([sha("a"), sha("x"), sha("9a")]))
        assert told(prune.Desired(images=True), found) == []
        found = inventory(image("a"), blobs={sha("x"): 1}, building=True)
        assert told(prune.Desired(images=True, builder_cache=True), found) == []

    def test_orphans_and_remains_are_named(self):
        found = inventory(blobs={sha("b10b"): 3}, chains={sha("1a"): 4, sha("1b"): 5}, remains=(("/x/layers/.stage-1", 6),))
        desired = prune.Desired(images=True)
        assert told(desired, found) == ["collect layers 1a0000000000, 1b0000000000; blob b10b00000000; remains of killed runs .stage-1"]
        assert summary(desired, found)["images_space_reclaimed"] == 3 + 4 + 5 + 6
        assert told(prune.Desired(containers=True), found) == []


class TestNetworksAndVolumes:
    def test_networks(self):
        found = inventory(
            containers=(container("a", networks=("wanted",)), container("b")),
            networks=(prune.NetworkItem("bridge", 1, {}, (), True), prune.NetworkItem("free", 1, {}), prune.NetworkItem("wanted", 1, {}),
                      prune.NetworkItem("member", 1, {}, ("b" * 8,))))
        assert told(prune.Desired(networks=True), found) == ["remove network free"]
        assert summary(prune.Desired(networks=True, containers=True), found)["networks"] == ["free", "wanted", "member"]

    def test_volumes(self):
        found = inventory(containers=(container("a"),), volumes=(
            prune.VolumeItem("named", 1, {}, size=1), prune.VolumeItem("f" * 64, 1, {}, True, 2),
            prune.VolumeItem("e" * 64, 1, {}, True, 4, ("a" * 8,))))
        answer = summary(prune.Desired(volumes=True), found)
        assert (answer["volumes"], answer["volumes_space_reclaimed"]) == (["f" * 64], 2)
        answer = summary(prune.Desired(volumes=True, containers=True, volumes_filters=Filters(all=True)), found)
        assert (answer["volumes"], answer["volumes_space_reclaimed"]) == (["named", "f" * 64, "e" * 64], 7)


CACHED = {
    "cache": (prune.CacheItem("old", 1.0, used=used("x", "y")), prune.CacheItem("new", 9.0, used=used("x z", "w")),
              prune.CacheItem("mount", 5.0, 30, mount=True)),
    "blobs": {sha("x"): 1, sha("z"): 2}, "chains": {sha("y"): 10, sha("w"): 20}}


class TestBuilderCache:
    def test_everything(self):
        answer = summary(prune.Desired(builder_cache=True), inventory(**CACHED))
        assert sorted(answer["builder_cache_caches_deleted"]) == ["mount", "new", "old"]
        assert answer["builder_cache_space_reclaimed"] == 63 and answer["images_space_reclaimed"] == 0 and answer["images"] == []

    def test_some(self):
        answer = summary(prune.Desired(builder_cache=True, builder_cache_filters=Filters(until=5.0)), inventory(**CACHED))
        assert answer["builder_cache_caches_deleted"] == ["old"] and answer["builder_cache_space_reclaimed"] == 10
        answer = summary(prune.Desired(builder_cache=True, builder_cache_filters=Filters(ids=("ne",))), inventory(**CACHED))
        assert answer["builder_cache_caches_deleted"] == ["new"] and answer["builder_cache_space_reclaimed"] == 22
        answer = summary(prune.Desired(builder_cache=True, cache_keep=25), inventory(**CACHED))
        assert sorted(answer["builder_cache_caches_deleted"]) == ["mount", "old"]
