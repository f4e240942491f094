# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of the image specification: their JSON, and the choice of a platform."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import (
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Manifest,
    Platform,
    choose,
    parse_platform,
    platform_of,
)

CONFIG = {
    "architecture": "arm64", "variant": "v8", "os": "linux", "created": "2026-01-01T00:00:00Z",
    "config": {"User": "www", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=1"], "Entrypoint": ["/e"], "Cmd": ["c", "d"], "WorkingDir": "/w",
               "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5, "StartPeriod": 6}, "Labels": {"a": "b"}, "StopSignal": "SIGQUIT",
               "Shell": ["/bin/ash"], "Volumes": {"/data": {}}, "OnBuild": ["RUN x"]},
    "rootfs": {"diff_ids": ["sha256:" + "1" * 64], "type": "layers"},
    "history": [{"created_by": "x", "empty_layer": True}],
}


def test_config_there_and_back():
    config = ImageConfig.from_json(CONFIG)
    assert config.to_json() == CONFIG
    assert config.config.healthcheck.start_period == 6
    assert config.config.env == ("A=1",) and config.config.exposed_ports == {"80/tcp": {}}
    assert str(config.platform) == "linux/arm64/v8"


def test_config_of_little():
    config = ImageConfig.from_json({"config": None, "rootfs": {"type": "layers", "diff_ids": []}, "unknown": 1})
    assert config.config.cmd is None and config.diff_ids == ()


def test_manifest_there_and_back():
    value = {"config": {"mediaType": "c", "digest": "sha256:" + "2" * 64, "size": 7},
             "layers": [{"mediaType": "l", "digest": "d", "size": 1}], "mediaType": OCI_MANIFEST, "schemaVersion": 2}
    assert Manifest.from_json(value).to_json() == value


def offer(text, digest):
    return Descriptor(OCI_MANIFEST, digest, 1, platform=parse_platform(text))


@pytest.mark.parametrize("wanted, offered, chosen", [
    ("linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"),
    ("linux/arm64", ["linux/amd64", "linux/arm64/v8"], "linux/arm64/v8"),
    ("linux/arm64/v8", ["linux/arm64"], "linux/arm64"),
    ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64/v8"], "linux/arm/v6"),
    ("linux/arm/v6", ["linux/arm/v7"], None),
    ("linux/arm/v7", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"),
    ("linux/amd64", ["linux/amd64/v3", "linux/amd64"], "linux/amd64"),
    ("linux/amd64", ["windows/amd64"], None),
    ("amd64", [], None),
])
def test_choice_of_a_platform(wanted, offered, chosen):
    found = choose([offer(text, text) for text in offered], parse_platform(wanted))
    assert (found.digest if found else None) == chosen


def test_entries_without_platform_are_never_chosen():
    assert choose([Descriptor(OCI_MANIFEST, "x", 1)], Platform("amd64", "linux")) is None


@pytest.mark.parametrize("machine, text", [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv7l", "linux/arm/v7"),
                                           ("riscv64", "linux/riscv64")])
def test_platform_of_a_host(machine, text):
    assert str(platform_of(machine)) == text


@pytest.mark.parametrize("text", ["", "/", "a/b/c/d", "linux//v7"])
def test_malformed_platform(text):
    assert parse_platform(text) is None
