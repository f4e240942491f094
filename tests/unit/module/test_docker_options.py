# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/docker_container.md says of each option of docker_container what it is here: what it calls the same must be there, the rest not."""

from __future__ import annotations

import pathlib
import re

from ansible_collections.agentless.containers.plugins.module_utils.module.container_arguments import ARGUMENTS

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "docker_container.md"


def rows():
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found.update(dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1]))
    return found


def names():
    return set(ARGUMENTS) | {alias for entry in ARGUMENTS.values() for alias in entry.get("aliases", ())}


def test_what_the_page_calls_the_same_is_an_option():
    there = {option for option, here in rows().items() if here in ("same", "better", "partly")}
    assert len(there) > 50 and there <= names()


def test_what_the_page_calls_missing_is_no_option():
    assert not {option for option, here in rows().items() if here in ("no", "not yet")} & names()


def test_every_option_that_both_could_have_is_on_the_page():
    ours = {"state_root", "username", "password", "validate_certs", "ca_path", "client_cert", "client_key", "plain_http", "timeout",
            "registry_mirrors"}
    assert set(ARGUMENTS) - ours <= set(rows())
