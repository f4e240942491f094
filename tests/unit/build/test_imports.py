# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build imports that finds every step in the cache: most of its time is spent on that."""

from __future__ import annotations

import os
import subprocess
import sys

ENGINE = "ansible_collections.agentless.containers.plugins.module_utils.engine."


def test_a_cached_build_needs_no_runtime():
    script = "import sys; import %sbuild.solve; print(*sys.modules, sep='\\n')" % ENGINE
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines())
    assert ENGINE + "build.stage" in loaded
    unwanted = ["build.run", "build.run_mounts", "build.network", "build.git", "build.fetch", "runtime.create", "runtime.bundle",
                "net.attach", "cgroup.manager"]
    assert [name for name in unwanted if ENGINE + name in loaded] == []
    assert not {"ssl", "http.client", "tarfile", "pyroute2"} & loaded
