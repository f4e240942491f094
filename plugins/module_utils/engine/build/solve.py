# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a context and a Dockerfile to an image: stages in parallel where nothing binds them, from the cache where that knows their steps.

A dry run goes the same way without running or storing anything: it tells which steps would run, and the image's ID where none would.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import threading
import time

from ..errors import EngineError, InvalidValue
from ..spec.image import parse_platform, platform_of
from . import lint, result, stages, workspace
from .chain import Finisher
from .checksum import Memo
from .context import open_context
from .copy import materialize
from .dockerfile import parse
from .origin import PREFIX, Bases
from .records import Records
from .scope import Scope
from .stage import Stage
from .workspace import Workspace

_THREADS = 4


class Stopped(EngineError):
    """Another stage failed."""


class Build:
    """One build. Use as a context manager; :meth:`dry_run` and then :meth:`run` may be called on the same one.

    :param report: function of one :class:`~settings.Step` that begins to run, or None.
    """

    def __init__(self, roots, settings, report=None):
        self.roots = roots
        self.settings = settings
        self.records = Records(roots)
        self.memo = Memo()
        self.dry = True
        self.warnings = []
        self._report = report
        self._undo = contextlib.ExitStack()
        self._guard = threading.Lock()
        self._named = {}
        self._filtered = {}

    def __enter__(self):
        try:
            self.workspace = self._undo.enter_context(Workspace(self.roots))
            self.log = os.path.join(self.workspace.directory, "log")
            self.context = open_context(self.settings.source, self.workspace.directory_for("context"), self.settings.dockerfile,
                                        self.settings.fetch)
            text, name = (self.settings.inline, "dockerfile_inline") if self.settings.inline is not None else self.context.dockerfile()
            self.dockerfile = parse(text, name)
            self.stages = self.dockerfile.stages
            self.platform = self._platform()
            self._note(lint.check(self.dockerfile, self.settings.args, self._own, str(self.platform), self.settings.target))
            self.scope = Scope.of_file(self.stages, self.settings.args, self._own, str(self.platform), self.settings.target)
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *unused):
        self._undo.close()

    def _note(self, findings):
        lint.refuse(self.dockerfile, findings)
        for each in findings:
            text = "%s:%d: %s (%s)" % (each.file, each.line, each.message, each.rule)
            if text not in self.warnings:
                self.warnings.append(text)

    @property
    def _own(self):
        return str(platform_of(os.uname().machine))

    def _platform(self):
        text = self.settings.platform
        found = parse_platform(text) if text else platform_of(os.uname().machine)
        if found is None:
            raise InvalidValue("platform", text, "is not a platform", "write it as linux/amd64 or linux/arm64/v8")
        return found

    # --- runs

    def dry_run(self):
        """A :class:`~result.Outcome`: which steps would run."""
        self.dry = True
        return self._solve()

    def run(self):
        """A :class:`~result.Outcome`: the image is in the store, without a name."""
        self.dry = False
        return self._solve()

    def _solve(self):
        self.keys = {}
        self._stop = threading.Event()
        self._networks = []
        began = time.monotonic()
        with Finisher(self.roots, self.records, self.settings.epoch) as self.finisher, contextlib.ExitStack() as self.networks:
            self.bases = Bases(self.roots, self.settings, self.finisher, self.dry)
            result.import_cache(self)
            self.plan = stages.plan(self.stages, self.settings.args, self._own, str(self.platform), self.settings.target, self._on_build)
            built = self._stages()
            target = built[self.plan.target]
            steps = [step for index in sorted(built) for step in built[index].steps]
            outcome = result.make(self, target, steps)
        outcome.seconds = time.monotonic() - began
        return outcome

    def _stages(self):
        built, futures = {}, {}
        if self.dry:
            for index in self.plan.order:
                built[index] = self._stage(index, built.__getitem__)
            return built
        with concurrent.futures.ThreadPoolExecutor(_THREADS, "stage") as pool:
            # in this order each waits only for those before it, so a full pool always has one that goes on
            for index in self.plan.order:
                futures[index] = pool.submit(self._guarded, index, lambda other: futures[other].result())
            try:
                concurrent.futures.wait(futures.values(), return_when=concurrent.futures.FIRST_EXCEPTION)
            finally:
                self._end(futures.values())
        failed = [future.exception() for future in futures.values() if future.exception() is not None]
        for error in failed:
            if not isinstance(error, Stopped):
                raise error
        if failed:
            raise failed[0]
        return {index: future.result() for index, future in futures.items()}

    def _end(self, futures):
        """After the first failure, or ^C: what still runs is killed, not waited for."""
        while True:
            left = concurrent.futures.wait(futures, 0).not_done
            if not left:
                return
            self._stop.set()
            # again and again: a step that was just beginning makes its control group a moment later
            workspace.kill_steps(self.roots, self.workspace.directory)
            concurrent.futures.wait(left, 0.1)

    def _guarded(self, index, finished):
        try:
            return self._stage(index, finished)
        except BaseException as error:
            with self._guard:
                first = not self._stop.is_set()
                self._stop.set()
            if first:
                raise
            raise Stopped("another stage failed") from error

    def check_stopped(self):
        """Raise Stopped after another stage has failed."""
        if self._stop.is_set():
            raise Stopped("another stage failed")

    def _stage(self, index, finished):
        sources = {}
        for other in self.plan.needs[index]:
            try:
                sources[other] = finished(other)
            except EngineError as error:
                raise Stopped("stage %d failed" % other) from error
        stage = Stage(self, self.stages.stages[index], sources)
        base = self.plan.bases[index]
        if base.stage is not None:
            stage.begin_with_stage(sources[base.stage])
        else:
            stage.begin_with(self._start(stage, base))
        stage.perform()
        self._note(lint.undefined(self.dockerfile, stage.scope))
        return stage

    def _on_build(self, base):
        if self._is_directory(base.image):
            return ()
        return (self._image(base).config.get("config") or {}).get("OnBuild")

    def _is_directory(self, name):
        """Whether a base is a named context of files."""
        return name in self.settings.contexts and not str(self.settings.contexts[name]).startswith(PREFIX)

    def _image(self, base):
        try:
            return self.bases.start(self.settings.contexts.get(base.image, base.image), base.platform or None)
        except EngineError as error:
            for stage in self.stages.stages:
                if self.scope.expand(stage.start.image, stage.start) == base.image:
                    raise stage.start.error(str(error), stage.start.image, error.hint) from error
            raise

    def _start(self, stage, base):
        if self._is_directory(base.image):
            return result.start_of_directory(self, self.named_context(base.image))
        return self._image(base)

    # --- what stages ask

    def say(self, step):
        """A step begins to run."""
        with self._guard, open(self.log, "a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write("[%s] %s\n" % (step.stage, step.text))
        if self._report is not None:
            self._report(step)

    def now(self):
        """RFC 3339, or SOURCE_DATE_EPOCH."""
        seconds = self.settings.epoch
        if seconds is not None:
            return result.rfc3339(seconds * 10**9)
        return result.rfc3339(time.time_ns())

    def epoch_text(self):
        """The time of what has none of its own."""
        return result.rfc3339((self.settings.epoch or 0) * 10**9)

    def named_context(self, name):
        """The Context of one of ``settings.contexts``, opened once."""
        with self._guard:
            if name not in self._named:
                self._named[name] = open_context(
                    self.settings.contexts[name], self.workspace.directory_for("context"), None, self.settings.fetch, "contexts." + name)
            return self._named[name]

    def filtered(self, context):
        """A directory (path) with the files of a context that its ignore file does not name, made once."""
        with self._guard:
            if context not in self._filtered:
                directory = self.workspace.directory_for("filtered")
                os.chmod(directory, 0o755)
                materialize(context, directory)
                self._filtered[context] = directory
            return self._filtered[context]

    def namespace(self, stage, mode):
        """Path of the network namespace for the RUNs of a stage; None is the host's."""
        if mode == "host":
            return None
        if stage.network is None:
            stage.network = {}
        if mode not in stage.network:
            from . import network

            stage.network[mode] = network.open_namespace(self, stage.stage.index, mode)
        return stage.network[mode]

    def log_text(self):
        """The output of all RUNs (str)."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except FileNotFoundError:
            return ""
