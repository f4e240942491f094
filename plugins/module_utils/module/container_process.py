# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module container about its process: what it runs, with which environment, and what becomes of its end and its output."""

from __future__ import annotations

import os
import posixpath
import re

from ..engine.errors import InvalidValue
from ..engine.spec.container import Logging, RestartPolicy

_ENV_NAME = re.compile(r"[^=\0]+\Z")
MOST_FILES = 1000


def command(value, option):
    """A tuple of words; a string is split as a shell would. None and nothing at all -> None."""
    if value is None:
        return None
    if isinstance(value, str):
        import shlex

        try:
            value = shlex.split(value)
        except ValueError as error:
            raise InvalidValue(option, value, "cannot be split into words: %s" % str(error).lower(),
                               "close the quote, or give a list") from None
    if not isinstance(value, (list, tuple)):
        raise InvalidValue(option, value, "is neither a string nor a list of strings")
    for word in value:
        if word is None or isinstance(word, (dict, list)) or "\0" in str(word):
            raise InvalidValue(option, word, "is no word of a command")
    return tuple(str(each) for each in value) or None


def strings(values, option):
    """A sorted dict of strings.

    :raises InvalidValue: a value that YAML made something else of, so that what the container would see is a guess.
    """
    answer = {}
    for key, value in (values or {}).items():
        if not isinstance(value, str):
            if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
                raise InvalidValue(option, {key: value}, "is not a string", 'quote the value: %s: "%s"' % (key, value))
            value = str(value)
        if "\0" in value:
            raise InvalidValue(option, {key: value}, "has a zero byte")
        answer[str(key)] = value
    return dict(sorted(answer.items()))


def environment(params):
    """``env_file`` and, over it, ``env``."""
    values = {}
    for option, given in (("env_file", _env_file(params["env_file"])), ("env", strings(params["env"], "env"))):
        for key in given:
            if not _ENV_NAME.match(key):
                raise InvalidValue(option, key, "is not the name of an environment variable")
        values.update(given)
    return dict(sorted(values.items()))


def _env_file(path):
    if not path:
        return {}
    values = {}
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except OSError as error:
        raise InvalidValue("env_file", path, "cannot be read on the host: %s" % error.strerror.lower()) from error
    except UnicodeDecodeError:
        raise InvalidValue("env_file", path, "is not text in UTF-8") from None
    for line in lines:
        line = line.lstrip()
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            if equals:
                values[key] = value
            elif key in os.environ:
                values[key] = os.environ[key]
    return values


def working_dir(path):
    """An absolute path without ``..`` and double slashes."""
    if path is not None and not path.startswith("/"):
        raise InvalidValue("working_dir", path, "is not an absolute path")
    return path if path is None else posixpath.normpath("/" + path.lstrip("/"))


def restart_policy(params):
    """The RestartPolicy of ``restart_policy`` and ``restart_retries``."""
    name, retries = params["restart_policy"], params["restart_retries"] or 0
    if retries < 0 or (retries and name != "on-failure"):
        raise InvalidValue("restart_retries", retries, "counts for restart_policy on-failure only")
    return RestartPolicy(name, retries)


def stop_signal(value):
    """The name as given, where it is one."""
    if value is not None:
        from ..engine.runtime.kill import signal_number

        signal_number(value)
    return value


def stop_timeout(value):
    """Seconds; 10 where nothing is given."""
    if value is not None and value < 0:
        raise InvalidValue("stop_timeout", value, "is negative", "write 0 to kill at once")
    return 10 if value is None else value


def logging(params):
    """The Logging of ``log_driver`` and ``log_options``, whose sizes are Docker's: -1 is without limit."""
    options = dict(params["log_options"] or {})
    values = {"driver": params["log_driver"]}
    if "max-size" in options:
        from ..engine.spec.resources import parse_memory

        text = options.pop("max-size")
        values["max_size"] = parse_memory(text, "log_options.max-size")
        if not values["max_size"]:
            raise InvalidValue("log_options.max-size", text, "is not a size", "write it as 10m, or -1 for no limit")
    if "max-file" in options:
        text = str(options.pop("max-file"))
        if not re.match(r"[0-9]{1,4}\Z", text) or not 1 <= int(text) <= MOST_FILES:
            raise InvalidValue("log_options.max-file", text, "is not a number of files from 1 to %d" % MOST_FILES)
        values["max_file"] = int(text)
    if options:
        raise InvalidValue("log_options", min(options), "is not an option of log driver %s" % params["log_driver"],
                           "it takes max-size and max-file")
    return Logging(**values)
