# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process in a container does not get at files of the host through what the engine does on its behalf."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import exec as execution

TASK = {"image": "busybox", "network_mode": "none", "stop_timeout": 0}
# what the host's Python needs to run inside
LIBRARIES = [path + ":" + path + ":ro" for path in ("/lib", "/lib64", "/usr/lib") if os.path.isdir(path)]


def script(machine, container, name, text):
    """Put an executable file into a container's upper directory."""
    path = machine.container(container).path("upper", name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, 0o755)


@pytest.mark.parametrize("command", [["/proc/self/exe"], ["/link"], ["/script"], ["/twice"]], ids=lambda words: words[0])
def test_the_host_s_interpreter_cannot_be_run_inside(machine, command):
    arguments = ["-I", "-c", "import os; print('host python, inode', os.stat('/proc/self/exe').st_ino)"]
    machine.converge(name="first", state="present", **dict(TASK, command=command + arguments, volumes=LIBRARIES))
    os.symlink("/proc/self/exe", machine.container("first").path("upper", "link"))
    script(machine, "first", "script", "#!/proc/self/exe\nprint('host python')\n")
    script(machine, "first", "twice", "#! /script -x\n")
    with pytest.raises(EngineError, match="no such command"):
        machine.converge(name="first", **dict(TASK, command=command + arguments, volumes=LIBRARIES))
    machine.converge(name="second", **dict(TASK, command=["sleep", "1000"], volumes=LIBRARIES))
    second = machine.container("second")
    os.symlink("/proc/self/exe", second.path("upper", "link"))
    script(machine, "second", "script", "#!/proc/self/exe\nprint('host python')\n")
    script(machine, "second", "twice", "#! /script -x\n")
    with pytest.raises(EngineError, match="no such command"):
        execution.run(second, command + arguments)


def test_scripts_run_as_the_kernel_runs_them(machine):
    machine.converge(name="box", **dict(TASK, command=["sleep", "1000"]))
    box = machine.container("box")
    script(machine, "box", "one", "#!/bin/sh -eu\necho \"$0 $*\"; false; echo never\n")
    result = execution.run(box, ["/one", "a", "b c"])
    assert (result.returncode, result.stdout) == (1, b"/one a b c\n")
    script(machine, "box", "two", "#! /one x y\n")
    # the kernel hands all after the first blank on as one word; so does one's own first line
    assert execution.run(box, ["/two", "z"]).stdout == b"/one x y /two z\n"
    os.chmod(box.path("upper", "one"), 0o644)
    with pytest.raises(EngineError, match="ermission denied"):
        execution.run(box, ["/one"])
    script(machine, "box", "three", "#!\n")
    with pytest.raises(EngineError, match="xec format"):
        execution.run(box, ["/three"])


def test_a_script_in_a_volume_is_run_without_its_links_followed(machine, tmp_path):
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "run").write_text("#!/volume/sh\necho it runs; exec sleep 1000\n")
    (volume / "run").chmod(0o755)
    (volume / "sh").symlink_to("/bin/sh")
    task = dict(TASK, command=["/volume/run"], volumes=["%s:/volume" % volume])
    machine.converge(name="box", **task)
    assert machine.log("box", wait="it runs")[0] == "it runs\n"
    (volume / "sh").unlink()
    (volume / "sh").symlink_to("/proc/self/exe")
    with pytest.raises(EngineError, match="no such command"):
        machine.converge(name="box", restart=True, **task)


def test_the_name_of_a_process_is_its_program_s(machine):
    machine.converge(name="box", **dict(TASK, command=["sleep", "1000"]))
    with open("/proc/%d/comm" % machine.container("box").state().pid, encoding="ascii") as stream:
        assert stream.read() == "sleep\n"


@pytest.mark.parametrize("place", ["/proc/self/fd/3", "/proc/1/root", "/proc/self/cwd"])
def test_a_working_directory_by_a_link_of_proc_stays_inside(machine, place):
    with open("/agentless-kernel-test-marker", "w", encoding="ascii"):
        pass
    try:
        machine.converge(name="box", **dict(TASK, command=["sleep", "1000"], pid_mode="host"))
        try:
            result = execution.run(machine.container("box"), ["/bin/ls"], chdir=place)
        except EngineError:
            return
        assert b"agentless-kernel-test-marker" not in result.stdout and b"bin" in result.stdout
    finally:
        os.unlink("/agentless-kernel-test-marker")


def test_a_dev_that_is_a_link_leads_nowhere_on_the_host(machine, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    machine.converge(name="box", state="present", **dict(TASK, command=["sleep", "1000"], tty=True))
    upper = machine.container("box").path("upper")
    os.mkdir(os.path.join(upper, "dev.real"))
    if os.path.isdir(os.path.join(upper, "dev")):
        os.rmdir(os.path.join(upper, "dev"))
    os.symlink(str(outside), os.path.join(upper, "dev"))
    machine.converge(name="box", **dict(TASK, command=["sleep", "1000"], tty=True))
    assert list(outside.iterdir()) == []
    assert stat.S_ISCHR(os.stat("/proc/%d/root%s/null" % (machine.container("box").state().pid, outside)).st_mode)
