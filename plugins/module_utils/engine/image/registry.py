# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the OCI distribution specification: manifests and blobs, both ways.

Every failure says which registry or image it is about: NotFound, Denied, Unreachable, Corrupt.
"""

from __future__ import annotations

import dataclasses
import time

from ..errors import Corrupt, Denied, EngineError, NotFound, Unreachable
from ..spec.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from .auth import Authorizer, credentials_for
from .transport import Broken, RegistryOptions, Transport, is_loopback, join, label
from .verify import check_digest, digest_of_bytes, document

ACCEPT = "%s, %s, %s, %s" % (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
_HUB = "registry-1.docker.io"
_MAX_MANIFEST = 4 << 20
_ATTEMPTS = 4
CHUNK = 16 << 20


@dataclasses.dataclass(frozen=True)
class Remote:
    """What a registry has under a reference. ``data`` is None where it was only asked for (HEAD)."""

    digest: str
    media_type: str
    data: object = None


class Registry:
    """One registry. Use as a context manager: it closes the connections."""

    def __init__(self, name, options=None, home=None):
        self.name = name
        self.options = options or RegistryOptions()
        self.transport = Transport(self.options)
        self._auth = Authorizer(name, self.transport, credentials_for(name, self.options, home))
        host = _HUB if name == "docker.io" else name
        plain = self.options.plain_http
        # on a loopback address people mean HTTP, unless the answer tells that it speaks TLS after all
        self._may_be_tls = plain is None and is_loopback(host)
        self._base = "%s://%s/v2/" % ("http" if plain or self._may_be_tls else "https", host)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.transport.close()

    # --- manifests

    def head(self, reference):
        """The digest of what is under a reference, without fetching it: a :class:`Remote`.

        :raises NotFound: nothing is.
        """
        response = self._ask("HEAD", reference, "manifests/" + reference.target, {"Accept": ACCEPT})
        response.data()
        if response.status == 200 and response.header("Docker-Content-Digest"):
            digest = response.header("Docker-Content-Digest")
            check_digest(digest)
            return Remote(digest, _media_type(response))
        if response.status in (200, 405, 501):
            # it does not tell the digest, or does not know the question
            return self.manifest(reference)
        self._fail(response, reference, b"")

    def manifest(self, reference, digest=None):
        """The manifest or index under a reference (or under a digest in its repository), its digest checked: a :class:`Remote`."""
        target = digest or reference.target
        response = self._ask("GET", reference, "manifests/" + target, {"Accept": ACCEPT})
        data = response.data(_MAX_MANIFEST)
        if response.status != 200:
            self._fail(response, reference, data)
        expected = digest or reference.digest
        found = digest_of_bytes(data, expected or "sha256:")
        if expected is not None and found != expected:
            raise Corrupt("registry %s sent a manifest with the digest %s in place of %s" % (self.name, found, expected),
                          "the registry is damaged or was tampered with")
        return Remote(found, _media_type(response), data)

    def put_manifest(self, reference, data, media_type):
        """Store a manifest under a reference's tag (or digest)."""
        response = self._ask("PUT", reference, "manifests/" + reference.target, {"Content-Type": media_type}, lambda: data, len(data), True)
        body = response.data()
        if response.status not in (200, 201, 202):
            self._fail(response, reference, body)

    # --- blobs

    def blob(self, reference, descriptor, offset=0):
        """Yield the content of a blob from ``offset`` on; not checked here.

        :raises Broken: the connection broke; ask again for the rest.
        """
        headers = {"Range": "bytes=%d-" % offset} if offset else {}
        response = self._ask("GET", reference, "blobs/" + descriptor.digest, headers)
        if response.status == 416:
            response.data()
            raise Corrupt("registry %s has less of blob %s than its size says" % (self.name, descriptor.digest))
        if response.status not in (200, 206):
            data = response.data()
            if response.status == 404:
                raise NotFound("registry %s lacks blob %s of image %s" % (self.name, descriptor.digest, reference.familiar),
                               "push the image anew")
            self._fail(response, reference, data)
        skip = offset if response.status == 200 else 0
        for chunk in response.chunks():
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            yield chunk[skip:] if skip else chunk
            skip = 0

    def small_blob(self, reference, descriptor, limit=8 << 20):
        """The whole content of a document (configuration), checked."""
        if descriptor.size > limit:
            raise Corrupt("document %s of image %s has %d bytes" % (descriptor.digest, reference.familiar, descriptor.size))
        data = b""
        for chunk in self.blob(reference, descriptor):
            data += chunk
            if len(data) > descriptor.size:
                break
        if len(data) != descriptor.size or digest_of_bytes(data, descriptor.digest) != descriptor.digest:
            raise Corrupt("registry %s sent content that does not have the digest %s" % (self.name, descriptor.digest),
                          "the registry is damaged or was tampered with")
        return data

    def has_blob(self, reference, descriptor):
        """Whether the repository has a blob."""
        response = self._ask("HEAD", reference, "blobs/" + descriptor.digest, {}, push=True)
        response.data()
        if response.status in (200, 404):
            return response.status == 200
        self._fail(response, reference, b"")

    def upload(self, reference, descriptor, open_chunks):
        """Upload a blob in one piece, or in several where the registry refuses one.

        :param open_chunks: function (offset, length) that returns an iterator over that part of the content.
        """
        location = self._start_upload(reference)
        response = self._call("PUT", _with_digest(location, descriptor.digest), self._scope(reference, True),
                              {"Content-Type": "application/octet-stream"}, lambda: open_chunks(0, descriptor.size), descriptor.size)
        data = response.data()
        if response.status == 413 and descriptor.size > CHUNK:
            self._upload_chunked(reference, descriptor, open_chunks)
        elif response.status not in (201, 204):
            self._fail(response, reference, data)

    def _upload_chunked(self, reference, descriptor, open_chunks):
        location, scope = self._start_upload(reference), self._scope(reference, True)
        for offset in range(0, descriptor.size, CHUNK):
            length = min(CHUNK, descriptor.size - offset)
            headers = {"Content-Type": "application/octet-stream", "Content-Range": "%d-%d" % (offset, offset + length - 1)}
            response = self._call("PATCH", location, scope, headers, lambda at=offset, count=length: open_chunks(at, count), length)
            data = response.data()
            if response.status not in (202, 204):
                self._fail(response, reference, data)
            location = join(location, response.header("Location") or location)
        response = self._call("PUT", _with_digest(location, descriptor.digest), scope, {}, None, 0)
        data = response.data()
        if response.status not in (201, 204):
            self._fail(response, reference, data)

    def _start_upload(self, reference):
        response = self._ask("POST", reference, "blobs/uploads/", {}, None, 0, True)
        data = response.data()
        if response.status not in (200, 202) or not response.header("Location"):
            self._fail(response, reference, data)
        return join(self._url(reference, "blobs/uploads/"), response.header("Location"))

    # --- requests

    def _url(self, reference, rest):
        return "%s%s/%s" % (self._base, reference.repository, rest)

    @staticmethod
    def _scope(reference, push):
        return "repository:%s:%s" % (reference.repository, "pull,push" if push else "pull")

    def _ask(self, method, reference, rest, headers, make_body=None, length=None, push=False):
        response = self._call(method, self._url(reference, rest), self._scope(reference, push), headers, make_body, length)
        if self._may_be_tls and response.status == 400 and self._wants_tls():
            response.close()
            self._base = "https" + self._base[4:]
            self._may_be_tls = False
            return self._ask(method, reference, rest, headers, make_body, length, push)
        self._may_be_tls = False
        return response

    def _wants_tls(self):
        """Whether the other end complains about HTTP on a TLS port, as Go's and others' servers do with a 400 in plain text."""
        answer = self.transport.request("GET", self._base)
        return answer.status == 400 and b"https" in answer.data().lower()

    def _call(self, method, url, scope, headers, make_body=None, length=None):
        """One request with authorisation; a registry that is busy or breaks off is asked again."""
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                response = self._authorised(method, url, scope, headers, make_body, length)
            except Broken:
                if last:
                    raise
                time.sleep(0.2 * attempt)
                continue
            if response.status in (429, 500, 502, 503, 504) and not last:
                response.data()
                time.sleep(_patience(response, attempt))
                continue
            return response
        raise Unreachable("%s does not answer" % label(url))

    def _authorised(self, method, url, scope, headers, make_body, length):
        used = self._auth.header(scope)
        for unused in range(3):
            sent = dict(headers)
            if used is not None:
                sent["Authorization"] = used
            response = self.transport.request(method, url, sent, make_body, length)
            if response.status != 401:
                return response
            response.data()
            used = self._auth.answer(response, scope, used)
        raise self._auth.denied()

    def _fail(self, response, reference, data):
        said = _said(data)
        image = reference.familiar
        if response.status == 404:
            raise NotFound("image %s is not in registry %s%s" % (image, self.name, said), "check the name and the tag")
        if response.status == 401:
            raise self._auth.denied()
        if response.status == 403:
            raise Denied("registry %s denies access to %s%s" % (self.name, image, said), "check the account's rights")
        if response.status == 429:
            raise Unreachable("registry %s takes no more requests for now%s" % (self.name, said), "log in, or try again later")
        if response.status >= 500:
            raise Unreachable("registry %s failed with status %d%s" % (self.name, response.status, said),
                              "see the registry's log; try again")
        raise EngineError("registry %s answered %d for %s%s" % (self.name, response.status, image, said))


def _media_type(response):
    return (response.header("Content-Type") or OCI_MANIFEST).partition(";")[0].strip()


def _with_digest(location, digest):
    return "%s%sdigest=%s" % (location, "&" if "?" in location else "?", digest)


def _patience(response, attempt):
    """Seconds to wait before the next attempt; a registry may ask for up to ten."""
    asked = response.header("Retry-After") or ""
    return min(int(asked), 10) if asked.isdigit() else 0.3 * attempt


def _said(data):
    """The registry's own words out of its JSON error, as `` (words)``."""
    try:
        errors = document(data, "error").get("errors")
        texts = ["%s: %s" % (each.get("code"), each.get("message")) if each.get("message") else str(each.get("code")) for each in errors]
    except (Corrupt, TypeError, AttributeError):
        return ""
    return " (%s)" % "; ".join(texts).lower() if texts else ""
