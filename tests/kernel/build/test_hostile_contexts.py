# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts, archives and images that try to read or write what is not theirs; each test has the name of its attack.

The host has a secret and a victim directory beside the trees: the secret must never turn up in the image, the victim never change.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.context import open_context
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.copy import place
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.select import select
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.view import SourceError
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue, NotFound

SECRET = "the host's own secret"


class Host:
    def __init__(self, path):
        self.path, self.context, self.image, self.victim = path, path / "context", path / "image", path / "victim"
        for directory in (self.context, self.image, self.victim):
            directory.mkdir()
        self.secret = path / "secret"
        self.secret.write_text(SECRET)
        (self.victim / "kept").write_text("kept")
        os.utime(self.victim, ns=(1, 1))

    def copy(self, sources, destination, keyword="COPY", **options):
        return place(select(str(self.context), sources), str(self.image), destination, keyword=keyword, **options)

    def check(self):
        """Nothing of the host was read into the image or changed."""
        assert sorted(os.listdir(self.victim)) == ["kept"]
        assert (self.victim / "kept").read_text() == "kept"
        status = os.stat(self.victim)
        assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode), status.st_uid) == (1, 0o755, 0)
        assert self.secret.read_text() == SECRET
        for parent, unused, files in os.walk(self.image):
            for name in files:
                path = os.path.join(parent, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, encoding="utf-8", errors="replace") as stream:
                        assert SECRET not in stream.read()

    @contextlib.contextmanager
    def swapping(self, one, other):
        """Exchange two names all the time."""
        stop = threading.Event()

        def work():
            third = str(one) + ".third"
            while not stop.is_set():
                for first, second in ((one, third), (other, one), (third, other)):
                    with contextlib.suppress(OSError):
                        os.rename(first, second)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture(name="host")
def _host(tmp_path):
    os.umask(0o022)
    host = Host(tmp_path)
    yield host
    host.check()


# --- contexts

@pytest.mark.parametrize("target", ["../secret", "../../../../{}/secret", "{}/secret", "up/secret"])
def test_context_link_to_a_file_of_the_host(host, target):
    os.symlink("..", host.context / "up")
    os.symlink(target.format(host.path), host.context / "link")
    with pytest.raises(SourceError):
        host.copy(["link"], "/")
    with pytest.raises(SourceError):
        host.copy(["l*k"], "/")


def test_context_link_to_a_directory_of_the_host(host):
    os.symlink(str(host.path), host.context / "d")
    for source in ("d/secret", "d", "d/*", "d/../secret"):
        with pytest.raises(SourceError):
            host.copy([source], "/")


def test_context_ignore_file_that_is_a_link_out_of_it(host):
    (host.path / "list").write_text("a\n")
    os.symlink("../list", host.context / ".dockerignore")
    assert open_context(str(host.context), str(host.path)).ignore is None


def test_context_dockerfile_that_is_a_link_out_of_it(host):
    os.symlink("../secret", host.context / "Dockerfile")
    with pytest.raises(NotFound):
        open_context(str(host.context), str(host.path)).dockerfile()
    with pytest.raises(NotFound):
        open_context(str(host.context), str(host.path)).dockerfile("../secret")


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR])
def test_context_dockerfile_that_never_ends(host, kind):
    os.mknod(host.context / "Dockerfile", kind | 0o644, os.makedev(1, 5) if kind == stat.S_IFCHR else 0)
    with pytest.raises(InvalidValue):
        open_context(str(host.context), str(host.path)).dockerfile()


def test_context_file_swapped_for_a_link_while_it_is_copied(host):
    (host.context / "d").mkdir()
    (host.context / "d" / "a").write_text("mine")
    os.symlink(host.secret, host.path / "link")
    with host.swapping(host.context / "d" / "a", host.path / "link"):
        for unused in range(300):
            with contextlib.suppress(SourceError):
                selection = select(str(host.context), ["d", "d/a"])
                selection.digest()
                place(selection, str(host.image), "/")
    host.check()


def test_context_directory_swapped_for_a_link_while_it_is_copied(host):
    (host.context / "a" / "b").mkdir(parents=True)
    (host.context / "a" / "b" / "secret").write_text("mine")
    os.symlink(host.path, host.path / "link")
    with host.swapping(host.context / "a" / "b", host.path / "link"):
        for unused in range(300):
            with contextlib.suppress(SourceError):
                selection = select(str(host.context), ["a", "a/b/secret", "*/*/sec*"])
                selection.digest()
                place(selection, str(host.image), "/")
    host.check()


def test_context_file_swapped_for_a_pipe_does_not_hang(host):
    (host.context / "a").write_text("mine")
    selection = select(str(host.context), ["a"])
    (host.context / "a").unlink()
    os.mkfifo(host.context / "a")
    acts = [selection.digest] + [lambda each=each: place(selection, str(host.image), "/", keyword=each) for each in ("COPY", "ADD")]
    for act in acts:
        with pytest.raises(SourceError) as caught:
            act()
        assert "changed" in str(caught.value)


def test_context_file_swapped_for_a_device_is_not_read(host):
    (host.context / "a").write_text("mine")
    selection = select(str(host.context), ["a"])
    (host.context / "a").unlink()
    os.mknod(host.context / "a", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    for act in (selection.digest, lambda: place(selection, str(host.image), "/")):
        with pytest.raises(SourceError):
            act()


# --- images

@pytest.mark.parametrize("link", ["/victim", "../victim", "../../../../../../{}/victim", "{}/victim"])
def test_image_link_to_a_directory_of_the_host(host, link):
    (host.context / "a").write_text("a")
    (host.context / "d").mkdir()
    (host.context / "d" / "kept").write_text("overwritten")
    os.symlink(link.format(host.path), host.image / "out")
    host.copy(["a"], "/out/")
    host.copy(["d"], "/out")
    host.copy(["a"], "/out/x/y")
    inside = "victim" if "{" not in link else str(host.path)[1:] + "/victim"
    assert (host.image / inside / "kept").read_text() == "overwritten"


def test_image_link_to_a_file_of_the_host(host):
    (host.context / "a").write_text("a")
    os.symlink(str(host.secret), host.image / "out")
    os.symlink("../victim/kept", host.image / "up")
    host.copy(["a"], "/out")
    host.copy(["a"], "/up")
    assert (host.image / "victim" / "kept").read_text() == "a"


def test_image_link_where_the_source_has_a_directory(host):
    (host.context / "d" / "out").mkdir(parents=True)
    (host.context / "d" / "out" / "kept").write_text("overwritten")
    os.symlink(str(host.victim), host.image / "out")
    with pytest.raises(SourceError):
        host.copy(["d"], "/")


def test_image_link_where_the_source_has_a_file(host):
    (host.context / "d").mkdir()
    (host.context / "d" / "kept").write_text("overwritten")
    os.symlink(str(host.victim / "kept"), host.image / "kept")
    host.copy(["d"], "/")
    assert not os.path.islink(host.image / "kept")


def test_image_directory_swapped_for_a_link_while_it_is_written_to(host):
    (host.context / "d").mkdir()
    for number in range(5):
        (host.context / "d" / ("f%d" % number)).write_text("new")
    (host.image / "x").mkdir()
    os.symlink(str(host.victim), host.path / "link")
    with host.swapping(host.image / "x", host.path / "link"):
        for unused in range(300):
            with contextlib.suppress(SourceError, FileNotFoundError, NotADirectoryError, FileExistsError):
                os.makedirs(host.context / "e" / "x", exist_ok=True)
                host.copy(["d"], "/x/", chmod="0600", owner=(5, 5))
                host.copy(["d/f1"], "/x/y/", owner=(5, 5))
                host.copy(["e"], "/", chmod="0700", owner=(5, 5))
    host.check()


# --- archives

def archive(*members):
    """Bytes of a tar; a member is (name, content or link target, type)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as stream:
        for name, content, kind in members:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            if kind == tarfile.REGTYPE:
                entry.size = len(content)
                stream.addfile(entry, io.BytesIO(content.encode()))
            else:
                entry.linkname = content
                entry.mode = 0o755
                stream.addfile(entry)
    return data.getvalue()


FILE, LINK, HARD, DIRECTORY = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
ATTACKS = {
    "dots": [("../victim/kept", "x", FILE)],
    "dots inside": [("a/../../victim/kept", "x", FILE)],
    "link up": [("l", "../victim", LINK), ("l/kept", "x", FILE)],
    "absolute link": [("l", "{}/victim", LINK), ("l/kept", "x", FILE)],
    "link to link": [("l", "m", LINK), ("m", "../victim", LINK), ("l/kept", "x", FILE)],
    "hard link": [("h", "../secret", HARD)],
    "hard link to an absolute path": [("h", "{}/secret", HARD)],
    "hard link through a link": [("l", "..", LINK), ("h", "l/secret", HARD)],
    "directory attributes through a link": [("l", "../victim", LINK), ("l/.", "", DIRECTORY)],
    "whiteout": [(".wh.kept", "", FILE)],
    "opaque": [("d/.wh..wh..opq", "", FILE)],
}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_archive(host, name):
    members = [(path, content.format(host.path) if kind in (LINK, HARD) else content, kind) for path, content, kind in ATTACKS[name]]
    (host.context / "a.tar").write_bytes(archive(*members))
    with contextlib.suppress(EngineError):
        host.copy(["a.tar"], "/", keyword="ADD")
    host.check()
    with contextlib.suppress(EngineError):
        os.mkdir(host.path / "work")
        open_context(archive(*members), str(host.path / "work"))
    host.check()


@pytest.mark.parametrize("name", ["dots", "link up", "hard link", "whiteout", "opaque"])
def test_archive_is_refused_by_name(host, name):
    (host.context / "a.tar").write_bytes(archive(*ATTACKS[name]))
    with pytest.raises(SourceError) as caught:
        host.copy(["a.tar"], "/x", keyword="ADD")
    assert caught.value.source == "a.tar"


def test_archive_into_an_image_whose_links_lead_out(host):
    os.symlink(str(host.victim), host.image / "out")
    os.symlink("../victim", host.image / "up")
    (host.context / "a.tar").write_bytes(archive(("out/kept", "x", FILE), ("up/kept", "x", FILE)))
    with contextlib.suppress(SourceError):
        host.copy(["a.tar"], "/", keyword="ADD")
    host.check()
    host.copy(["a.tar"], "/out", keyword="ADD")
    assert (host.image / str(host.victim)[1:] / "out" / "kept").read_text() == "x"
