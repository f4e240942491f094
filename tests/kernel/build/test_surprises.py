# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds in odd surroundings, and what a user of another builder would be surprised by."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import workspace
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError


def test_a_strict_umask_of_the_caller_is_not_seen_in_images(builder):
    before = os.umask(0o077)
    try:
        built = builder.build("FROM scratch\nCOPY --from=busybox /bin /bin\n"
                              "RUN --mount=type=cache,target=/c/d stat -c %a / /etc /c; umask\nWORKDIR /w\nUSER 7\nRUN ls / > /dev/null\n")
    finally:
        os.umask(before)
    assert built.log.splitlines()[2:6] == ["755", "755", "755", "0022"]
    assert builder.layer(built.image)["w"].mode == 0o755


def test_programs_run_from_a_tmpfs(builder):
    built = builder.build("FROM busybox\nRUN --mount=type=tmpfs,target=/t echo '#!/bin/sh' > /t/x && chmod +x /t/x && /t/x\n")
    assert built.ran


def test_a_cache_that_is_mounted_twice_is_one_and_does_not_wait_for_itself(builder):
    mount = "--mount=type=cache,id=%s,target=%s,sharing=%s "
    for sharing in ("locked", "private", "shared"):
        words = mount % (sharing, "/a", sharing) + mount % (sharing, "/b", "locked")
        built = builder.build("FROM busybox\nRUN " + words + "echo x > /a/f; ls /b\n")
        assert built.log.splitlines()[-1] == "f"


def test_stages_that_lock_two_caches_in_different_orders_do_not_wait_for_each_other(builder):
    mount = "--mount=type=cache,id=%s,target=/%s,sharing=locked "
    one, two = mount % ("one", "one"), mount % ("two", "two")
    for unused in range(3):
        assert builder.build("FROM busybox AS a\nRUN %ssleep 0.05; echo > /a\nFROM busybox\nRUN %ssleep 0.05\nCOPY --from=a /a /a\n"
                             % (one + two, two + one), no_cache=True).ran


def test_a_failure_ends_the_steps_of_other_stages_at_once(builder):
    began = time.monotonic()
    with pytest.raises(DockerfileError, match=r"Dockerfile:2:1: the command ended with status 3"):
        builder.build("FROM busybox AS a\nRUN sleep 0.3; exit 3\nFROM busybox AS b\nRUN sleep 30\nFROM scratch\n"
                      "COPY --from=a /x /\nCOPY --from=b /y /\n")
    assert time.monotonic() - began < 10 and builder.machine.leftovers() == []


def test_an_interrupt_ends_a_build_and_leaves_nothing(builder):
    pid = os.getpid()
    threading.Timer(0.7, os.kill, (pid, signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        builder.build("FROM busybox\nRUN sleep 30\n")
    assert time.monotonic() - began < 10 and builder.machine.leftovers() == []


def test_the_log_of_a_step_that_never_stops_talking_is_cut(builder):
    built = builder.build("FROM busybox\nRUN yes abcdefghij | head -c 20000000; echo the end\nRUN echo next\n")
    assert (2 << 20) < len(built.log) < (2 << 20) + 1000
    assert "\n[output clipped: the log of a step ends at 2 MiB]\n" in built.log and built.log.endswith("\nnext\n")
    with pytest.raises(DockerfileError, match=r" > the end$"):
        builder.build("FROM busybox\nRUN yes abcdefghij | head -c 20000000; echo; echo the end; false\n")


def test_what_cannot_be_taken_away_of_a_dead_build_keeps_nobody_from_building(builder):
    roots = builder.machine.roots
    stuck = os.path.join(roots.layers, workspace.PREFIX + "0123456789abcdef")
    os.makedirs(stuck)
    pathlib.Path(stuck, "file").touch()
    if subprocess.run(["chattr", "+i", os.path.join(stuck, "file")], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        assert builder.build("FROM busybox\nRUN true\n").ran
    finally:
        subprocess.run(["chattr", "-i", os.path.join(stuck, "file")], check=True)
    assert workspace.sweep(roots) == ["0123456789abcdef"]


def test_an_image_is_of_the_platform_of_its_base(builder):
    built = builder.build("FROM --platform=linux/arm64/v8 scratch\nCOPY --from=busybox /bin/busybox /bin/busybox\n")
    assert (built.image.config.architecture, built.image.config.variant) == ("arm64", "v8")
    assert builder.build("FROM busybox\nENV A=1\n").image.config.architecture == os.uname().machine.replace("x86_64", "amd64")


def test_too_many_layers_are_told_before_a_step_runs(builder, monkeypatch):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.build import result, run

    monkeypatch.setattr(run, "MAX_LAYERS", 3)
    monkeypatch.setattr(result, "OTHERS_LAYERS", 3)
    text = "FROM busybox\nRUN echo > /1\nRUN echo > /2\nRUN echo > /3\n"
    assert builder.build(text).warnings == ["the image has 4 layers: docker takes no more than 3"]
    with pytest.raises(DockerfileError, match=r"Dockerfile:5:1: there are 4 layers below, and 3 is the most") as caught:
        builder.build(text + "RUN echo > /4\n")
    assert caught.value.details is None and "join several RUN" in caught.value.hint


def test_a_dry_run_tells_the_id_of_a_squashed_image(builder):
    text = "FROM busybox\nRUN echo a > /a\nRUN echo b > /b; rm /a\n"
    assert builder.dry(text, squash=True).id is None
    first = builder.build(text, squash=True)
    assert len(first.image.manifest.layers) == 2 and list(builder.layer(first.image)) == [".wh.a", "b"]
    assert builder.dry(text, squash=True).id == first.image.id == builder.build(text, squash=True).image.id
    assert builder.dry(text).id not in (None, first.image.id)


@pytest.mark.parametrize("ignored", [False, True])
def test_a_mounted_context_belongs_to_root_whoever_has_it(builder, ignored):
    builder.put("d/f", "x")
    for path in (builder.context / "d", builder.context / "d" / "f"):
        os.chown(path, 1000, 1000)
    os.chmod(builder.context, 0o700)
    if ignored:
        builder.put(".dockerignore", "nothing")
    built = builder.build("FROM busybox\nUSER 5\nRUN --mount=type=bind,target=/s stat -c '%u:%g %a' /s /s/d /s/d/f\n")
    assert built.log.splitlines()[1:] == ["0:0 755", "0:0 755", "0:0 644"]
    os.chmod(builder.context, 0o755)
    assert builder.build().ran == []


def test_workdir_refuses_a_file(builder):
    with pytest.raises(DockerfileError, match=r"Dockerfile:2:1: /bin/busybox is there and is no directory"):
        builder.build("FROM busybox\nWORKDIR /bin/busybox\nRUN true\n")


def test_a_full_disk_is_named_with_the_step_and_nothing_stays(builder, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "small", str(small)], check=True)
    machine, roots = builder.machine, builder.machine.roots
    try:
        subprocess.run(["cp", "-a", roots.state, str(small / "state")], check=True)
        machine.roots = type(roots)(str(small / "state"), cgroup_parent=roots.cgroup_parent)
        builder.build("FROM busybox\nRUN true\n")
        free = os.statvfs(small).f_bavail
        with pytest.raises(OSError, match="No space left on device: 'the layer of RUN head -c 12000000 /dev/urandom > /a'"):
            builder.build("FROM busybox\nRUN head -c 12000000 /dev/urandom > /a\n")
        with pytest.raises(DockerfileError, match=r"Dockerfile:2:1: the command ended with status 1"):
            builder.build("FROM busybox\nRUN head -c 30000000 /dev/urandom > /a\n")
        assert os.statvfs(small).f_bavail > free - 16
        assert builder.build("FROM busybox\nRUN echo small > /a\n").ran
    finally:
        machine.roots = roots
        subprocess.run(["umount", "-l", str(small)], check=True)
    builder.build("FROM busybox\nRUN true\n")


def test_the_hosts_defaults_of_overlayfs_do_not_change_what_a_layer_holds(builder, tmp_path, monkeypatch):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.rootfs import overlay

    parameters = tmp_path / "parameters"
    parameters.mkdir()
    for name in ("redirect_dir", "metacopy"):
        (parameters / name).write_text("Y\n")
    (parameters / "index").write_text("N\n")
    monkeypatch.setattr(overlay, "PARAMETERS", str(parameters))
    built = builder.build("FROM busybox\nRUN mkdir /d; echo x > /d/f\nRUN mv /d /e; chmod 600 /e/f; grep ' / ' /proc/mounts\n")
    (tmp_path / "lower").mkdir()
    assert overlay.options(str(tmp_path)).endswith("workdir=work,redirect_dir=off,metacopy=off")
    assert builder.content(built.image, "/e/f") == b"x\n" and builder.layer(built.image)["e/f"].size == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_processes_of_a_step_die_with_the_build(builder, tmp_path, number):
    builder.put("Dockerfile", "FROM busybox\nUSER 7\nRUN trap '' TERM; echo begun; sleep 77.%d\n" % number)
    script = tmp_path / "run.py"
    script.write_text("import sys; sys.path[:0] = %r\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.build.settings import Settings\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.build.solve import Build\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots\n"
                      "with Build(Roots(%r), Settings(source=%r, network='none')) as build:\n    build.run()\n"
                      % (sys.path, builder.machine.roots.state, str(builder.context)))
    process = subprocess.Popen(["nsenter", "--net=" + builder.machine.path, sys.executable, str(script)])
    word = b"77.%d" % number
    deadline = time.monotonic() + 20
    while not _running(word):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    process.wait()
    deadline = time.monotonic() + 10
    while _running(word):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while not workspace.sweep(builder.machine.roots):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _running(word):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found += [pid] if word in words else []
    return found


def test_the_option_file_counts_from_where_one_stands(tmp_path, monkeypatch):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.cli import build

    monkeypatch.chdir(tmp_path)
    (tmp_path / "context").mkdir()
    assert build.settings(build.parser().parse_args(["-f", "sub/File", "context"])).dockerfile == str(tmp_path / "sub" / "File")
    assert build.settings(build.parser().parse_args(["-f", "sub/File", "https://host/x.git"])).dockerfile == "sub/File"


def test_bases_that_others_made_oddly(builder):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

    store = ImageStore(builder.machine.roots)
    busybox = store.find("busybox")

    def derive(name, **changes):
        config = store.config_document(busybox.manifest)
        config["config"] = {**(config.get("config") or {}), **changes.pop("config", {})}
        config.update(changes)
        store.add(create.store_image(store.blobs, config, busybox.manifest.layers), [Reference.parse(name).canonical])

    derive("one-word", config={"Shell": "/bin/echo"})
    assert "it was said" in builder.build("FROM one-word\nRUN it was said\n").log.splitlines()
    derive("windows", os="windows")
    with pytest.raises(DockerfileError, match=r"Dockerfile:1:6: image windows is for windows"):
        builder.build("FROM windows\nRUN dir\n")


def test_a_program_in_a_here_document_of_any_name(builder):
    assert "dots" in builder.build("FROM busybox\nRUN <<..\n#!/bin/sh\necho dots\n..\n").log.splitlines()
