# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconcilers of images: pull, push, tag, remove. Archives and layers have files of their own beside this one."""

from __future__ import annotations

import dataclasses
from typing import Optional, Tuple

from ..errors import Conflict, NotFound
from ..image.store import ImageStore
from ..plan import Action, Plan
from ..spec.image import Image
from ..spec.reference import Reference

ALWAYS, MISSING, NEVER = "always", "missing", "never"


# --- pull

@dataclasses.dataclass(frozen=True)
class PullImage(Action):
    """Bring what the registry has under a reference."""

    reference: Reference
    platform: Optional[str] = None
    options: object = dataclasses.field(default=None, repr=False, compare=False)

    def describe(self):
        return "pull image %s" % self.reference.familiar

    def execute(self, roots):
        from ..image.pull import pull

        pull(roots, self.reference, self.options, self.platform)


@dataclasses.dataclass(frozen=True)
class PullObserved:
    """What is here, and what the registry has.

    :ivar present: ID of the image under the reference, or None. :ivar suits: whether it is of the platform that was asked for.
    :ivar known: digest under the reference here. :ivar coming: the registry's, or None where it was not asked.
    :ivar changed: whether a pull would bring something.
    """

    present: Optional[str] = None
    suits: bool = True
    known: Optional[str] = None
    coming: Optional[str] = None
    changed: bool = False


def observe_pull(roots, reference, policy, options=None, platform=None):
    """What is here and, as far as ``policy`` needs it, what the registry has."""
    from ..image import pull

    image = ImageStore(roots).find(reference.canonical)
    suits = image is not None and pull.suits(image, platform)
    if policy == NEVER or (policy == MISSING and suits):
        return PullObserved(image.id if image else None, suits)
    found = pull.outlook(roots, reference, options, platform)
    return PullObserved(found.present, suits, found.known, found.coming, found.changed)


def plan_pull(reference, observed, policy, options=None, platform=None):
    """The plan for one reference.

    :raises NotFound: the policy is never, and the image is not here.
    """
    if policy == NEVER:
        if observed.present is None or not observed.suits:
            raise NotFound("image %s is not on this host and pull is never" % reference.familiar,
                           "set pull: not_present, or load the image before")
        return Plan()
    if not observed.changed:
        return Plan()
    return Plan([PullImage(reference, platform, options)],
                {"digest": observed.known, "exists": observed.present is not None}, {"digest": observed.coming, "exists": True})


# --- push

@dataclasses.dataclass(frozen=True)
class PushImage(Action):
    """Send an image to a registry."""

    image: Image
    reference: Reference
    options: object = dataclasses.field(default=None, repr=False, compare=False)

    def describe(self):
        return "push image %s to registry %s" % (self.reference.familiar, self.reference.registry)

    def execute(self, roots):
        from ..image.push import push

        push(roots, self.image, self.reference, self.options)


def plan_push(image, reference, remote_digest, options=None):
    """:param remote_digest: of the manifest that the registry has under the reference, or None."""
    if remote_digest == image.manifest_digest:
        return Plan()
    return Plan([PushImage(image, reference, options)], {"digest": remote_digest}, {"digest": image.manifest_digest})


def observe_push(reference, options=None):
    """The digest that the registry has under a reference, or None."""
    from ..image.registry import Registry

    with Registry(reference.registry, options, repository=reference.repository) as registry:
        try:
            return registry.head(reference).digest
        except NotFound:
            return None


# --- tag

@dataclasses.dataclass(frozen=True)
class TagImage(Action):
    """Give an image a name; another image that has it loses it."""

    image: Image
    reference: Reference

    def describe(self):
        return "tag image %s as %s" % (self.image.short_id, self.reference.familiar)

    def execute(self, roots):
        ImageStore(roots).tag(self.image, self.reference)


def plan_tag(image, holders, keep=False):
    """The plan that gives ``image`` names.

    :param holders: dict Reference -> ID of the image that has the name, or None.
    :param keep: leave names that another image has.
    """
    actions, before, after = [], {}, {}
    for reference, holder in holders.items():
        if holder == image.id or (keep and holder is not None):
            continue
        actions.append(TagImage(image, reference))
        before[reference.familiar], after[reference.familiar] = holder, image.id
    return Plan(actions, before, after)


# --- remove

@dataclasses.dataclass(frozen=True)
class UntagImage(Action):
    """Take a name from an image that keeps others, or that a container needs."""

    reference: Reference

    def describe(self):
        return "untag image %s" % self.reference.familiar

    def execute(self, roots):
        ImageStore(roots).untag(self.reference.canonical)


@dataclasses.dataclass(frozen=True)
class RemoveImage(Action):
    """Remove an image, its names, and the layers that nothing else needs."""

    image: Image

    def describe(self):
        return "remove image %s" % self.image.short_id

    def execute(self, roots):
        ImageStore(roots).remove(self.image)


@dataclasses.dataclass(frozen=True)
class Removal:
    """What :func:`plan_remove` found to do, in Docker's words."""

    plan: Plan
    untagged: Tuple[str, ...] = ()
    deleted: Tuple[str, ...] = ()


def plan_remove(image, reference, users=(), force=False):
    """The :class:`Removal` of a name, or of the whole image.

    :param image: Image or None. :param reference: the name that was given, or None where it was an ID.
    :param users: names of the containers that are made from the image.
    :raises Conflict: a container needs it, or an ID has several names, and ``force`` is not set.
    """
    if image is None:
        return Removal(Plan())
    names = [Reference.parse(text) for text in image.references]
    tags = [each for each in names if not each.digest]
    others = [each for each in names if reference is None or each.canonical != reference.canonical]
    if reference is not None and any(not each.digest or reference.digest for each in others):
        plan = Plan([UntagImage(reference)], {"tags": _familiar(names)}, {"tags": _familiar(others)})
        return Removal(plan, (reference.familiar,))
    if reference is None and len({each.name for each in tags}) > 1 and not force:
        raise Conflict("image %s has several names: %s" % (image.short_id, ", ".join(_familiar(tags))),
                       "name one of them, or set force: true")
    if users and not force:
        raise Conflict("image %s is in use by container %s" % (reference.familiar if reference else image.short_id, ", ".join(users)),
                       "remove the container first, or set force: true to take only the name away")
    before = {"exists": True, "tags": _familiar(names)}
    if users:
        if not names:
            return Removal(Plan())
        return Removal(Plan([UntagImage(each) for each in names], before, {"exists": True, "tags": []}), tuple(_familiar(names)))
    return Removal(Plan([RemoveImage(image)], before, {"exists": False, "tags": []}), tuple(_familiar(names)), (image.id,))


def _familiar(references):
    return sorted(each.familiar for each in references)
