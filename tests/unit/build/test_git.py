# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git repositories: addresses by a table; a repository over http and over git's own protocol on this machine."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.context import open_context
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.git import GitSource, fetch_git, is_git, parse_git
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import (
    Corrupt,
    InvalidValue,
    NotFound,
    Unreachable,
    Unsupported,
)

WHEN = 1234567890
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.mark.parametrize("text, source", [
    ("https://host/a/b.git", GitSource("https://host/a/b.git")),
    ("https://host/b.git#main", GitSource("https://host/b.git", "main")),
    ("https://host/b.git#main:sub/dir/", GitSource("https://host/b.git", "main", "sub/dir")),
    ("https://host/b.git#:sub", GitSource("https://host/b.git", "", "sub")),
    ("https://host/b.git#:../../etc", GitSource("https://host/b.git", "", "etc")),
    ("http://us:pw@host:8/b.git?tag=v1&subdir=x", GitSource("http://us:pw@host:8/b.git", "refs/tags/v1", "x")),
    ("https://host/b.git?branch=dev&keep-git-dir&submodules=false", GitSource("https://host/b.git", "refs/heads/dev", "", "", True, False)),
    ("https://host/b.git?ref=x&checksum=abcdef1", GitSource("https://host/b.git", "x", "", "abcdef1")),
    ("git://host/b", GitSource("git://host/b")), ("ssh://git@host:22/b", GitSource("ssh://git@host:22/b")),
    ("git@host:a/b.git#v1:d", GitSource("git@host:a/b.git", "v1", "d")), ("github.com/a/b", GitSource("https://github.com/a/b")),
    ("https://host/b.tar", None), ("https://host/b", None), ("./b.git", None), ("b.git", None), ("file:///b.git", None), ("/a/b", None),
    ("ext::sh -c x", None),
])
def test_addresses(text, source):
    assert parse_git(text) == source
    assert is_git(text) is (source is not None)


@pytest.mark.parametrize("query", ["x=y", "ref=a&ref=b", "ref=", "tag=a&branch=b", "keep-git-dir=perhaps", "mtime=now"])
def test_queries_that_make_no_sense(query):
    with pytest.raises(InvalidValue):
        parse_git("https://host/b.git?" + query)
    assert is_git("https://host/b.git?" + query)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *unused):
        pass


class Repository:
    """Two commits; tags one (plain) and annotated on the first, branch dev on the second."""

    def __init__(self, path):
        self.path = path / "served" / "repository"
        self.path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        (self.path / "sub").mkdir()
        (self.path / "file").write_text("one")
        (self.path / "sub" / "Dockerfile").write_text("FROM scratch\n")
        os.chmod(self.path / "file", 0o755)
        os.symlink("/etc", self.path / "out")
        self.one = self.commit("one")
        self.git("tag", "one")
        self.git("tag", "-a", "-m", "x", "annotated")
        (self.path / "file").write_text("two")
        self.two = self.commit("two")
        self.git("branch", "dev")
        self.git("update-server-info")

    def git(self, *words):
        environment = dict(os.environ, HOME="/nonexistent", GIT_COMMITTER_DATE="@%d +0000" % WHEN, GIT_AUTHOR_DATE="@%d +0000" % WHEN)
        settings = ("-c", "user.name=n", "-c", "user.email=e", "-c", "protocol.file.allow=always", "-c", "safe.directory=*")
        done = subprocess.run(["git", *settings, *words], cwd=self.path, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def commit(self, message):
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").strip()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(name="repository", scope="module")
def _repository(tmp_path_factory):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    path = tmp_path_factory.mktemp("git")
    repository = Repository(path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(path / "served")))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    port = free_port()
    words = ["git", "daemon", "--export-all", "--base-path=%s" % (path / "served"), "--listen=127.0.0.1", "--port=%d" % port]
    daemon = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as found:
                if found.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        repository.http = "http://127.0.0.1:%d/repository/.git" % server.server_address[1]
        repository.daemon = "git://127.0.0.1:%d/repository" % port
        yield repository
    finally:
        daemon.terminate()
        daemon.wait()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", ["http", "daemon"])
@pytest.mark.parametrize("fragment, first", [("", False), ("#main", False), ("#dev", False), ("#one", True), ("#annotated", True),
                                             ("#refs/tags/one", True), ("?tag=one", True), ("#{}", True), ("#{:.9}", True)])
def test_refs(repository, tmp_path, kind, fragment, first):
    found = fetch_git(getattr(repository, kind) + fragment.format(repository.one), str(tmp_path))
    assert found.commit == (repository.one if first else repository.two)
    assert sorted(os.listdir(found.directory)) == ["file", "out", "sub"]
    with open(os.path.join(found.directory, "file"), encoding="utf-8") as stream:
        assert stream.read() == ("one" if first else "two")
    status = os.stat(os.path.join(found.directory, "file"))
    assert (status.st_mode & 0o777, status.st_mtime) == (0o755, WHEN)
    assert os.lstat(os.path.join(found.directory, "out")).st_mtime == WHEN
    assert found.time == WHEN * 1000000000


def test_directories_of_a_repository(repository, tmp_path):
    for number, fragment in enumerate(("#main:sub", "?subdir=sub")):
        (tmp_path / str(number)).mkdir()
        assert os.listdir(fetch_git(repository.http + fragment, str(tmp_path / str(number))).directory) == ["Dockerfile"]
    for number, fragment in enumerate(("#main:nope", "#main:out", "#main:file", "#main:out/ssh")):
        (tmp_path / ("x%d" % number)).mkdir()
        with pytest.raises(NotFound):
            fetch_git(repository.http + fragment, str(tmp_path / ("x%d" % number)))


@pytest.mark.parametrize("ref", ["nope", "abcdef1", "0" * 40])
def test_a_ref_that_is_not_there_is_named(repository, tmp_path, ref):
    with pytest.raises((NotFound, Unreachable)) as caught:
        fetch_git(repository.http + "#" + ref, str(tmp_path))
    assert ref in str(caught.value)


def test_the_checksum_of_a_commit(repository, tmp_path):
    for number, checksum in enumerate((repository.one, repository.one[:7])):
        (tmp_path / str(number)).mkdir()
        fetch_git(repository.http + "#one", str(tmp_path / str(number)), checksum=checksum)
    with pytest.raises(Corrupt) as caught:
        fetch_git(repository.http + "#main", str(tmp_path), checksum=repository.one)
    assert repository.two in str(caught.value)
    with pytest.raises(InvalidValue):
        fetch_git(repository.http, str(tmp_path), checksum="sha256:" + "0" * 64)


def test_what_is_kept_of_the_git_directory_tells_no_account_and_is_the_same_again(repository, tmp_path):
    trees = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        address = repository.http.replace("http://", "http://user:secret@") + "#one"
        found = fetch_git(address, str(tmp_path / name), keep_git_dir=True)
        words = ["git", "-c", "safe.directory=*", "--no-optional-locks", "status", "--short"]
        assert subprocess.run(words, cwd=found.directory, check=True, stdout=subprocess.PIPE).stdout == b""
        tree = {}
        for parent, unused, files in os.walk(found.directory):
            for each in files:
                path = os.path.join(parent, each)
                if not os.path.islink(path):
                    with open(path, "rb") as stream:
                        tree[os.path.relpath(path, found.directory)] = stream.read()
        assert not [path for path, data in tree.items() if b"secret" in data or str(tmp_path).encode() in data]
        trees.append(tree)
    assert trees[0] == trees[1]
    assert any(path.startswith(".git/") for path in trees[0])


def test_hooks_and_templates_of_the_host_do_not_run(repository, tmp_path, monkeypatch):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text("#!/bin/sh\ntouch %s/ran\n" % tmp_path)
    os.chmod(hooks / "post-checkout", 0o755)
    (tmp_path / "config").write_text("[core]\n\thooksPath = %s\n[init]\n\ttemplateDir = %s\n" % (hooks, tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    (tmp_path / "work").mkdir()
    fetch_git(repository.http, str(tmp_path / "work"))
    assert not (tmp_path / "ran").exists()


@needs_git
@pytest.mark.parametrize("address", ["ssh://-oProxyCommand=touch${IFS}ran/x", "git@-oProxyCommand=x:y", "-u:x", "git://127.0.0.1:1/x",
                                     "http://127.0.0.1:1/x.git#--upload-pack=touch"])
def test_addresses_that_try_to_be_options(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    with pytest.raises((InvalidValue, Unreachable)):
        fetch_git(address, str(tmp_path / "work"))
    assert os.listdir(tmp_path) == ["work"]


def test_a_submodule_that_is_a_directory_of_the_host_is_not_fetched(repository, tmp_path):
    outer = Repository(tmp_path)
    outer.git("submodule", "add", "-q", "file://%s" % repository.path, "inner")
    outer.commit("three")
    outer.git("update-server-info")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "served")))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        address = "http://127.0.0.1:%d/repository/.git" % server.server_address[1]
        (tmp_path / "a").mkdir()
        with pytest.raises(Unreachable) as caught:
            fetch_git(address, str(tmp_path / "a"))
        assert "submodule" in str(caught.value)
        (tmp_path / "b").mkdir()
        assert os.listdir(os.path.join(fetch_git(address + "?submodules=false", str(tmp_path / "b")).directory, "inner")) == []
        (tmp_path / "c").mkdir()
        outer.git("submodule", "set-url", "inner", repository.daemon)
        outer.commit("four")
        outer.git("update-server-info")
        assert "file" in os.listdir(os.path.join(fetch_git(address, str(tmp_path / "c")).directory, "inner"))
    finally:
        server.shutdown()
        server.server_close()


def test_a_repository_as_context(repository, tmp_path):
    context = open_context(repository.http + "#one:sub", str(tmp_path))
    assert context.dockerfile() == ("FROM scratch\n", "Dockerfile")
    assert not context.keep_owners


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported) as caught:
        fetch_git("https://host/b.git", str(tmp_path))
    assert "git" in caught.value.hint
