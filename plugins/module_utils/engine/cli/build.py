# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``agentless build``: what module image_build does, typed by hand. ``-`` reads an archive or a Dockerfile from standard input."""

from __future__ import annotations

import argparse
import os
import sys

from ..build.settings import CACHED, Settings, agent_socket, source_date_epoch
from ..build.solve import Build
from ..errors import EngineError, InvalidValue
from ..image.store import ImageStore
from ..spec.reference import Reference


def parser():
    """The options, as docker build has them."""
    found = argparse.ArgumentParser(prog="agentless build", description="Build an image from a Dockerfile.")
    found.add_argument("context", metavar="PATH|URL|-")
    found.add_argument("-t", "--tag", action="append", default=[], metavar="NAME[:TAG]")
    found.add_argument("-f", "--file", metavar="DOCKERFILE")
    found.add_argument("--build-arg", action="append", default=[], metavar="NAME[=VALUE]")
    found.add_argument("--build-context", action="append", default=[], metavar="NAME=PATH")
    found.add_argument("--label", action="append", default=[], metavar="NAME=VALUE")
    found.add_argument("--target", metavar="STAGE")
    found.add_argument("--platform")
    found.add_argument("--network", default="default", choices=["default", "host", "none"])
    found.add_argument("--add-host", action="append", default=[], metavar="NAME:ADDRESS")
    found.add_argument("--secret", action="append", default=[], metavar="id=ID[,src=FILE|,env=NAME]")
    found.add_argument("--ssh", action="append", default=[], metavar="default|ID[=SOCKET]")
    found.add_argument("--allow", action="append", default=[], choices=["network.host", "security.insecure"])
    found.add_argument("--cache-from", action="append", default=[], metavar="IMAGE")
    found.add_argument("--no-cache", action="store_true")
    found.add_argument("--pull", action="store_true")
    found.add_argument("--squash", action="store_true")
    found.add_argument("-q", "--quiet", action="store_true")
    return found


def build(roots, words):
    """Build and name the image; its ID is the last line of the output."""
    options = parser().parse_args(words)
    references = [Reference.parse(each, "--tag").canonical for each in options.tag]
    said = (lambda step: None) if options.quiet else _say
    with Build(roots, settings(options), said) as work:
        try:
            outcome = work.run()
        except KeyboardInterrupt:
            raise EngineError("the build was interrupted") from None
        for text in work.warnings if not options.quiet else ():
            sys.stderr.write("warning: %s\n" % text)
        ImageStore(roots).add(outcome.descriptor, references)
    if not options.quiet:
        cached = sum(step.status == CACHED for step in outcome.steps)
        sys.stderr.write("%d steps, %d from the cache, %.1f s\n" % (len(outcome.steps), cached, outcome.seconds))
    sys.stdout.write(outcome.id + "\n")


def _say(step):
    sys.stderr.write("[%s] %s\n" % (step.stage, step.text))


def settings(options):
    """The Settings of a command line."""
    args = {}
    for each in options.build_arg:
        name, equals, value = each.partition("=")
        if equals or name in os.environ:
            args[name] = value if equals else os.environ[name]
    return Settings(
        source=sys.stdin.buffer.read() if options.context == "-" else options.context,
        dockerfile=_dockerfile(options), inline=sys.stdin.read() if options.file == "-" else None, args=args, target=options.target,
        platform=options.platform, labels=_pairs(options.label, "--label"),
        contexts=_pairs(options.build_context, "--build-context"), network=options.network, allow=tuple(options.allow),
        etc_hosts=_pairs(options.add_host, "--add-host", ":"), secrets=dict(_secret(each) for each in options.secret),
        ssh=dict(agent_socket(each, "--ssh") for each in options.ssh), cache_from=tuple(options.cache_from), no_cache=options.no_cache,
        pull=options.pull, squash=options.squash, epoch=source_date_epoch(args, "SOURCE_DATE_EPOCH"))


def _dockerfile(options):
    """``--file`` as docker build takes it: from where one stands, not from the context, where that is a directory."""
    if options.file == "-":
        return None
    return os.path.abspath(options.file) if options.file and os.path.isdir(options.context) else options.file


def _pairs(texts, option, separator="="):
    found = {}
    for each in texts:
        name, there, value = each.partition(separator)
        if not there or not name:
            raise InvalidValue(option, each, "is not NAME%sVALUE" % separator)
        found[name] = value
    return found


def _secret(text):
    fields = _pairs(text.split(","), "--secret")
    name = fields.get("id")
    if not name:
        raise InvalidValue("--secret", text, "has no id", "write it as id=NAME,src=FILE")
    if "env" in fields or "src" not in fields:
        variable = fields.get("env", name)
        if variable not in os.environ:
            raise InvalidValue("--secret", text, "names neither a file nor a variable of the environment")
        return name, os.environb[os.fsencode(variable)]
    with open(fields["src"], "rb") as stream:
        return name, stream.read()
