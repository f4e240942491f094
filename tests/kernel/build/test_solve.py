# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole builds: steps, cache, stages, mounts, reproducibility, and what a kill leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import workspace
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.store import LayerStore

SEVERAL = """\
FROM busybox
ENV A=1
WORKDIR /srv
RUN echo one > one
COPY file copied
RUN cat copied > two
CMD ["cat", "/srv/two"]
"""


@pytest.mark.fast
def test_steps_run_once_and_then_come_from_the_cache(builder):
    builder.put("file", "content")
    predicted = builder.dry(SEVERAL)
    assert predicted.id is None and [step.text for step in predicted.ran] == [
        "WORKDIR /srv", "RUN echo one > one", "COPY file copied", "RUN cat copied > two"]
    first = builder.build()
    assert len(first.ran) == 4 and builder.content(first.image, "/srv/two") == b"content"
    assert first.config.cmd == ("cat", "/srv/two") and first.config.working_dir == "/srv" and "A=1" in first.config.env
    again = builder.dry()
    assert again.id == first.image.id and not again.ran
    second = builder.build()
    assert second.ran == [] and second.image.id == first.image.id and second.image.manifest_digest == first.image.manifest_digest


def test_the_cache_looks_at_content_and_not_at_times(builder):
    path = builder.put("file", "content")
    first = builder.build(SEVERAL)
    os.utime(path, (1, 1))
    builder.put("other", "not used")
    assert builder.build().image.id == first.image.id
    os.chmod(path, 0o755)
    assert builder.build().ran == ["COPY file copied", "RUN cat copied > two"]
    builder.put("file", "changed")
    assert builder.build().ran == ["COPY file copied", "RUN cat copied > two"]


def test_what_a_run_sees_decides(builder):
    text = "FROM busybox\nARG A=1\nARG B=1\nRUN echo $A\nENV C=%s\nRUN echo $C\n"
    first = builder.build(text % "1")
    assert builder.build(text % "2").ran == ["RUN echo $C"]
    assert builder.build(text % "1").image.id == first.image.id
    assert builder.build(text % "1", args={"A": "2"}).ran == ["RUN echo $A", "RUN echo $C"]
    # a proxy is for the process only
    assert builder.build(text % "1", args={"HTTP_PROXY": "http://127.0.0.1:9"}).ran == []
    assert builder.build("FROM busybox\nRUN echo $HTTP_PROXY", args={"HTTP_PROXY": "http://127.0.0.1:9"}).log.count("127.0.0.1:9") == 1


def test_no_cache_runs_everything_and_what_follows_never_mixes_with_old_layers(builder):
    text = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /id\nRUN cp /id /copy\n"
    builder.build(text)
    second = builder.build(no_cache=True)
    assert len(second.ran) == 2
    third = builder.build()
    assert third.ran == [] and third.image.id == second.image.id
    assert builder.content(third.image, "/id") == builder.content(third.image, "/copy") == builder.content(second.image, "/id")


def test_a_removed_layer_is_a_miss(builder):
    first = builder.build("FROM busybox\nRUN echo a > /a\nRUN echo b > /b\n")
    store = LayerStore(builder.machine.roots)
    store.remove(store.chain_ids(first.image)[-1])
    assert builder.dry().id is None
    assert builder.build().ran == ["RUN echo b > /b"]


def test_stages_are_built_as_needed_and_copied_from(builder):
    text = """\
FROM busybox AS unused
RUN false
FROM busybox AS one
RUN echo one > /one; mkdir /d; echo x > /d/x; chown -R 5:6 /d
FROM one AS two
RUN cat /one > /two
FROM scratch
COPY --from=two /two /
COPY --from=one /d /d
COPY --from=busybox /bin/busybox /bin/busybox
"""
    built = builder.build(text)
    assert not any("false" in each for each in built.ran)
    assert builder.content(built.image, "/two") == b"one\n"
    members = builder.layer(built.image, 1)
    # the content is copied with its owners; the directory is made
    assert (members["d/x"].uid, members["d/x"].gid) == (5, 6)
    assert builder.build(target="one").ran == []
    with pytest.raises(InvalidValue, match="target"):
        builder.build(target="tow")


def test_a_stage_with_the_same_content_does_not_make_others_run(builder):
    text = "FROM busybox AS a\nARG N\nRUN echo $N > /n; echo same > /same\nFROM busybox\nCOPY --from=a /same /\nRUN cat /same\n"
    first = builder.build(text, args={"N": "1"})
    second = builder.build(text, args={"N": "2"})
    assert [each.split()[0] for each in second.ran] == ["RUN"] and second.image.id == first.image.id
    assert builder.build(text, args={"N": "2"}).ran == []


def test_independent_stages_run_at_the_same_time(builder):
    text = "".join("FROM busybox AS s%d\nRUN sleep 1; echo %d > /out\n" % (number, number) for number in range(3))
    text += "FROM scratch\n" + "".join("COPY --from=s%d /out /out%d\n" % (number, number) for number in range(3))
    built = builder.build(text)
    # one after the other they would take three seconds, however busy the machine is
    assert built.outcome.seconds < sum(step.seconds for step in built.outcome.steps) - 1
    assert builder.content(built.image, "/out2") == b"2\n"


def test_a_stage_that_fails_stops_the_others_and_leaves_nothing(builder):
    text = ("FROM busybox AS a\nRUN sleep 0.5 && false\nFROM busybox AS b\nRUN sleep 1\nRUN echo never\nFROM scratch\n"
            "COPY --from=a /x /\nCOPY --from=b /y /\n")
    with pytest.raises(DockerfileError, match=r"Dockerfile:2:1: the command ended with status 1"):
        builder.build(text)


def test_errors_name_file_line_and_output(builder):
    with pytest.raises(DockerfileError) as caught:
        builder.build("FROM busybox\n# comment\nRUN echo out; \\\n    echo err >&2; \\\n    exit 7\n")
    expected = r"Dockerfile:3:1: the command ended with status 7\n 3 \| RUN echo out; \\\n.*\n > out\n > err$"
    assert re.search(expected, str(caught.value), re.DOTALL)
    assert caught.value.details == {"stderr": "out\nerr", "rc": 7}
    with pytest.raises(DockerfileError, match=r"Dockerfile:2:6: .*missing"):
        builder.build("FROM busybox\nCOPY missing /\n")
    with pytest.raises(DockerfileError, match=r"Dockerfile:3:1: USER: 'nobody-here' names a user"):
        builder.build("FROM busybox\nUSER nobody-here\nRUN true\n")
    with pytest.raises(DockerfileError, match=r"Dockerfile:2:1: the command ended with status 127[^>]*> .*/no/such"):
        builder.build('FROM busybox\nRUN ["/no/such"]\n')


def test_run_has_the_surroundings_of_a_container(builder):
    built = builder.build("""\
FROM busybox
RUN id -u; hostname; pwd; echo HOME=$HOME; cat /proc/1/comm; grep -c CapEff:.00000000a80425fb /proc/self/status
USER 1000:1001
WORKDIR /w
RUN id -u; id -g; touch /tmp/mine; mount | grep -c overlay; ls /sys/fs/cgroup | wc -l
""")
    lines = built.log.splitlines()
    assert lines[1:4] == ["0", "buildkitsandbox", "/"] and lines[4] in ("HOME=/root", "HOME=/") and lines[5:7] == ["sh", "1"]
    assert "1000" in lines and "1001" in lines
    assert builder.layer(built.image)["tmp/mine"].uid == 1000


def test_run_leaves_no_trace_of_what_it_only_needed(builder):
    builder.put("empty.tar", b"")
    built = builder.build("FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin /bin\nRUN [\"/bin/sh\", \"-c\", \"echo x > /x\"]\n"
                          "RUN [\"/bin/true\"]\nRUN --mount=type=tmpfs,target=/deep/er [\"/bin/sh\", \"-c\", \"echo y > /deep/y\"]\n")
    assert sorted(builder.layer(built.image, 1)) == ["x"]
    # a step without a change makes no layer
    assert len(built.image.manifest.layers) == 3
    assert [bool(each.empty_layer) for each in built.image.config.history] == [False, False, True, False]
    assert sorted(builder.layer(built.image, 2)) == ["deep", "deep/y"]


def test_mounts_of_run(builder):
    builder.put("in/file", "from the context\n")
    builder.put("hidden", "not to be seen")
    builder.put(".dockerignore", "hidden\n")
    text = """\
FROM busybox AS other
RUN echo other > /o
FROM busybox
RUN --mount=type=bind,target=/ctx cat /ctx/in/file; ls /ctx; touch /ctx/x 2>&1 || true
RUN --mount=type=bind,source=in,target=/ctx,rw echo z > /ctx/z && ls /ctx
RUN --mount=type=bind,from=other,source=/o,target=/o cat /o
RUN --mount=type=cache,target=/cache,id=c,mode=0700,uid=7 echo a >> /cache/n; wc -l < /cache/n; stat -c '%a %u' /cache
RUN --mount=type=cache,target=/cache,id=c,sharing=locked echo a >> /cache/n; wc -l < /cache/n
RUN --mount=type=tmpfs,target=/t,size=1m mount | grep ' /t ' | grep -c size=1024k
RUN --mount=type=secret,id=s cat /run/secrets/s; stat -c %a /run/secrets/s; mount | grep -c /run/secrets/s
RUN --mount=type=secret,id=s,env=TOKEN,target=/tok,mode=0444 echo $TOKEN $(cat /tok)
RUN --mount=type=secret,id=none ls /run
"""
    built = builder.build(text, secrets={"s": b"geheim"})
    for line in ("from the context", "Dockerfile", "in", "touch: /ctx/x: Read-only file system", "z", "other", "1", "700 7", "2",
                 "geheim400", "geheim geheim"):
        assert line in built.log.splitlines(), line
    assert "hidden" not in built.log.splitlines()
    assert not (builder.context / "in" / "z").exists()
    with pytest.raises(DockerfileError, match="secret none is required"):
        builder.build("FROM busybox\nRUN --mount=type=secret,id=none,required true\n")
    # in no layer, no document, no record
    found = subprocess.run(["grep", "-rla", "geheim", builder.machine.roots.state], capture_output=True, text=True, check=False).stdout
    assert found == ""
    # another secret is no reason to run
    assert builder.build(text, secrets={"s": b"anders"}).ran == []


def test_a_bind_mount_is_part_of_what_a_run_depends_on(builder):
    builder.put("in/file", "1")
    text = "FROM busybox\nRUN --mount=type=bind,source=in,target=/in cp /in/file /copy\n"
    builder.build(text)
    builder.put("unrelated", "1")
    assert builder.build(text).ran == []
    builder.put("in/file", "2")
    assert len(builder.build(text).ran) == 1


def test_here_documents(builder):
    built = builder.build("""\
FROM busybox
RUN <<EOF
echo first
echo second
EOF
RUN <<'EOF'
#!/bin/busybox cat
a program
EOF
COPY <<one <<two /d/
1
one
2
two
RUN cat <<X > /x
text
X
""")
    assert "first\nsecond\n" in built.log and "a program" in built.log
    assert builder.content(built.image, "/d/two") == b"2\n" and builder.content(built.image, "/x") == b"text\n"


def test_source_date_epoch_gives_the_same_bytes(builder):
    builder.put("file", "content")
    text = "FROM busybox\nRUN echo x > /x; mkdir /d\nCOPY file /d/\nWORKDIR /w\n"
    first = builder.build(text, epoch=1700000000)
    for record in os.listdir(os.path.join(builder.machine.roots.state, "build", "cache")):
        os.unlink(os.path.join(builder.machine.roots.state, "build", "cache", record))
    os.utime(builder.context / "file")
    time.sleep(1.1)
    second = builder.build(text, epoch=1700000000)
    assert len(second.ran) == 3 and second.image.id == first.image.id
    assert first.image.config.created == "2023-11-14T22:13:20Z"
    assert all(member.mtime <= 1700000000 for index in (1, 2, 3) for member in builder.layer(first.image, index).values())
    assert {each.created for each in first.image.config.history[1:]} == {"2023-11-14T22:13:20Z"}


def test_squash_makes_one_layer_with_the_same_files(builder):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import exec as execution

    text = ("FROM busybox\nRUN echo 1 > /one; mkdir -p /d/e; echo 2 > /d/e/f; echo gone > /gone\n"
            "RUN rm -rf /gone /d && mkdir /d && echo new > /d/n; rm /bin/wget; ln /one /hard; echo 3 > /one\n")
    plain = builder.build(text, name="plain")
    squashed = builder.build(text, squash=True, name="squashed")
    assert len(plain.image.manifest.layers) == 3 and len(squashed.image.manifest.layers) == 2
    listing = []
    for name in ("plain", "squashed"):
        script = ("find / -xdev ! -path '/proc*' ! -path '/etc/h*' ! -path /etc/resolv.conf -exec stat -c '%n %a %u %g %s %h' {} + | sort; "
                  "cat /one /hard /d/n")
        assert builder.machine.converge(name="c-" + name, image=name, command=["sleep", "60"], network_mode="none", stop_timeout=0)[0]
        ended = execution.run(builder.machine.container("c-" + name), ["sh", "-c", script])
        assert ended.returncode == 0
        listing.append(ended.stdout)
    assert listing[0] == listing[1]


def test_cache_from_another_host(builder, tmp_path):
    # steps without a layer are known as well, also those of a stage that the image goes on from
    text = "FROM busybox AS one\nRUN true\nRUN echo a > /a\nWORKDIR /tmp\nFROM one\nRUN echo b > /b\n"
    first = builder.build(text, name="app:1")
    cache = os.path.join(builder.machine.roots.state, "build", "cache")
    for record in os.listdir(cache):
        os.unlink(os.path.join(cache, record))
    assert builder.build(text, cache_from=("app:1",)).ran == []
    again = builder.build(text, cache_from=("nowhere.invalid/x:1",))
    assert again.image.id == first.image.id and "nowhere.invalid" in again.warnings[0]


def test_named_contexts(builder, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "f").write_text("more")
    text = "FROM base\nCOPY --from=more f /f\nRUN --mount=type=bind,from=more,target=/m cat /m/f\n"
    built = builder.build(text, contexts={"more": str(tmp_path / "more"), "base": "docker-image://busybox"})
    assert builder.content(built.image, "/f") == b"more" and "more" in built.log.splitlines()
    assert builder.build(text, contexts={"more": str(tmp_path / "more"), "base": "docker-image://busybox"}).ran == []
    files = "FROM more\nCOPY --from=busybox /bin /bin\n"
    first = builder.build(files, contexts={"more": str(tmp_path / "more")})
    assert builder.content(first.image, "/f") == b"more"
    assert builder.dry(files, contexts={"more": str(tmp_path / "more")}).id == first.image.id


def test_onbuild_triggers_run_in_the_next_build(builder):
    builder.put("file", "trigger")
    base = builder.build("FROM busybox\nONBUILD COPY file /triggered\nONBUILD RUN echo ran\n", name="parent")
    assert base.config.on_build == ("COPY file /triggered", "RUN echo ran")
    child = builder.build("FROM parent\nENV X=1\n")
    assert len(child.ran) == 2 and builder.content(child.image, "/triggered") == b"trigger" and not child.config.on_build


def test_labels_and_history(builder):
    built = builder.build("FROM busybox\nLABEL a=1 b=2\nRUN echo x > /x\n", labels={"b": "3"})
    assert built.config.labels == {"a": "1", "b": "3"}
    assert [each.created_by for each in built.image.config.history[1:]] == ["LABEL a=1 b=2", "RUN /bin/sh -c echo x > /x"]
    assert all(each.created for each in built.image.config.history)


def test_the_default_network_reaches_the_host(builder):
    built = builder.build("FROM busybox\nRUN ip -o addr show eth0 | grep -c inet; ip route | grep -c default; cat /etc/resolv.conf\n"
                          "RUN --network=none ip -o link | wc -l\n", network="default")
    assert built.log.splitlines().count("1") >= 2
    with pytest.raises(DockerfileError, match="--network=host is not allowed"):
        builder.build("FROM busybox\nRUN --network=host true\n")
    with pytest.raises(DockerfileError, match="--security=insecure is not allowed"):
        builder.build("FROM busybox\nRUN --security=insecure true\n")
    insecure = builder.build("FROM busybox\nRUN --security=insecure mount -t tmpfs x /mnt || mkdir /mnt && mount -t tmpfs x /mnt\n",
                             allow=("security.insecure",))
    assert insecure.ran


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.25, 0.6])
def test_a_killed_build_leaves_what_the_next_one_takes_away(builder, tmp_path, seconds):
    text = "FROM busybox\nRUN echo a > /a\nRUN sleep 60 & sleep 60\n"
    builder.put("Dockerfile", text)
    script = tmp_path / "run.py"
    script.write_text("import sys; sys.path[:0] = %r\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.build.settings import Settings\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.build.solve import Build\n"
                      "from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots\n"
                      "with Build(Roots(%r), Settings(source=%r)) as build:\n    build.run()\n"
                      % (sys.path, builder.machine.roots.state, str(builder.context)))
    process = subprocess.Popen(["nsenter", "--net=" + builder.machine.path, sys.executable, str(script)])
    roots = builder.machine.roots
    deadline = time.monotonic() + 20
    while not any(name.startswith(workspace.PREFIX) for name in (os.listdir(roots.layers) if os.path.isdir(roots.layers) else ())):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 10
    # the processes of its steps die with it, one after the other; the last of them gives up the lock
    while not workspace.sweep(roots):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [name for name in os.listdir(roots.layers) if name.startswith(".build")] == []
    # the kernel takes a namespace's links away some time after its last user
    while builder.machine.leftovers():
        assert time.monotonic() < deadline, builder.machine.leftovers()
        time.sleep(0.05)
    from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore

    assert [endpoint for network in NetworkStore(roots).list() for endpoint in NetworkStore(roots).endpoints(network.name)] == []
    built = builder.build("FROM busybox\nRUN echo a > /a\n")
    assert builder.content(built.image, "/a") == b"a\n"


def test_builds_at_the_same_time_share_the_cache(builder):
    import concurrent.futures

    builder.put("file", "content")
    builder.put("Dockerfile", SEVERAL)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        images = [future.result().image.id for future in [pool.submit(builder.build) for unused in range(3)]]
    assert ImageStore(builder.machine.roots).find(images[0]) is not None
    assert builder.build().ran == []


def test_a_missing_base_names_the_line(builder):
    with pytest.raises(EngineError, match=r"Dockerfile:1:6: .*127\.0\.0\.1:1"):
        builder.build("FROM 127.0.0.1:1/none:1\nRUN true\n")


def test_the_host_command_builds_from_standard_input(builder, capsys, monkeypatch):
    import io
    import tarfile

    from ansible_collections.agentless.containers.plugins.module_utils.engine.cli import main

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in (("Dockerfile", "FROM busybox\nARG WHO\nCOPY f /f\nRUN echo $WHO >> /f\n"), ("f", "from ")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))

    def run(*words, data=b""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(SystemExit) as ended, builder.entered():
            main.main(["agentless", "--state-root", builder.machine.roots.state, "build", "--network", "none", *words])
        return ended.value.code, capsys.readouterr()

    code, out = run("-t", "typed:1", "--build-arg", "WHO=stdin", "-", data=archive.getvalue())
    image = ImageStore(builder.machine.roots).find("typed:1")
    assert code == 0 and out.out.strip() == image.id and "[0] RUN echo $WHO >> /f" in out.err
    assert builder.content(image, "/f") == b"from stdin\n"
    code, out = run("-q", "-", data=b"FROM busybox\nRUN exit 9\n")
    assert code == 125 and "Dockerfile:2:1: the command ended with status 9" in out.err
    code, out = run("--secret", "src=/x", str(builder.context))
    assert code == 125 and "--secret: 'src=/x' has no id" in out.err


def test_a_file_that_changes_while_it_is_copied_does_not_poison_the_cache(builder):
    path = builder.put("file", "first")
    text = "FROM busybox\nCOPY file /file\nRUN cat /file\n"
    built = builder.build(text, report=lambda step: path.write_text("later") if "COPY" in step.text else None)
    assert "Dockerfile:2: file changed while it was copied; the step is not cached" in built.warnings
    assert builder.content(built.image, "/file") == b"later"
    path.write_text("first")
    again = builder.build(text)
    assert len(again.ran) == 2 and builder.content(again.image, "/file") == b"first" and again.warnings == []
