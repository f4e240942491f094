# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts: whom we trust and who we are, by the task's options and by the certificate directories that docker and podman read.

A directory ``certs.d/HOST[:PORT]`` holds authorities (``*.crt``) and pairs of client certificate (``NAME.cert``) and key (``NAME.key``).
"""

from __future__ import annotations

import os

from .. import state
from ..errors import EngineError, InvalidValue

CERTIFICATE_DIRECTORIES = ("/etc/containers/certs.d", "/etc/docker/certs.d")


def make_context(options, host, own=True, directories=None):
    """An ssl.SSLContext for one host.

    :param host: as in the address, ``registry.example.com:5000``.
    :param own: whether it is the registry itself: there ``ca_path`` is trusted in place of the system's authorities. For others (the
        token server, storage) it is trusted besides them.
    """
    import ssl

    context = _trusting(ssl, options, own)
    # Python 3.13 refuses what docker, podman and older Pythons take: certificates of small authorities without key identifiers
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    for directory in CERTIFICATE_DIRECTORIES if directories is None else directories:
        _add_directory(ssl, context, os.path.join(directory, host))
    if options.client_cert:
        _add_pair(ssl, context, options.client_cert, options.client_key, "client_cert")
    elif options.client_key:
        raise InvalidValue("client_key", options.client_key, "is given without client_cert", "give the certificate, too")
    if not options.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(ssl, options, own):
    if options.ca_path is None:
        return ssl.create_default_context()
    try:
        if own:
            return ssl.create_default_context(cafile=options.ca_path)
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=options.ca_path)
        return context
    except OSError as error:
        raise InvalidValue("ca_path", options.ca_path, "cannot be read: %s" % _text(error), "give a file of PEM certificates") from error


def _add_directory(ssl, context, directory):
    try:
        names = state.listed(directory)
    except NotADirectoryError:
        return
    for name in names:
        path = os.path.join(directory, name)
        stem, suffix = os.path.splitext(name)
        if suffix == ".crt":
            try:
                context.load_verify_locations(cafile=path)
            except OSError as error:
                raise EngineError("authority %s cannot be read: %s" % (path, _text(error)), "put PEM certificates there") from error
        elif suffix == ".cert":
            if stem + ".key" not in names:
                raise EngineError("client certificate %s has no key" % path, "put it beside the certificate, as %s.key" % stem)
            _add_pair(ssl, context, path, os.path.join(directory, stem + ".key"))


def _add_pair(ssl, context, certificate, key, option=None):
    try:
        # without the password function OpenSSL would ask on the terminal
        context.load_cert_chain(certificate, key or None, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = "cannot be used: %s" % _text(error)
        for path in (certificate, key):
            if path and not os.path.isfile(path):
                reason = "cannot be used: %s is not a file" % path
        hint = "give a PEM certificate and its key without a password; both may be in one file"
        if option:
            raise InvalidValue(option, certificate, reason, hint) from error
        raise EngineError("client certificate %s %s" % (certificate, reason), hint) from error


def _text(error):
    return (getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or error.__class__.__name__).lower()
