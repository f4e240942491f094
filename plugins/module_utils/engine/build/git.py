# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git repositories as contexts and as sources of ADD, by the host's git command. It never asks anything and runs no hook."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess  # pylint: disable=ansible-bad-function
from typing import Optional
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..errors import Corrupt, EngineError, InvalidValue, NotFound, Unreachable, Unsupported
from .view import SourceError, View

_SCHEMES = ("http", "https", "ssh", "git")
_SCP = re.compile(r"([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_COMMIT = re.compile("[0-9a-f]{7,64}")
_FULL = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True", ""), ("0", "f", "F", "false", "FALSE", "False")
_SECONDS = 3600


@dataclasses.dataclass(frozen=True)
class GitSource:
    """A parsed address. ``ref`` is empty for the remote's default branch, ``subdir`` relative."""

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: Optional[bool] = None
    submodules: bool = True


@dataclasses.dataclass(frozen=True)
class Checkout:
    """``directory``: what was asked for, with all times those of the commit. ``commit``: its full name. ``time``: nanoseconds."""

    directory: str
    commit: str
    time: int


def is_git(text):
    """Whether BuildKit would take an address for a git repository: http(s) only with ``.git`` at the end of its path."""
    try:
        return parse_git(text) is not None
    except EngineError:
        return True


def parse_git(text):
    """The :class:`GitSource` of an address such as ``https://host/repo.git#ref:subdir``, ``git@host:repo``; None for anything else.

    :raises InvalidValue: it is one, but with a query that makes no sense.
    """
    match = _SCP.fullmatch(text)
    if match:
        remote = "%s@%s:%s" % match.group(1, 2, 3)
        query, fragment = match.group(4) or "", match.group(5) or ""
    else:
        if text.startswith("github.com/"):
            text = "https://" + text
            is_repository = True
        else:
            is_repository = False
        scheme, mark, unused = text.partition("://")
        if not mark or scheme.lower() not in _SCHEMES:
            return None
        try:
            parts = urlsplit(text)
        except ValueError:
            return None
        if parts.scheme in ("http", "https") and not parts.path.endswith(".git") and not is_repository:
            return None
        query, fragment = parts.query, parts.fragment
        remote = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    ref, unused, subdir = fragment.partition(":")
    return _with_query(GitSource(remote, ref, _relative(subdir)), query, text)


def fetch_git(url, work, keep_git_dir=None, checksum=None):
    """Check a repository out below the directory ``work``.

    :param url: text, or a :class:`GitSource`.
    :param keep_git_dir: whether ``.git`` stays; None: as the address says.
    :param checksum: (the beginning of) the commit's name that must be found.
    :returns: :class:`Checkout`.
    :raises Unsupported: there is no git on this host. :raises NotFound: no such ref or directory. :raises Corrupt: another commit.
    """
    source = parse_git(url) if isinstance(url, str) else url
    if source is None:
        raise InvalidValue("git", url, "is no address of a git repository")
    for value in (source.ref, source.remote):
        if value.startswith("-"):
            raise InvalidValue("git", value, "begins with a dash")
    checksum = _agreed(checksum, source.checksum)
    keep = bool(source.keep_git_dir) if keep_git_dir is None else keep_git_dir
    if source.keep_git_dir is not None and source.keep_git_dir != keep:
        raise InvalidValue("--keep-git-dir", keep, "is not what the address says")
    directory = os.path.join(work, "repository")
    os.mkdir(directory, 0o755)
    os.chmod(directory, 0o755)
    git = _Git(work, directory, source.remote)
    commit = git.check_out(source.ref)
    if checksum and not commit.startswith(checksum):
        raise Corrupt("%s is at commit %s instead of %s" % (git.shown, commit, checksum),
                      "if the commit is the right one, change the checksum")
    if source.submodules and os.path.lexists(os.path.join(directory, ".gitmodules")):
        git.run("submodule", "update", "--init", "--recursive", "--depth=1")
    when = int(git.run("show", "-s", "--format=%ct", "HEAD")) * 1000000000
    git.finish(keep)
    _set_times(directory, when)
    return Checkout(_inside(directory, source.subdir, git.shown), commit, when)


def _with_query(source, query, text):
    found = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in found:
            raise InvalidValue("git", text, "has several values of %s in its query" % key)
        if not value and key not in ("submodules", "keep-git-dir", "fetch-by-commit"):
            raise InvalidValue("git", text, "has no value of %s in its query" % key)
        found[key] = value
    changes = {}
    for key, value in found.items():
        if key in ("ref", "tag", "branch"):
            prefix = {"tag": "refs/tags/", "branch": "refs/heads/"}.get(key, "")
            value = value if value.startswith(prefix) else prefix + value
            if changes.get("ref", source.ref) not in ("", value):
                raise InvalidValue("git", text, "names two refs")
            changes["ref"] = value
        elif key == "subdir":
            if source.subdir not in ("", _relative(value)):
                raise InvalidValue("git", text, "names two directories")
            changes["subdir"] = _relative(value)
        elif key in ("checksum", "commit"):
            changes["checksum"] = value
        elif key in ("keep-git-dir", "submodules", "fetch-by-commit"):
            changes[key.replace("-", "_")] = _truth(value, key, text)
        elif key != "mtime" or value not in ("checkout", "commit"):
            raise InvalidValue("git", text, "has %s in its query, which is not known" % key)
    changes.pop("fetch_by_commit", None)
    return dataclasses.replace(source, **changes)


def _truth(value, key, text):
    if value not in _TRUE + _FALSE:
        raise InvalidValue("git", text, "has %s=%s in its query" % (key, value), "use true or false")
    return value in _TRUE


def _relative(path):
    return os.path.normpath("/" + path).lstrip("/")


def _agreed(one, other):
    for value in (one, other):
        if value and not _COMMIT.fullmatch(value):
            raise InvalidValue("--checksum", value, "is no name of a commit", "give at least 7 hexadecimal digits of it")
    if one and other and one != other:
        raise InvalidValue("--checksum", one, "is not what the address says (%s)" % other)
    return one or other


def _inside(directory, subdir, shown):
    """The path of a directory of the checkout; links lead nowhere else."""
    if not subdir:
        return directory
    try:
        with View(directory, None, shown) as view:
            parts, unused = view.resolve(subdir, subdir)
    except SourceError as error:
        raise NotFound("%s has no directory %s" % (shown, subdir)) from error
    path = os.path.join(directory, *parts)
    if not os.path.isdir(path):
        raise NotFound("%s in %s is no directory" % (subdir, shown))
    return path


def _set_times(directory, when):
    for parent, unused, files in os.walk(directory, topdown=False):
        for name in files:
            os.utime(os.path.join(parent, name), ns=(when, when), follow_symlinks=False)
        for entry in os.scandir(parent):
            if entry.is_symlink():
                os.utime(entry.path, ns=(when, when), follow_symlinks=False)
        os.utime(parent, ns=(when, when))


class _Git:
    """The git command for one repository."""

    def __init__(self, work, directory, remote):
        self.program = shutil.which("git")
        if self.program is None:
            raise Unsupported("there is no git command on this host, which %s needs" % _shown(remote), "install the package git")
        self.directory, self.remote, self.shown = directory, remote, _shown(remote)
        # no hook and no file system monitor of anybody's configuration; links as they are
        self._settings = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=true",
                          "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false", "-c", "gc.auto=0"]
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT}
        self._environment.update(
            GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="/bin/false", SSH_ASKPASS="/bin/false", GIT_ALLOW_PROTOCOL=":".join(_SCHEMES), LC_ALL="C",
            GIT_HTTP_LOW_SPEED_LIMIT="1000", GIT_HTTP_LOW_SPEED_TIME="60", GIT_CEILING_DIRECTORIES=work, GIT_CONFIG_NOSYSTEM="1")
        self._environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")

    def check_out(self, ref):
        """Fetch and check out; returns the commit's name."""
        self.run("init", "-q", "--template=")
        self.run("remote", "add", "origin", self.remote)
        name = self._find(ref)
        if not self._fetch_one(name):
            # servers without shallow or single commits, and short names of commits
            self._fetch_all()
        wanted = "refs/remotes/fetched" if self._has("refs/remotes/fetched") else self._local(ref, name)
        self.run("checkout", "-q", "--force", "--detach", wanted)
        return self.run("rev-parse", "--verify", "HEAD").strip()

    def finish(self, keep):
        """Leave no trace of accounts or of this host in what is kept."""
        inner = os.path.join(self.directory, ".git")
        if not keep:
            shutil.rmtree(inner)
            return
        self.run("remote", "set-url", "origin", self.shown)
        for name in ("logs", "FETCH_HEAD", "index"):
            path = os.path.join(inner, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        # an index without times and inode numbers, so that the same commit gives the same files
        self.run("read-tree", "HEAD")

    def run(self, *words, check=True):
        """Standard output (str) of a git command; None where it fails and ``check`` is false.

        :raises EngineError: it fails; with what it said last.
        """
        argv = [self.program, *self._settings, *words]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function,subprocess-run-check
                argv, cwd=self.directory, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
                umask=0o022, start_new_session=True)
        except subprocess.TimeoutExpired:
            raise Unreachable("%s: git %s took more than an hour" % (self.shown, words[0]), "check the network") from None
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "surrogateescape")
        if not check:
            return None
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "no reason given")
        said = said.replace(self.remote, self.shown).partition(": ")[2] or said
        raise Unreachable("%s: git %s: %s" % (self.shown, words[0], said[:1].lower() + said[1:].rstrip(".")),
                          "check the address, and that this host may read the repository")

    def _find(self, ref):
        """The remote's full name of a ref, the name of a commit as it is, or None for what only the whole history can tell."""
        if _FULL.fullmatch(ref):
            return ref
        wanted = ref or "HEAD"
        listed = self.run("ls-remote", "--", "origin", wanted, wanted + "^{}")
        names = {line.partition("\t")[2] for line in listed.splitlines()}
        # as git checkout does: branches win over tags
        for name in (wanted, "refs/heads/" + wanted, "refs/tags/" + wanted, "refs/" + wanted):
            if name in names:
                return name
        if _COMMIT.fullmatch(ref):
            return None
        raise NotFound("%s has no ref %s" % (self.shown, wanted), "name a branch, a tag or a commit")

    def _fetch_one(self, name):
        if name is None:
            return False
        words = ("fetch", "-q", "--no-tags", "--force", "--update-head-ok")
        return self.run(*words, "--depth=1", "origin", name + ":refs/remotes/fetched", check=False) is not None

    def _fetch_all(self):
        self.run("fetch", "-q", "--force", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")

    def _has(self, name):
        return self.run("rev-parse", "-q", "--verify", name + "^{commit}", check=False) is not None

    def _local(self, ref, name):
        for each in ("refs/remotes/origin/" + (name or "").rpartition("refs/heads/")[2], name, ref):
            if each and each != "HEAD" and self._has(each):
                return each
        if name == "HEAD":
            self.run("remote", "set-head", "origin", "--auto")
            return "refs/remotes/origin/HEAD"
        raise NotFound("%s has no commit %s" % (self.shown, ref), "name a branch, a tag or a commit")


# what people set for good reasons: certificates, accounts, proxies
_KEPT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_PROXY_COMMAND",
         "GIT_CONFIG_GLOBAL")


def _shown(remote):
    """An address without a password."""
    if "://" not in remote:
        return remote
    parts = urlsplit(remote)
    if parts.scheme == "ssh":
        return urlunsplit((parts.scheme, parts.netloc.replace(":" + (parts.password or "\0") + "@", "@"), parts.path, "", ""))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
