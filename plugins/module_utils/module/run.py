# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's parameters to exit_json: the only place that calls fail_json.

A module is ``run(argument_spec, handle)``. Its ``handle(params, roots, check_mode)`` lives beside this file and returns an Outcome. Where
every millisecond counts it is ``module = start(argument_spec)``, then the imports, then ``finish(module, handle)``; see warm.py.
"""

from __future__ import annotations

import errno
import os
import traceback

from ..engine.errors import EngineError, describe
from ..engine.plan import Plan
from ..engine.state import Roots
from . import warm
from .start import start


class Outcome:
    """What a handler decided.

    :param plan: the :class:`Plan`; empty means "not changed". ``_info`` modules leave it out.
    :param result: function of no arguments, called after the plan was executed (or, in check mode, was not): a dict of return values.
    :param changed: function of no arguments that tells after execution whether anything changed, for verbs that know only then
        (a pull). None: changed is "the plan has actions".
    :param warnings: list of str.
    :param close: function of no arguments that gives back what the handler holds (a lock); called after the plan, also when that failed.
    """

    __slots__ = ("changed", "close", "plan", "result", "warnings")

    def __init__(self, result, plan=None, changed=None, warnings=(), close=None):
        self.plan = plan or Plan()
        self.result = result
        self.changed = changed
        self.warnings = list(warnings)
        self.close = close or (lambda: None)


def run(argument_spec, handle, needs_root=True, **module_options):
    """Run one module.

    :param argument_spec: the module's own options; ``state_root`` is added.
    :param handle: ``handle(params, roots, check_mode) -> Outcome``.
    :param needs_root: refuse to run as an ordinary user, before anything is touched.
    """
    finish(start(argument_spec, **module_options), handle, needs_root)


def finish(module, handle, needs_root=True, installs=False):
    """The second half of :func:`run`.

    :param installs: the module carries the whole engine: an older one that is installed is replaced, so that the next task starts from
        byte code.
    """
    try:
        if needs_root and os.geteuid() != 0:
            raise EngineError("this module must run as root on the host (it ran as uid %d)" % os.geteuid(),
                              "set become: true on the task or the play")
        outcome = handle(module.params, Roots(module.params["state_root"]), module.check_mode)
        if not module.check_mode:
            execute(outcome, Roots(module.params["state_root"]))
        changed = bool(outcome.plan) if outcome.changed is None or module.check_mode else outcome.changed()
        answer = dict(outcome.result(), changed=changed, actions=outcome.plan.describe())
        if installs and not module.check_mode:
            warm.refresh(module.params["state_root"])
        if outcome.plan and module._diff:
            answer["diff"] = {"before": outcome.plan.before, "after": outcome.plan.after}
    except (EngineError, OSError) as error:
        _fail(module, error)
        return
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**answer)


def execute(outcome, roots):
    """Execute an outcome's plan, and give back what its handler holds."""
    try:
        outcome.plan.execute(roots)
    finally:
        outcome.close()


def _fail(module, error):
    """One message for people; the trace goes to ``exception``, which Ansible shows only at -vvv."""
    message = describe(error)
    hint = getattr(error, "hint", None)
    if hint is None and getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        hint = "make room on the file system of state_root, %s" % module.params["state_root"]
    if hint:
        # an excerpt of a file ends a message of several lines
        message = "%s%s%s%s." % (message, "\n" if "\n" in message else ". ", hint[0].upper(), hint[1:].rstrip("."))
    details = {"exception": "".join(traceback.format_exception(type(error), error, error.__traceback__))}
    if hint:
        details["hint"] = hint
    details.update(getattr(error, "details", None) or {})
    if isinstance(error, OSError) and error.errno:
        details["errno"] = error.errno
    module.fail_json(msg=message, **details)
