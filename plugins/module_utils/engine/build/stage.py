# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build one stage: its instructions one after another, each step from the cache where that knows it.

A step's key is the hash of the key before it and of all that it uses. Once a step had to run, the rest of its stage runs as well, except
that what is copied from other stages is also known by its content (:mod:`copying`).
"""

from __future__ import annotations

import contextlib
import os
import stat
import time

from ..errors import EngineError, InvalidValue
from ..rootfs.path import open_in_root
from ..state import digest_of
from . import changes, copying, history, isolate, running
from .expand import expand
from .model import Arg, Cmd, Copy, Env, Run, Simple
from .owner import resolve_owner
from .position import DockerfileError
from .records import Record
from .settings import CACHED, RAN, WOULD_RUN, Step

VERSION = 1


class Stage:
    """The state of one stage while, and after, it is built.

    :param build: the :class:`~solve.Build`. :param stage: the parsed stage.
    :param sources: index -> :class:`Stage` of the stages that it needs.

    ``tip`` is None from the point on where a dry run cannot know the file system.
    """

    def __init__(self, build, stage, sources):
        self.build = build
        self.stage = stage
        self.sources = sources
        self.steps = []
        self.config = None
        self.scope = None
        self.tip = None
        self.key = ""
        self.broken = False
        self.created = None
        self.network = None
        self._cmd_set = False
        # steps that left no layer: (number of layers below, key, time)
        self.without_layer = ()

    # --- the whole stage

    def begin_with(self, start):
        """An image or nothing."""
        self.config, self.tip = start.config, start.tip
        self.key = start.key
        self.broken = self.broken or start.tip is None
        self.created = self.config.get("created") if self.tip is not None and self.tip.pieces else None
        self._open(None)

    def begin_with_stage(self, other):
        """Where another stage ended."""
        self.config, self.tip, self.key, self.broken = other.config, other.tip, other.key, other.broken
        self.created = other.created
        self.without_layer = other.without_layer
        self._open(other.scope)

    def _open(self, scope):
        config = changes.inherited(self.config.get("config") or {})[0]
        self.config = {**self.config, "config": config, "history": list(self.config.get("history") or [])}
        self.scope = self.build.scope.stage(changes.env_of(config), scope.args if scope is not None else None)

    def perform(self):
        """All instructions; those that the base's ONBUILD left come first."""
        for each in self.build.plan.triggers.get(self.stage.index, ()) + self.stage.instructions:
            self._instruction(each)

    def _instruction(self, instruction):
        self.build.check_stopped()
        if isinstance(instruction, Arg):
            self.scope.declare(instruction)
            self._note(instruction, None)
            return
        expanded = expand(instruction, self.scope)
        if isinstance(expanded, Run):
            running.run(self, expanded)
        elif isinstance(expanded, Copy):
            copying.copy(self, expanded)
        elif isinstance(expanded, Simple) and expanded.keyword == "WORKDIR":
            self._workdir(expanded)
        elif isinstance(expanded, Simple) and expanded.keyword == "MAINTAINER":
            self.config["author"] = expanded.value
            self._note(expanded, None)
        else:
            if isinstance(expanded, Env):
                self.scope.set_env(expanded.pairs)
            self.configure(expanded)
            self._note(expanded, None)

    def configure(self, expanded):
        self.config["config"] = changes.configure(self.config["config"], expanded, self._cmd_set)
        self._cmd_set = self._cmd_set or isinstance(expanded, Cmd)

    # --- what steps ask

    @property
    def shell(self):
        return changes.shell_of(self.config["config"])

    @property
    def workdir(self):
        return changes.workdir_of(self.config["config"])

    @property
    def user(self):
        return self.config["config"].get("User") or ""

    def _workdir(self, expanded):
        self.configure(expanded)
        path, user = self.workdir, self.user

        def make(directory, layers):
            isolate.call(_make_directory, directory, layers, path, user)

        self.layer(expanded, [lambda: ["workdir", path, user]], make)

    def layer(self, instruction, payloads, perform):
        """A step that changes files.

        :param payloads: functions of no arguments. Each gives a JSON-able value of all that the result depends on besides what is below;
            None where it cannot tell. The cache is asked for the first, then for the next: later ones cost more and hold longer.
        :param perform: function of (directory, layer paths); leaves what it changes in ``directory/upper``. Returns the names of files that
            were not any more what the payloads say, if there were any: such a step is no use to the cache.
        """
        step = self._note(instruction, "layer")
        began = time.monotonic()
        try:
            keys = []
            if not self.broken:
                record = self._find(payloads, keys)
                if record is not None:
                    self._use(step, record, keys)
                    return
            self.broken = True
            if self.build.dry:
                step.status = WOULD_RUN
                self.tip = None
                return
            if not keys:
                keys = [self._key_of(value) for value in (payload() for payload in payloads) if value is not None]
            self._perform(step, instruction, perform, keys)
        finally:
            step.seconds = time.monotonic() - began

    def _find(self, payloads, keys):
        """The Record of the first payload that the cache knows; ``keys`` gets the keys tried."""
        parent = self.tip.chain_id()
        for payload in payloads:
            value = payload()
            if value is None:
                continue
            keys.append(self._key_of(value))
            record = None if self.build.settings.no_cache else self.build.records.find(keys[-1], parent)
            if record is not None:
                return record
        return None

    def _key_of(self, payload):
        return digest_of([VERSION, self.build.settings.epoch, self.key, payload])

    def _use(self, step, record, keys):
        step.status = CACHED
        self.tip = self.build.finisher.of_record(self.tip, record)
        if not self.build.dry:
            self.build.records.keep(record)
            for key in keys[:-1]:
                self.build.records.save(record.replace(key=key))
        self.key = record.step
        self._made(record.created, bool(record.layers), record.step)

    def _perform(self, step, instruction, perform, keys):
        directory = self.build.workspace.directory_for("run" if isinstance(instruction, Run) else "step")
        self.build.say(step)
        try:
            changed = perform(directory, self.tip.paths)
        except DockerfileError:
            raise
        except (EngineError, OSError) as error:
            raise self.failed(instruction, error) from error
        upper = os.path.join(directory, "upper")
        step.status = RAN
        created = self.build.now()
        made = bool(os.listdir(upper))
        self.key = keys[-1]
        record = None if changed else Record(keys[-1], self.key, created=created, instruction=step.text)
        self.tip = self.build.finisher.add(self.tip, upper, record, keys[:-1])
        self._made(created, made, self.key if record is not None else None)
        if changed:
            self.build.warnings.append("%s:%d: %s changed while it was copied; the step is not cached" % (step.file, step.line, changed[0]))

    def failed(self, instruction, error):
        """The error of a step, with its place."""
        if isinstance(error, OSError) and error.strerror:
            reason = "%s: %s" % (error.filename, error.strerror.lower()) if error.filename else error.strerror.lower()
        else:
            reason = str(error)
        found = instruction.error(reason, getattr(error, "source", None), getattr(error, "hint", None))
        found.details = getattr(error, "details", None)
        return found

    # --- history

    def _note(self, instruction, kind):
        step = Step(self.stage.label, instruction)
        self.steps.append(step)
        entry = {"created_by": history.created_by(instruction, self.scope, self.shell, self.workdir), "comment": "agentless"}
        self.config["history"].append(entry)
        if kind is None:
            entry.update(created=self.created or self.build.epoch_text(), empty_layer=True)
        return step

    def _made(self, created, made, key):
        entry = self.config["history"][-1]
        self.created = created
        entry["created"] = created
        if made:
            self.build.keys[self.tip.pieces[-1]] = key
        else:
            entry["empty_layer"] = True
            self.without_layer += ((len(self.tip.pieces), key, created),)


def _make_directory(directory, layers, path, user):
    """WORKDIR, in a mount namespace of its own. What is missing is made for the user; for root where the image has no such user."""
    from . import run

    with contextlib.ExitStack() as undo:
        root = run.mounted(directory, layers, undo)
        os.umask(0o022)
        owner = (0, 0)
        if user:
            with contextlib.suppress(InvalidValue):
                owner = resolve_owner(user, root, "USER")

        def made(parent, name):
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)

        found = open_in_root(root, path, create="directory", made=made)
        try:
            if not stat.S_ISDIR(os.fstat(found).st_mode):
                raise EngineError("%s is there and is no directory" % path)
        finally:
            os.close(found)
