# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""COPY and ADD as steps of a stage, and what else reads from the context, from another stage or from an image.

What comes from a stage or an image is known by the chain of its layers first, which costs nothing, and then by the content of what is
copied, so that a stage that was built anew with the same result does not make others run.
"""

from __future__ import annotations

import contextlib
import os
import posixpath

from ..errors import EngineError
from . import history, isolate
from .copy import materialize, place
from .expand import is_remote
from .origin import PREFIX
from .owner import resolve_owner
from .position import DockerfileError
from .select import checkout, downloaded, inline, promised, select
from .stages import source_stage


class Layered:
    """A source that is made of layers: ``tip`` (None: unknown in a dry run), and what it is called."""

    def __init__(self, tip, where, broken):
        self.tip = tip
        self.where = where
        self.broken = broken


def source_of(stage, instruction, name):
    """Where ``--from=name`` leads: a :class:`Layered`, or a :class:`~context.Context`; the build's own context for no name."""
    build = stage.build
    if not name:
        return build.context
    if name in build.settings.contexts and not str(build.settings.contexts[name]).startswith(PREFIX):
        return build.named_context(name)
    index = source_stage(build.stages, instruction, name)
    if name not in build.settings.contexts and index is not None:
        other = stage.sources[index]
        return Layered(other.tip, "stage %s" % other.stage.label, other.broken)
    start = build.bases.start(build.settings.contexts.get(name, name))
    return Layered(start.tip, "image %s" % name, False)


# --- bind mounts of RUN

def source_payload(stage, instruction, mount):
    """What a bind or seeded cache mount adds to the key of its RUN; None: not known in a dry run."""
    source = source_of(stage, instruction, mount.from_name)
    if isinstance(source, Layered):
        return None if source.tip is None else ["chain", source.tip.chain_id()]
    selection = _selected(stage, instruction, source, (mount.source or ".",))
    return ["content", selection.digest(stage.build.memo)]


def source_layers(stage, instruction, mount):
    """The layers (paths, lowest first) that a mount shows."""
    source = source_of(stage, instruction, mount.from_name)
    if isinstance(source, Layered):
        return source.tip.paths
    if source.root is None:
        raise instruction.error("there is no build context to mount")
    if source.ignore is None and (source.keep_owners or _shows_as_it_is(source.root)):
        return [source.root]
    return [stage.build.filtered(source)]


def _shows_as_it_is(directory):
    """Whether a directory of the host looks as COPY would make it: all of root, and the top open to every user.

    Otherwise a RUN would see who has checked it out, what no key knows of.
    """
    if os.stat(directory).st_mode & 0o555 != 0o555:
        return False
    for unused_path, directories, files, fd in os.fwalk(directory):
        for name in directories + files:
            status = os.lstat(name, dir_fd=fd)
            if status.st_uid or status.st_gid:
                return False
    return True


# --- COPY and ADD

def copy(stage, expanded):
    """Perform a COPY or ADD in a stage."""
    source = source_of(stage, expanded, expanded.from_name)
    remote = tuple(each for each in expanded.sources if expanded.keyword == "ADD" and is_remote(each))
    local = tuple(each for each in expanded.sources if each not in remote)
    flags = {key: value for key, value in history.identity(expanded).items() if key not in ("from_name", "from")}
    common = ["copy", flags, stage.workdir]
    destination = posixpath.join(stage.workdir, expanded.destination)
    parts = _Parts(stage, expanded, source, local, remote)

    def by_chain():
        if not isinstance(source, Layered) or source.tip is None or source.broken:
            return None
        return [*common, "chain", source.tip.chain_id()]

    def by_content():
        if isinstance(source, Layered) and source.tip is None:
            return None
        return [*common, "content", parts.digest()]

    def perform(directory, layers):
        return isolate.call(_perform, directory, layers, expanded, destination, parts)

    stage.layer(expanded, [by_chain, by_content], perform)


class _Parts:
    """The sources of one instruction: fetched once, selected where they can be seen."""

    def __init__(self, stage, expanded, source, local, remote):
        self.stage = stage
        self.expanded = expanded
        self.source = source
        self.local = local
        self.remote = remote
        self._fetched = None
        self._picked = None

    def digest(self):
        """Of all content."""
        owners = not self.expanded.chown
        if isinstance(self.source, Layered):
            directory = self.stage.build.workspace.directory_for("source")
            return isolate.call(_layered_digest, directory, self, owners)
        return self.selection(None).digest(self.stage.build.memo, owners)

    def selection(self, root):
        """The Selection; ``root`` is where a Layered source is mounted."""
        expanded = self.expanded
        found = []
        if self.local:
            if isinstance(self.source, Layered):
                found.append(select(root, self.local, None, expanded.exclude, expanded.parents, expanded.keyword, True, self.source.where))
            else:
                if self._picked is None:
                    self._picked = _selected(self.stage, expanded, self.source, self.local)
                found.append(self._picked)
        found += [inline(each.name, each.text.encode("utf-8", "surrogateescape")) for each in expanded.contents]
        found += self.fetched()
        total = found[0]
        for each in found[1:]:
            total += each
        return total

    def fetched(self):
        """The Selections of URLs and repositories."""
        if self._fetched is None:
            build, expanded = self.stage.build, self.expanded
            self._fetched = [_fetch(build, expanded, each) for each in self.remote]
        return self._fetched


def _fetch(build, expanded, url):
    from . import fetch, git

    try:
        if git.is_git(url):
            found = git.fetch_git(url, build.workspace.directory_for("git"), expanded.keep_git_dir, expanded.checksum or None)
            return checkout(url, found.directory, expanded.exclude)
        directory = build.workspace.directory_for("url")
        if expanded.checksum:
            # what it has to be is known: a step that the cache knows needs no server
            return promised(url, fetch.file_name(url), expanded.checksum,
                            lambda: fetch.fetch_url(url, directory, expanded.checksum, build.settings.fetch)[0])
        path, name, unused = fetch.fetch_url(url, directory, None, build.settings.fetch)
        return downloaded(url, path, name)
    except DockerfileError:
        raise
    except EngineError as error:
        raise expanded.error(str(error), url, error.hint) from error


def _selected(stage, expanded, context, sources):
    if context.root is None:
        raise expanded.error("there is no build context to copy from", sources[0], "give a directory or an archive as context")
    try:
        return select(context.root, sources, context.ignore, getattr(expanded, "exclude", ()), getattr(expanded, "parents", False),
                      expanded.keyword, context.keep_owners)
    except EngineError as error:
        raise expanded.error(str(error), getattr(error, "source", None), error.hint) from error


# --- in a process of its own

def _perform(directory, layers, expanded, destination, parts):
    from . import run

    with contextlib.ExitStack() as undo:
        if expanded.link:
            run.lay_out(directory, ())
            root = os.path.join(directory, "upper")
            union = _mount_view(os.path.join(directory, "below"), layers, undo) if expanded.chown else root
        else:
            root = union = run.mounted(directory, layers, undo)
        source = None
        if isinstance(parts.source, Layered):
            source = _mount_view(os.path.join(directory, "source"), parts.source.tip.paths, undo)
        owner = resolve_owner(expanded.chown, union) if expanded.chown else None
        placed = place(parts.selection(source), root, destination, owner, expanded.chmod or None, expanded.keyword, expanded.unpack,
                       link=expanded.link)
        return tuple(placed.changed)


def _mount_view(directory, layers, undo):
    from . import run

    return run.mounted(directory, layers, undo)


def _layered_digest(directory, parts, owners):
    with contextlib.ExitStack() as undo:
        root = _mount_view(directory, parts.source.tip.paths, undo)
        return parts.selection(root).digest(None, owners)


def copy_tree(layers, source, target, view):
    """Fill a directory from a path in layers, which are looked at in ``view``; for cache mounts with ``from``."""
    with contextlib.ExitStack() as undo:
        root = _mount_view(view, layers, undo)
        place(select(root, (source or ".",), keep_owners=True), target, "/", keyword="COPY")


def copy_directory(context, target):
    """Fill a directory with the files of a context."""
    materialize(context, target)


def digest_of_directory(context, memo):
    """A digest of all files of a context."""
    return select(context.root, (".",), context.ignore).digest(memo)
