# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential helpers: programs ``docker-credential-NAME`` that keep logins elsewhere (a key ring, a cloud's own accounts).

Protocol: the verb is the argument; ``get`` and ``erase`` read the server's address, ``store`` reads a JSON object, ``get`` answers with
one. A helper that fails ends with a status other than 0 and says why on standard output.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import time

from ..errors import EngineError, NotFound, TimedOut
from .credentials import Credentials

TIMEOUT = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = "credentials not found in native keychain"
_TOKEN_USER = "<token>"
_MAX_ANSWER = 1 << 20


def get(name, server, where):
    """The :class:`Credentials` that a helper has for a server, or None.

    :param where: the file that names the helper, for messages.
    """
    status, said = _talk(name, "get", server, where)
    if status != 0:
        if _NOT_FOUND in said.lower():
            return None
        raise _failure(name, "get", server, said, where)
    try:
        answer = json.loads(said)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, TypeError, KeyError) as error:
        raise EngineError("credential helper docker-credential-%s (%s) gave no login for %s" % (name, where, server),
                          "run it by hand to see what is wrong") from error
    if username == _TOKEN_USER:
        return Credentials(None, None, secret)
    return Credentials(username, secret) if username or secret else None


def store(name, server, credentials, where):
    """Give a helper a login to keep."""
    secret = credentials.identity_token or credentials.password or ""
    username = _TOKEN_USER if credentials.identity_token else credentials.username
    status, said = _talk(name, "store", json.dumps({"ServerURL": server, "Username": username, "Secret": secret}), where)
    if status != 0:
        raise _failure(name, "store", server, said.replace(secret, "***") if secret else said, where)


def erase(name, server, where):
    """Let a helper forget a login; one that it does not have is success."""
    status, said = _talk(name, "erase", server, where)
    if status != 0 and _NOT_FOUND not in said.lower():
        raise _failure(name, "erase", server, said, where)


def _failure(name, verb, server, said, where):
    return EngineError("credential helper docker-credential-%s (%s) cannot %s the login for %s: %s" % (
        name, where, verb, server, said.strip()[:300] or "it does not say why"), "run it by hand to see what is wrong")


def _talk(name, verb, text, where):
    """(exit status, standard output) of one run."""
    if not _NAME.fullmatch(name):
        raise EngineError("%s names a credential helper %r, which is no name of a program" % (where, name),
                          "correct credsStore or credHelpers there")
    program = "docker-credential-" + name
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    try:
        try:
            pid = os.posix_spawnp(program, [program, verb], os.environ, setsigdef=[signal.SIGPIPE], file_actions=[
                (os.POSIX_SPAWN_DUP2, read_in, 0), (os.POSIX_SPAWN_DUP2, write_out, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        except OSError:
            os.close(write_in)
            raise
        finally:
            os.close(read_in)
            os.close(write_out)
        return _converse(pid, write_in, read_out, text, program)
    except (FileNotFoundError, PermissionError) as error:
        raise NotFound("credential helper %s, which %s names, cannot be run: %s" % (program, where, error.strerror.lower()),
                       "install it in the PATH, give username and password, or take it out of the file") from error
    finally:
        os.close(read_out)


def _converse(pid, write_in, read_out, text, program):
    deadline, said = time.monotonic() + TIMEOUT, b""
    try:
        try:
            os.write(write_in, text.encode() + b"\n")
        except BrokenPipeError:
            pass
        finally:
            os.close(write_in)
        while len(said) <= _MAX_ANSWER:
            ready = select.select([read_out], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                raise TimedOut("credential helper %s did not answer within %d seconds" % (program, TIMEOUT),
                               "it may be asking somebody: unlock what it keeps the logins in")
            data = os.read(read_out, 65536)
            if not data:
                break
            said += data
        else:
            os.kill(pid, signal.SIGKILL)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace")
