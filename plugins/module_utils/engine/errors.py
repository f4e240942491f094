# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own errors. A kernel failure stays an OSError; everything else is an EngineError.

Messages are lower case, carry no full stop and name the object. ``hint`` says what to do about it.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors that the engine raises itself."""

    def __init__(self, message, hint=None):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self):
        return self.message


class InvalidValue(EngineError):
    """An option has a value that cannot be used: ``option`` and ``value`` are named in the message."""

    def __init__(self, option, value, reason, hint=None):
        super().__init__("%s: %r %s" % (option, value, reason), hint)
        self.option = option
        self.value = value


class NotFound(EngineError):
    """A named object does not exist."""


class Conflict(EngineError):
    """A name, address or port is taken, or an object is in use."""


class Unsupported(EngineError):
    """The host (kernel, package, privilege) lacks what was asked for."""


class Unreachable(EngineError):
    """A remote end did not answer."""


class Denied(EngineError):
    """A remote end refused the credentials or the operation."""


class Corrupt(EngineError):
    """Content is not what its digest, size or format promises."""


class TimedOut(EngineError):
    """Something that was waited for did not happen in time."""


class ErrorList(EngineError):
    """Every error of a tear-down that went on to its end.

    :param subject: what was torn down, e.g. ``container web``.
    :param errors: the exceptions, in the order in which they came.
    """

    def __init__(self, subject, errors):
        self.errors = tuple(errors)
        super().__init__("%s: %s" % (subject, "; ".join(describe(error) for error in self.errors)))


class Collector:
    """Runs tear-down steps to the end: ``with collector.step(): ...`` keeps an error and goes on."""

    def __init__(self, subject):
        self.subject = subject
        self.errors = []

    def step(self):
        return _Step(self.errors)

    def finish(self):
        """Raise an ErrorList if any step failed."""
        if self.errors:
            raise ErrorList(self.subject, self.errors)


class _Step:
    def __init__(self, errors):
        self._errors = errors

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and isinstance(error, (EngineError, OSError)):
            self._errors.append(error)
            return True
        return False


def describe(error):
    """One line for people: an OSError with its path, anything else by its own text."""
    if isinstance(error, OSError) and error.strerror:
        if error.filename is not None:
            return "%s: %s" % (error.filename, error.strerror.lower())
        return error.strerror.lower()
    return str(error) or error.__class__.__name__
