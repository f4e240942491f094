# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""--chmod: octal and symbolic modes."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.chmod import Chmod
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue


@pytest.mark.parametrize("text, mode, is_directory, result", [
    ("0755", 0o644, False, 0o755), ("4711", 0o600, True, 0o4711),
    ("u=rwX,go=rX", 0o600, False, 0o644), ("u=rwX,go=rX", 0o700, False, 0o755),
    ("u=rwX,go=rX", 0o600, True, 0o755), ("+x", 0o644, False, 0o755), ("a-w", 0o666, False, 0o444), ("g=u", 0o740, False, 0o770),
    ("u+s,g+s", 0o755, False, 0o6755), ("+t", 0o777, True, 0o1777), ("o+t", 0o777, True, 0o777), ("go=", 0o777, False, 0o700),
    ("u=rw,u+x", 0o000, False, 0o700), ("=r", 0o4777, False, 0o444), ("u-x+w", 0o500, False, 0o600), ("a-x,a+X", 0o700, False, 0o711),
])
def test_modes(text, mode, is_directory, result):
    assert oct(Chmod(text).apply(mode, is_directory)) == oct(result)


@pytest.mark.parametrize("text", ["", "8", "10000", "u", "+q", "u=rw,", "rw", "0x1", "u=rwx;"])
def test_what_is_no_mode(text):
    with pytest.raises(InvalidValue) as caught:
        Chmod(text)
    assert repr(text) in str(caught.value)


CLAUSES = st.builds("{}{}{}".format, st.sampled_from(["u", "g", "o", "a", "ug", "go"]), st.sampled_from("+-="),
                    st.sampled_from(["r", "w", "x", "X", "rw", "rwx", "rX", "u", "g", "o", ""]))


@settings(max_examples=40)
@given(st.lists(CLAUSES, min_size=1, max_size=3).map(",".join), st.integers(0, 0o777))
def test_random_modes_are_those_of_chmod(tmp_path_factory, text, mode):
    # GNU's X asks the mode that the clauses before it made, BSD's and BuildKit's the one before all
    assume("X" not in text or "," not in text)
    path = tmp_path_factory.mktemp("chmod") / "file"
    path.touch()
    os.chmod(path, mode)
    subprocess.run(["chmod", "--", text, path], check=True)
    assert oct(Chmod(text).apply(mode, False)) == oct(os.stat(path).st_mode & 0o7777)
