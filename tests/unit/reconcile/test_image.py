# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of the image modules."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.archive import Archived
from ansible_collections.agentless.containers.plugins.module_utils.engine.plan import Plan
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import image as images
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import image_create
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import (
    Descriptor,
    Image,
    ImageConfig,
    Manifest,
    Platform,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
WEB = Reference.parse("web")


def image(*names, image_id=ONE):
    return Image(image_id, "sha256:" + "9" * 64, ImageConfig(), Manifest(Descriptor("c", image_id, 1)),
                 tuple(Reference.parse(name).canonical for name in names))


@pytest.mark.parametrize("observed, policy, actions", [
    (images.PullObserved(None, False, None, ONE, True), "always", ["pull image web:latest"]),
    (images.PullObserved(ONE, True, ONE, TWO, True), "always", ["pull image web:latest"]),
    (images.PullObserved(ONE, True, ONE, ONE), "always", []),
    (images.PullObserved(ONE, True), "missing", []),
    (images.PullObserved(ONE, False, ONE, ONE, True), "missing", ["pull image web:latest"]),
    (images.PullObserved(ONE, True), "never", []),
])
def test_pull(observed, policy, actions):
    plan = images.plan_pull(WEB, observed, policy)
    assert plan.describe() == actions
    if plan:
        assert plan.before == {"digest": observed.known, "exists": observed.present is not None}
        assert plan.after == {"digest": observed.coming, "exists": True}


@pytest.mark.parametrize("observed", [images.PullObserved(), images.PullObserved(ONE, False)])
def test_never_pull_what_is_not_here(observed):
    with pytest.raises(NotFound, match="image web:latest is not on this host and pull is never"):
        images.plan_pull(WEB, observed, "never")


def test_push():
    assert not images.plan_push(image("web"), WEB, "sha256:" + "9" * 64)
    assert images.plan_push(image("web"), WEB, None).describe() == ["push image web:latest to registry docker.io"]
    assert images.plan_push(image("web"), WEB, TWO).before == {"digest": TWO}


def test_tag():
    other, third = Reference.parse("b"), Reference.parse("c")
    plan = images.plan_tag(image("web"), {WEB: ONE, other: None, third: TWO})
    assert plan == Plan([images.TagImage(image("web"), other), images.TagImage(image("web"), third)])
    assert plan.before == {"b:latest": None, "c:latest": TWO}
    kept = images.plan_tag(image("web"), {WEB: ONE, other: None, third: TWO}, keep=True)
    assert kept.describe() == ["tag image 111111111111 as b:latest"]


@pytest.mark.parametrize("names, target, users, force, untagged, deleted, verbs", [
    (["web"], "web", [], False, ["web:latest"], [ONE], ["remove"]),
    (["web", "b"], "web", [], False, ["web:latest"], [], ["untag"]),
    (["web", "web@" + TWO], "web", [], False, ["web:latest", "web@" + TWO], [ONE], ["remove"]),
    (["web", "web@" + TWO], "web@" + TWO, [], False, ["web@" + TWO], [], ["untag"]),
    (["web", "b"], "web", ["c1"], False, ["web:latest"], [], ["untag"]),
    (["web"], "web", ["c1"], True, ["web:latest"], [], ["untag"]),
    (["web:1", "web:2"], None, [], False, ["web:1", "web:2"], [ONE], ["remove"]),
    (["web", "b"], None, [], True, ["b:latest", "web:latest"], [ONE], ["remove"]),
    ([], None, [], False, [], [ONE], ["remove"]),
    ([], None, ["c1"], True, [], [], []),
])
def test_remove(names, target, users, force, untagged, deleted, verbs):
    removal = images.plan_remove(image(*names), Reference.parse(target) if target else None, users, force)
    assert sorted(removal.untagged) == untagged and list(removal.deleted) == deleted
    assert [text.split()[0] for text in removal.plan.describe()] == verbs


def test_remove_what_is_not_here():
    assert not images.plan_remove(None, WEB).plan


@pytest.mark.parametrize("target, users, message", [
    (WEB, ["c1", "c2"], "image web:latest is in use by container c1, c2"),
    (None, ["c1"], "image 111111111111 is in use by container c1"),
])
def test_remove_what_is_in_use(target, users, message):
    with pytest.raises(Conflict, match=message):
        images.plan_remove(image("web"), target, users)


def test_remove_by_id_with_several_names():
    with pytest.raises(Conflict, match="image 111111111111 has several names: b:latest, web:latest"):
        images.plan_remove(image("web", "b"), None)


def test_load():
    platform = Platform("amd64", "linux")
    archived = [Archived(ONE, (WEB.canonical, "localhost:5000/x:1")), Archived(TWO)]
    observed = {WEB.canonical: ONE, "localhost:5000/x:1": TWO, TWO: TWO}
    plan = image_create.plan_load("/a.tar", archived, observed, platform)
    assert plan.describe() == ["load localhost:5000/x:1, %s, web:latest from /a.tar" % TWO]
    assert (plan.before, plan.after) == ({"localhost:5000/x:1": TWO}, {"localhost:5000/x:1": ONE})
    assert not image_create.plan_load("/a.tar", archived, {**observed, "localhost:5000/x:1": ONE}, platform)


def test_create():
    built = image_create.Built({"os": "linux"}, (), "inputs")
    assert not image_create.plan_create(WEB, image_create.CreateObserved(built.id), built, "import")
    plan = image_create.plan_create(WEB, image_create.CreateObserved(ONE), built, "import")
    assert plan.describe() == ["import image web:latest"] and plan.before == {"id": ONE} and plan.after == {"id": built.id}
