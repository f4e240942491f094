# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that lead to what a Dockerfile builds."""

from __future__ import annotations

import dataclasses
from typing import Any, Optional, Tuple

from ..image.store import ImageStore
from ..plan import Action, Plan
from ..spec.reference import Reference


@dataclasses.dataclass(frozen=True)
class BuildImage(Action):
    """Build, and give the image its names. ``build`` is the open :class:`~build.solve.Build`; ``outcome`` gets what came of it."""

    references: Tuple[Reference, ...]
    about: str
    build: Any = dataclasses.field(compare=False)
    outcome: Any = dataclasses.field(compare=False)

    def describe(self):
        return "build image %s%s" % (", ".join(each.familiar for each in self.references), self.about)

    def execute(self, roots):
        outcome = self.build.run()
        store = ImageStore(roots)
        # a manifest that differs in its notes about the cache only is not another image
        waiting = [each for each in self.references if _holder(store, each) != outcome.id]
        if waiting:
            store.add(outcome.descriptor, [each.canonical for each in waiting])
        self.outcome.append(outcome)


def observe(roots, references):
    """The ID that every reference leads to now, or None (list)."""
    store = ImageStore(roots)
    return [_holder(store, each) for each in references]


def _holder(store, reference) -> Optional[str]:
    image = store.find(reference.canonical)
    return None if image is None or store.layers.missing(image) else image.id


def plan(references, holders, predicted, build, outcome):
    """The Plan of a build.

    :param holders: see :func:`observe`. :param predicted: the :class:`~build.result.Outcome` of the dry run.
    :param outcome: list that gets the Outcome of the real one.
    """
    if predicted.id is not None and all(holder == predicted.id for holder in holders):
        return Plan()
    return Plan([BuildImage(tuple(references), _about(predicted), build, outcome)],
                {"id": holders[0]}, {"id": predicted.id or "known after the build"})


def _about(predicted):
    steps = [step for step in predicted.steps if step.status is not None]
    ran = predicted.ran
    pulls = ", ".join(predicted.pulls)
    if not ran:
        return " from the cache"
    first = ran[0]
    return "%s: %d of %d steps run, from %s:%d %s" % (" on newer %s" % pulls if pulls else "", len(ran), len(steps), first.file, first.line,
                                                      first.text)
