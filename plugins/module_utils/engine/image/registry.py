# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the OCI distribution specification: manifests and blobs. Uploads are in upload.py, lists in listing.py.

Every failure says which registry or image it is about: NotFound, Denied, Unreachable, Corrupt.
"""

from __future__ import annotations

import dataclasses

from ..errors import Corrupt, Denied, EngineError, NotFound, Unreachable
from ..spec.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from .auth import Authorizer
from .credentials import HUB, credentials_for
from .transport import ATTEMPTS, RegistryOptions, Transport, host_port, is_loopback, split, wanted_pause
from .verify import check_digest, digest_of_bytes, document

ACCEPT = "%s, %s, %s, %s" % (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
_HUB_HOST = "registry-1.docker.io"
_MAX_MANIFEST = 4 << 20


@dataclasses.dataclass(frozen=True)
class Remote:
    """What a registry has under a reference. ``data`` is None where it was only asked for (HEAD).

    ``media_type`` is what the registry says; see :func:`resolve.identified`.
    """

    digest: str
    media_type: str
    data: object = None


class Registry:
    """One registry. Use as a context manager: it closes the connections.

    :param name: ``docker.io``, ``registry.example.com:5000``. :param repository: what it is asked about, where logins differ by namespace.
    """

    def __init__(self, name, options=None, home=None, repository=None):
        self.name = name
        self.options = options or RegistryOptions()
        self.host = _HUB_HOST if name == HUB else name
        self.transport = Transport(self.options, self.host)
        self.auth = Authorizer(name, self.transport, lambda: credentials_for(name, self.options, repository, home),
                               lambda: self.base.startswith("https"))
        plain = self.options.plain_http
        # on a loopback address people mean HTTP, unless the answer tells that it speaks TLS after all
        self._may_be_tls = plain is None and is_loopback(self.host)
        self.base = "%s://%s/" % ("http" if plain or self._may_be_tls else "https", self.host)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.transport.close()

    # --- manifests

    def head(self, reference):
        """The digest of what is under a reference, without fetching it: a :class:`Remote`.

        :raises NotFound: nothing is.
        """
        response = self.ask("HEAD", reference, "manifests/" + reference.target, {"Accept": ACCEPT})
        response.data()
        if response.status == 200 and response.header("Docker-Content-Digest"):
            digest = response.header("Docker-Content-Digest")
            check_digest(digest)
            if reference.digest is not None and digest != reference.digest:
                raise self._tampered(digest, reference.digest)
            return Remote(digest, _media_type(response))
        if response.status in (200, 405, 501):
            # it does not tell the digest, or does not know the question
            return self.manifest(reference)
        self.fail(response, reference, b"")

    def manifest(self, reference, digest=None):
        """The manifest or index under a reference (or under a digest in its repository), its digest checked: a :class:`Remote`."""
        target = digest or reference.target
        response = self.ask("GET", reference, "manifests/" + target, {"Accept": ACCEPT})
        data = response.data(_MAX_MANIFEST)
        if response.status != 200:
            self.fail(response, reference, data)
        expected = digest or reference.digest
        found = digest_of_bytes(data, expected or "sha256:")
        if expected is not None and found != expected:
            raise self._tampered(found, expected)
        return Remote(found, _media_type(response), data)

    def _tampered(self, found, expected):
        return Corrupt("registry %s sent a manifest with the digest %s in place of %s" % (self.name, found, expected),
                       "the registry is damaged or was tampered with")

    def put_manifest(self, reference, data, media_type):
        """Store a manifest under a reference's tag (or digest)."""
        response = self.ask("PUT", reference, "manifests/" + reference.target, {"Content-Type": media_type}, lambda: data, len(data), True)
        body = response.data()
        if response.status not in (200, 201, 202):
            self.fail(response, reference, body)

    # --- blobs

    def blob(self, reference, descriptor, offset=0):
        """Yield the content of a blob from ``offset`` on; not checked here.

        :raises Broken: the connection broke; ask again for the rest.
        """
        headers = {"Range": "bytes=%d-" % offset} if offset else {}
        response = self.ask("GET", reference, "blobs/" + descriptor.digest, headers)
        if response.status == 416:
            response.data()
            raise Corrupt("registry %s has less of blob %s than its size says" % (self.name, descriptor.digest))
        if response.status not in (200, 206):
            data = response.data()
            if response.status == 404:
                kept = " (it is kept at %s)" % descriptor.urls[0] if descriptor.urls else ""
                raise NotFound("registry %s lacks blob %s of image %s%s" % (self.name, descriptor.digest, reference.familiar, kept),
                               "layers that a registry must not give away are not fetched" if kept else "push the image anew")
            self.fail(response, reference, data)
        skip = offset
        if response.status == 206:
            begin = (response.header("Content-Range") or "bytes %d-" % offset).partition(" ")[2].partition("-")[0]
            if begin != str(offset):
                response.close()
                raise Corrupt("registry %s sent blob %s from byte %s where it was asked for byte %d on" % (
                    self.name, descriptor.digest, begin, offset), "the registry, or a proxy before it, is set up wrongly")
            skip = 0
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
        response = self.ask("HEAD", reference, "blobs/" + descriptor.digest, {}, push=True)
        response.data()
        if response.status in (200, 404):
            return response.status == 200
        self.fail(response, reference, b"")

    def distrust(self):
        """Whether there is anywhere else to ask after wrong content came: only where there are mirrors (mirrors.py)."""
        return False

    # --- requests

    def url(self, reference, rest):
        """``https://host/v2/team/web/REST``."""
        return "%sv2/%s/%s" % (self.base, reference.repository, rest)

    @staticmethod
    def scope(reference, push):
        """What a token server is asked to allow."""
        return "repository:%s:%s" % (reference.repository, "pull,push" if push else "pull")

    def ask(self, method, reference, rest, headers, make_body=None, length=None, push=False):
        """One request about a reference's repository: a Response of any status."""
        return self.reach(lambda: self.call(method, self.url(reference, rest), self.scope(reference, push), headers, make_body, length))

    def reach(self, send):
        """``send()`` the first request to this registry, and again by TLS if the answer to HTTP tells that it wants that."""
        response = send()
        if self._may_be_tls and response.status == 400 and self._wants_tls():
            response.close()
            self.base = "https" + self.base[4:]
            response = send()
        self._may_be_tls = False
        return response

    def _wants_tls(self):
        """Whether the other end complains about HTTP on a TLS port, as Go's and others' servers do with a 400 in plain text."""
        answer = self.transport.request("GET", self.base + "v2/")
        return answer.status == 400 and b"https" in answer.data().lower()

    def call(self, method, url, scope, headers, make_body=None, length=None, attempts=ATTEMPTS):
        """One request to an address, with authorisation.

        :param scope: str, or tuple of several, or None for whatever the registry asks for.
        """
        if not self._is_own(url):
            return self.transport.request(method, url, headers, make_body, length, attempts)
        used = self.auth.header(scope)
        for unused in range(3):
            sent = dict(headers)
            if used is not None:
                sent["Authorization"] = used
            response = self.transport.request(method, url, sent, make_body, length, attempts)
            # storage that refuses us is no reason to tell anybody who we are
            if response.status != 401 or not self._is_own(response.url):
                return response
            response.data()
            used = self.auth.answer(response, scope, used)
        raise self.auth.denied()

    def _is_own(self, url):
        """Whether an address, which the registry may have given us, is the registry's own: no other server gets our tokens."""
        scheme, host, unused = split(url)
        if scheme == "http" and self.base.startswith("https"):
            raise Unreachable("registry %s sends from https to http (%s)" % (self.name, url.partition("?")[0]),
                              "the registry, or a proxy before it, is set up wrongly (X-Forwarded-Proto)")
        return host_port(host, scheme) == host_port(self.host, self.base.partition(":")[0])

    def fail(self, response, reference, data):
        """Raise what an answer means that is no success.

        :param reference: Reference, or None where the question is about the registry as a whole.
        """
        said = _said(data)
        image = reference.familiar if reference is not None else None
        if response.status == 404:
            if image is None:
                raise NotFound("registry %s does not know the question%s" % (self.name, said), "it may not be a registry")
            raise NotFound("image %s is not in registry %s%s" % (image, self.name, said), "check the name and the tag")
        if response.status == 401:
            raise self.auth.denied(said)
        if response.status == 403:
            raise Denied("registry %s denies access%s%s" % (self.name, " to " + image if image else "", said), "check the account's rights")
        if response.status == 429:
            asked = wanted_pause(response)
            raise Unreachable("registry %s takes no more requests for now%s%s" % (
                self.name, ", and asks to wait %d seconds" % asked if asked else "", said), "log in, try again later, or set a mirror")
        if response.status >= 500:
            raise Unreachable("registry %s failed with status %d%s" % (self.name, response.status, said),
                              "see the registry's log; try again")
        raise EngineError("registry %s answered %d%s%s" % (self.name, response.status, " for " + image if image else "", said))


def _media_type(response):
    return (response.header("Content-Type") or "").partition(";")[0].strip()


def _said(data):
    """The registry's own words out of its JSON error, as `` (words)``."""
    try:
        errors = document(data, "error").get("errors")
        texts = ["%s: %s" % (each.get("code"), each.get("message")) if each.get("message") else str(each.get("code")) for each in errors]
    except (Corrupt, TypeError, AttributeError):
        return ""
    return " (%s)" % "; ".join(texts).lower() if texts else ""
