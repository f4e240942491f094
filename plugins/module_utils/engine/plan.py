# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: what a reconciler decided, as data, before anything is touched.

A reconciler compares desired with observed and returns a :class:`Plan`. Check mode prints it, a real run executes it.
An empty plan is "not changed". Actions are values (frozen dataclasses in ``reconcile/``), so tests compare plans with ``==``.
"""

from __future__ import annotations


class Action:
    """One step. Subclasses are frozen dataclasses that say what they do and can do it."""

    def describe(self):
        """A short sentence in the infinitive that names the object: ``create bridge ag-0a1b2c``."""
        raise NotImplementedError(self.__class__.__name__)

    def execute(self, roots):
        """Do it. Safe to call again after a crash half way through.

        :param roots: the :class:`~state.Roots` to work in.
        """
        raise NotImplementedError(self.__class__.__name__)


class Plan:
    """An ordered list of actions, with what a diff shows.

    :param actions: iterable of :class:`Action`.
    :param before: JSON-able dict of the facts that differ, as they are. ``after``: as they will be. Secrets never go in.
    """

    __slots__ = ("actions", "after", "before")

    def __init__(self, actions=(), before=None, after=None):
        self.actions = tuple(actions)
        self.before = before or {}
        self.after = after or {}

    def __bool__(self):
        return bool(self.actions)

    def __eq__(self, other):
        return isinstance(other, Plan) and self.actions == other.actions

    def __hash__(self):
        return hash(self.actions)

    def __add__(self, other):
        return Plan(self.actions + other.actions, {**self.before, **other.before}, {**self.after, **other.after})

    def describe(self):
        """list of str: what would be done, in order."""
        return [action.describe() for action in self.actions]

    def execute(self, roots):
        """Execute every action in order; the first error stops the plan."""
        for action in self.actions:
            action.execute(roots)


def difference(before, after, prefix=""):
    """The keys in which two flat dicts differ, as a pair (before, after) of dicts for a diff."""
    keys = [key for key in sorted(set(before) | set(after)) if before.get(key) != after.get(key)]
    return (
        {prefix + key: before[key] for key in keys if key in before},
        {prefix + key: after[key] for key in keys if key in after},
    )
