# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads to a registry that refuses, breaks off and forgets."""

from __future__ import annotations

import re

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import upload as module
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import Descriptor
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

CONTENT = bytes(range(256)) * 40
BLOB = Descriptor("x", "sha256:" + "b" * 64, len(CONTENT))


class Uploads:
    """The upload part of a registry. ``faults``: {(method, how often before): answer or function of the request}."""

    def __init__(self, server):
        self.server, self.sessions, self.faults, self.counts, self.mounts, self.done, self.least = server, {}, {}, {}, set(), None, None
        server.answer = self.answer

    def answer(self, request):
        count = self.counts[request.method] = self.counts.get(request.method, 0) + 1
        if (request.method, count) in self.faults:
            fault = self.faults[request.method, count]
            return fault(request) if callable(fault) else fault
        return getattr(self, request.method.lower())(request)

    def _session(self, request):
        return self.sessions.get(re.search(r"uploads/(\d+)", request.path).group(1))

    def post(self, request):
        mount = re.search(r"mount=(sha256:\w+)&from=(\w+)", request.path)
        if mount and mount.groups() in self.mounts:
            return 201, {"Location": "/v2/web/blobs/" + mount.group(1)}, b""
        number = str(len(self.sessions) + 1)
        self.sessions[number] = bytearray()
        headers = {"Location": "/v2/web/blobs/uploads/%s?state=1" % number}
        if self.least:
            headers["OCI-Chunk-Min-Length"] = str(self.least)
        return 202, headers, b""

    def put(self, request):
        session = self._session(request)
        session += request.body
        self.done = bytes(session)
        return 201, {}, b""

    def patch(self, request):
        session = self._session(request)
        if session is None:
            return 404, {}, b""
        begin = int(request.headers["Content-Range"].partition("-")[0])
        if begin != len(session):
            return 416, {}, b""
        session += request.body
        return 202, {"Location": request.path.replace("state=1", "state=2")}, b""

    def get(self, request):
        session = self._session(request)
        if session is None:
            return 404, {}, b""
        return 204, {"Range": "0-%d" % max(0, len(session) - 1), "Location": request.path}, b""


@pytest.fixture
def uploads(server, pauses, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4096)
    return Uploads(server)


@pytest.fixture
def send(server):
    def run(mount_from=None, content=CONTENT):
        blob = Descriptor("x", BLOB.digest, len(content))
        with Registry(server.host, RegistryOptions(timeout=5)) as registry:
            return module.upload(registry, Reference.parse(server.host + "/web:1"), blob,
                                 lambda offset, length: iter([content[offset:offset + length]]), mount_from)
    return run


def ranges(uploads):
    return [each.headers["Content-Range"] for each in uploads.server.requests if each.method == "PATCH"]


def test_in_one_piece(uploads, send):
    assert send() is True and uploads.done == CONTENT and uploads.counts == {"POST": 1, "PUT": 1}


def test_nothing_in_one_piece(uploads, send):
    assert send(content=b"") is True and uploads.done == b"" and uploads.counts == {"POST": 1, "PUT": 1}


def test_mounted(uploads, send):
    uploads.mounts.add((BLOB.digest, "other"))
    assert send("other") is False and uploads.counts == {"POST": 1}


def test_mount_that_the_registry_turns_into_an_upload(uploads, send):
    assert send("other") is True and uploads.done == CONTENT and uploads.counts == {"POST": 1, "PUT": 1}


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_mount_that_is_refused(uploads, send, status):
    uploads.faults["POST", 1] = (status, {}, b"")
    assert send("other") is True and uploads.done == CONTENT and uploads.counts == {"POST": 2, "PUT": 1}


def test_chunks_where_one_piece_is_too_much(uploads, send):
    uploads.faults["PUT", 1] = (413, {}, b"")
    assert send() is True and uploads.done == CONTENT and uploads.counts == {"POST": 2, "PUT": 2, "PATCH": 3}
    assert ranges(uploads) == ["0-4095", "4096-8191", "8192-10239"]


@pytest.mark.parametrize("status", [405, 411, 416, 501])
def test_chunks_where_one_piece_is_not_known(uploads, send, status):
    uploads.faults["PUT", 1] = (status, {}, b"")
    assert send() is True and uploads.done == CONTENT and uploads.counts["PATCH"] == 3


def test_chunks_as_large_as_the_registry_wants(uploads, send):
    uploads.faults["PUT", 1], uploads.least = (413, {}, b""), 6000
    assert send() is True and uploads.done == CONTENT and uploads.counts["PATCH"] == 2


@pytest.mark.parametrize("fault", [None, (503, {}, b""), (502, {}, b"")])
def test_one_piece_that_breaks_is_sent_in_chunks(uploads, send, fault):
    uploads.faults["PUT", 1] = fault
    assert send() is True and uploads.done == CONTENT and uploads.counts["PATCH"] == 3


def test_a_chunk_that_breaks_after_a_part_of_it(uploads, send):
    def keep_half(request):
        session = uploads._session(request)
        session += request.body[:1000]

    uploads.faults["PUT", 1] = None
    uploads.faults["PATCH", 2] = keep_half
    assert send() is True and uploads.done == CONTENT
    assert ranges(uploads) == ["0-4095", "4096-8191", "5096-9191", "9192-10239"]


def test_an_upload_that_the_registry_forgets(uploads, send):
    def forget(request):
        uploads.sessions["2"] = None

    uploads.faults["PUT", 1] = None
    uploads.faults["PATCH", 2] = forget
    assert send() is True and uploads.done == CONTENT and uploads.counts["POST"] == 3


def test_a_registry_that_always_breaks_off(uploads, send):
    for count in range(1, 100):
        uploads.faults["PUT", count] = uploads.faults["PATCH", count] = None
    with pytest.raises(Unreachable):
        send()
    assert uploads.counts["PATCH"] <= 6


@pytest.mark.parametrize("method, answer", [("PUT", (400, {}, b'{"errors":[{"code":"DIGEST_INVALID"}]}')), ("POST", (403, {}, b"")),
                                            ("POST", (202, {}, b""))])
def test_refusals(uploads, send, method, answer):
    uploads.faults[method, 1] = answer
    with pytest.raises(EngineError):
        send()
    assert uploads.done is None
