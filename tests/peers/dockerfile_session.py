# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that comparing Dockerfiles needs, from its beginning to its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import tarfile

from dockerfile_peers import BASES, CHECKOUT, PEER_ROOT, Buildah, BuildKit, Namespaces, Ours, base_archive


class Session:
    """Namespaces, servers, peers and our own store in ``directory``; use as a context manager."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._open()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *unused):
        self._undo.close()

    def _open(self):
        # the peers' root serves one session at a time
        lock = self._undo.enter_context((PEER_ROOT.parent / "lock").open("w", encoding="utf-8"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        layer = (CHECKOUT / ".cache" / "images" / "busybox.tar").read_bytes()
        archives = {name: base_archive(name, layer) for name in BASES}
        self._undo.callback(_clean)
        _clean()
        (PEER_ROOT / "work").mkdir()
        namespaces = self._undo.enter_context(Namespaces(PEER_ROOT / "work"))
        namespaces.serve(self._files(), self._repositories())
        namespaces.start(["ssh-agent", "-D", "-a", str(PEER_ROOT / "work" / "agent.sock")], stdout=subprocess.DEVNULL)
        self.peers = {"buildkit": BuildKit(namespaces, archives), "buildah": Buildah(namespaces, archives)}
        place = self.directory / "ours"
        place.mkdir()
        self._undo.callback(shutil.rmtree, place)
        self.ours = Ours(place, archives, namespaces.network)

    def _files(self):
        files = self.directory / "files"
        files.mkdir()
        (files / "hello.txt").write_text("hello\n", encoding="utf-8")
        with tarfile.open(files / "t.tar", "w") as archive:
            archive.add(files / "hello.txt", "inside")
        return files

    def _repositories(self):
        work, repositories = self.directory / "work-tree", self.directory / "repositories"
        script = """
            git init -q -b main W && cd W && mkdir sub && echo top > top && echo in > sub/in && chmod 0755 sub/in && ln -s top link
            git add . && git commit -q -m one
            git checkout -q -b branch && echo branch > sub/branch && git add . && git commit -q -m two && git checkout -q main
            git clone -q --bare . R/repo.git"""
        identity = {"GIT_%s_%s" % (who, what): "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["sh", "-euc", script.replace("R/", str(repositories) + "/").replace("W", str(work))], check=True,
                       env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null"})
        return repositories


def _clean():
    """What peers leave: their stores, and control groups of ours to remove."""
    shutil.rmtree(PEER_ROOT / "work", ignore_errors=True)
    hierarchies = pathlib.Path("/sys/fs/cgroup")
    for pattern in ("*/docker/buildkit/*", "*/docker/buildkit", "*/docker"):
        for path in hierarchies.glob(pattern):
            with contextlib.suppress(OSError):
                path.rmdir()
