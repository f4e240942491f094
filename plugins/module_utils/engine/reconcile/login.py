# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciler of stored logins. No secret is in what it describes or compares for people."""

from __future__ import annotations

import dataclasses

from ..image import logins
from ..image.credentials import Credentials
from ..plan import Action, Plan


@dataclasses.dataclass(frozen=True)
class StoreLogin(Action):
    """Keep an account's login for a registry."""

    registry: str
    path: str
    place: str
    credentials: Credentials = dataclasses.field(repr=False)

    def describe(self):
        return "store the login of account %s for registry %s in %s" % (self.credentials.username, self.registry, self.place)

    def execute(self, roots):
        logins.save(self.path, self.registry, self.credentials)


@dataclasses.dataclass(frozen=True)
class EraseLogin(Action):
    """Forget a registry's login."""

    registry: str
    path: str
    place: str

    def describe(self):
        return "remove the login for registry %s from %s" % (self.registry, self.place)

    def execute(self, roots):
        logins.erase(self.path, self.registry)


@dataclasses.dataclass(frozen=True)
class RestrictFile(Action):
    """Let only its owner read a file of logins."""

    path: str

    def describe(self):
        return "let only the owner read %s" % self.path

    def execute(self, roots):
        logins.restrict(self.path)


def is_kept(credentials, observed):
    """Whether this very login is stored, so that nothing needs to be tried at the registry."""
    return observed.credentials == credentials


def plan_login(registry, path, credentials, observed):
    """:param observed: :class:`~image.logins.Stored`."""
    if is_kept(credentials, observed):
        if observed.exposed:
            return Plan([RestrictFile(path)], {"exposed": True}, {"exposed": False})
        return Plan()
    was = observed.credentials.username if observed.credentials is not None else None
    before, after = {"username": was}, {"username": credentials.username}
    if was == credentials.username:
        before["password"], after["password"] = "another one", "the one of the task"
    return Plan([StoreLogin(registry, path, _place(path, observed), credentials)], before, after)


def plan_logout(registry, path, observed):
    """:param observed: :class:`~image.logins.Stored`."""
    if observed.credentials is None:
        return Plan()
    return Plan([EraseLogin(registry, path, _place(path, observed))],
                {"exists": True, "username": observed.credentials.username}, {"exists": False, "username": None})


def _place(path, observed):
    return "credential helper docker-credential-%s" % observed.helper if observed.helper else path
