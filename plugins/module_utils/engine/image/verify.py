# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what comes from outside: digests and documents."""

from __future__ import annotations

import hashlib
import json
import re

from ..errors import Corrupt

_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")


def check_digest(digest):
    """(algorithm, hexadecimal digits) of a digest.

    :raises Corrupt: it is none, so that nothing of it ever becomes part of a path.
    """
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if match is None:
        raise Corrupt("%r is not a digest" % (digest,), "a digest is sha256: and 64 lower-case hexadecimal digits")
    return (match.group(1), match.group(2)) if match.group(1) else (match.group(3), match.group(4))


def digest_of_bytes(data, like="sha256:"):
    """The digest of bytes with the algorithm of another digest."""
    algorithm = like.partition(":")[0]
    return "%s:%s" % (algorithm, hashlib.new(algorithm, data).hexdigest())


def document(data, what):
    """The JSON object in ``data``.

    :raises Corrupt: it is not a JSON object.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt("%s is not JSON: %s" % (what, error)) from error
    if not isinstance(value, dict):
        raise Corrupt("%s is not a JSON object" % what)
    return value


def check_descriptor(value, what):
    """A JSON descriptor with a sound digest and size.

    :raises Corrupt: otherwise.
    """
    if not isinstance(value, dict) or not isinstance(value.get("size"), int) or isinstance(value.get("size"), bool) or value["size"] < 0:
        raise Corrupt("%s has a malformed descriptor" % what)
    check_digest(value.get("digest"))
    if not isinstance(value.get("mediaType"), str):
        raise Corrupt("%s has a malformed descriptor" % what)
    return value


def check_manifest(value, what):
    """A manifest document whose descriptors are sound. Returns it."""
    if value.get("schemaVersion") != 2 or not isinstance(value.get("layers"), list):
        raise Corrupt("%s is not an image manifest of schema 2" % what, "images of schema 1 are no longer in use; push it anew")
    check_descriptor(value.get("config"), what)
    for layer in value["layers"]:
        check_descriptor(layer, what)
    return value


def check_index(value, what):
    """An index document whose descriptors are sound. Returns it."""
    if not isinstance(value.get("manifests"), list):
        raise Corrupt("%s is not an image index" % what)
    for each in value["manifests"]:
        check_descriptor(each, what)
        if each.get("platform") is not None and not isinstance(each["platform"], dict):
            raise Corrupt("%s has a malformed platform" % what)
    return value


_CONFIG_KINDS = (("Env", list), ("OnBuild", list), ("User", str), ("WorkingDir", str), ("StopSignal", str), ("Labels", dict),
                 ("Volumes", dict), ("ExposedPorts", dict), ("Healthcheck", dict))


def check_config(value, what, layers):
    """An image configuration with one sound diff ID a layer. Returns it."""
    rootfs = value.get("rootfs")
    if not isinstance(rootfs, dict) or not isinstance(rootfs.get("diff_ids"), list):
        raise Corrupt("%s is not an image configuration" % what)
    for diff_id in rootfs["diff_ids"]:
        check_digest(diff_id)
    if len(rootfs["diff_ids"]) != layers:
        raise Corrupt("%s names %d layers where its manifest has %d" % (what, len(rootfs["diff_ids"]), layers))
    for key, kind in (("config", dict), ("history", list), ("architecture", str), ("os", str)):
        if value.get(key) is not None and not isinstance(value[key], kind):
            raise Corrupt("%s has a malformed %s" % (what, key))
    for key, kind in _CONFIG_KINDS:
        found = (value.get("config") or {}).get(key)
        sound = found is None or (isinstance(found, kind) and (kind is not list or all(isinstance(each, str) for each in found)))
        if not sound:
            raise Corrupt("%s has a malformed %s" % (what, key))
    return value
