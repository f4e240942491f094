# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text -> nodes -> typed instructions, and errors that show the place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import instructions, model, parser
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.mount import Mount, parse_mount
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.shell import Lexer, quote


def nodes(text):
    return parser.parse(text).nodes


def one(text):
    """The instruction of a line behind a FROM."""
    return instructions.instructions(parser.parse("FROM scratch\n" + text))[1]


@pytest.mark.parametrize("text, arguments", [
    ("RUN a \\\n  b", "a   b"), ("RUN a\\\nb", "ab"), ("RUN a \\  \n# c\n   # d\n b", "a  b"), ("RUN a \\\n\n\n b", "a  b"),
    ("RUN a \\", "a"),
    ("RUN a \\\\\nRUN b", "a \\\\"), ("# escape=`\nRUN a `\n b\\\nRUN c", "a  b\\"), ("RUN a \\\r\n b\r\n", "a  b"), ("\ufeffRUN a", "a"),
    ("  run\ta", "a"), ("# x\n# escape=`\nRUN a \\\n b", "a  b"), ("#escape = `\nRUN a`\nb", "ab"), ("\n# escape=`\nRUN a\\\nb", "ab"),
    ("RUN a # b", "a # b"), ("\\\nRUN a", "a"),
])
def test_lines(text, arguments):
    first = nodes(text)[0]
    assert (first.keyword, first.arguments) == ("RUN", arguments)


def test_directives_places_and_comments():
    found = parser.parse("# Syntax=docker/dockerfile:1\n#check=skip=all;error=true\n\n# about\n# it\nFROM a\nRUN b \\\n\n c\n", "D")
    assert found.directives == (("syntax", "docker/dockerfile:1"), ("check", "skip=all;error=true"))
    assert [(node.start_line, node.end_line, node.comments) for node in found.nodes] == [(6, 6, ("about", "it")), (7, 9, ())]
    assert found.nodes[1].original == "RUN b \\\n\n c"
    assert found.blank_continuations == (8,)
    assert parser.Syntax.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("text, name, expand, content", [
    ("RUN <<EOF\na\n\n# b\nEOF\n", "EOF", True, "a\n\n# b\n"), ("RUN <<-EOF\n\t\ta\n\tEOF", "EOF", True, "a\n"),
    ("RUN <<'E F'\nE F", "E F", False, ""),
    ('RUN cat <<"X" > y\n$x\\\nX', "X", False, "$x\\\n"), ("RUN 3<<E\r\na\r\nE\r\n", "E", True, "a\r\n"),
    ("COPY <<a\\b /x\nab", "ab", False, ""),
    ("RUN <<EOF\n EOF\nEOF", "EOF", True, " EOF\n"), ("RUN <<-EOF\n\ta\n  \tb\nEOF", "EOF", True, "a\n  \tb\n"),
    ("ONBUILD RUN <<E\na\nE", "E", True, "a\n"),
])
def test_heredocs(text, name, expand, content):
    (node,) = nodes(text)
    (found,) = node.heredocs
    assert (found.name, found.expand, found.text) == (name, expand, content)


@pytest.mark.parametrize("text", ["RUN a <<< b", 'RUN ["<<a"]', "CMD <<a", "RUN a '<<b", 'RUN echo "a <<b c"', "RUN a<<b", "RUN x << y"])
def test_no_heredoc(text):
    assert nodes(text)[0].heredocs == ()


def test_several_heredocs():
    found = one("COPY --chown=1 <<A f <<-'B' /to/\n$a\nA\n\tb\n\tB\n")
    assert found.sources == ("f",) and found.destination == "/to/"
    assert [(each.name, each.text, each.expand) for each in found.contents] == [("A", "$a\n", True), ("B", "b\n", False)]
    run = one("RUN a <<A && b <<B\n1\nA\n2\nB")
    assert run.shell_text == "a <<A && b <<B\n1\nA\n2\nB" and run.script is None
    assert one("RUN <<-A\n\tx\nA").shell_text == "x\n"
    assert one("RUN <<A\n#!/bin/x\nA").script.text == "#!/bin/x\n"


@pytest.mark.parametrize("text, field, value", [
    ('RUN ["a", "b"]', "command", model.Command(("a", "b"), False)), ("RUN ['a']", "command", model.Command(("['a']",), True)),
    ("RUN [ -f x ] && y", "command", model.Command(("[ -f x ] && y",), True)), ("CMD []", "command", model.Command((), False)),
    ("RUN --network=none --security=insecure x", "network", "none"), ("RUN -- --x", "command", model.Command(("--x",), True)),
    ("ENV a=1 b=\"2 3\" c=4\\ 5 d='\\'", "pairs", (("a", "1"), ("b", '"2 3"'), ("c", "4\\ 5"), ("d", "'\\'"))),
    ("ENV a  b  c=d", "pairs", (("a", "b  c=d"),)), ("LABEL \"a b\"=c", "pairs", (('"a b"', "c"),)),
    ("ARG a b= c='d e'", "pairs", (("a", None), ("b", ""), ("c", "'d e'"))),
    ("COPY --from=x --parents --link=false --chmod=0755 a b c", "sources", ("a", "b")), ('COPY ["a b", "c"]', "destination", "c"),
    ("COPY --exclude=a --exclude='b c' x y", "exclude", ("a", "b c")), ("ADD --unpack=true --checksum=sha256:a u d", "unpack", True),
    ("ADD --keep-git-dir a b", "keep_git_dir", True), ("EXPOSE 80/tcp  443", "ports", ("443", "80/tcp")), ("USER a b", "value", "a b"),
    ('VOLUME ["/a b"]', "paths", ("/a b",)), ("VOLUME /a /b", "paths", ("/a", "/b")), ('SHELL ["a", "-c"]', "words", ("a", "-c")),
    ("HEALTHCHECK NONE", "test", ("NONE",)), ("HEALTHCHECK --retries=3 cmd a b", "test", ("CMD-SHELL", "a b")),
    ('HEALTHCHECK --timeout=1.5s CMD ["a"]', "timeout", 1500000000), ('HEALTHCHECK CMD ["a"]', "test", ("CMD", "a")),
    ("ONBUILD copy a b", "trigger", "copy a b"), ("MAINTAINER a <b>", "value", "a <b>"), ("STOPSIGNAL $x", "value", "$x"),
    ("FROM --platform=a/b C AS D", "name", "d"),
])
def test_instructions(text, field, value):
    assert getattr(one(text), field) == value


@pytest.mark.parametrize("text, reason, line, column", [
    ("FORM a", "unknown instruction FORM", 2, 1), ("FROM a b", "three with AS", 2, 6), ("FROM a AS 1b", "invalid name", 2, 11),
    ("COPY a", "at least one source", 2, 1), ("COPY --chwon=1 a b", "unknown flag --chwon", 2, 6), ("COPY --from=$x a b", "variable", 2, 6),
    ("COPY --chown a b", "needs a value", 2, 6), ("COPY --link=x a b", "true or false", 2, 6),
    ("COPY --from=a --from=b c d", "twice", 2, 6),
    ("ENV a", "no value", 2, 5), ("ENV a=1 \\\n  b", "not NAME=VALUE", 3, 3), ("ENV =1", "no name", 2, 5), ("ENV", "at least one", 2, 1),
    ('CMD ["a", 1]', "strings only", 2, 5), ("SHELL a", "JSON", 2, 7), ("HEALTHCHECK x", "unknown type", 2, 13),
    ("HEALTHCHECK --interval=1 CMD x", "duration", 2, 13), ("HEALTHCHECK --interval=1us CMD x", "shorter", 2, 13),
    ("VOLUME [\"\"]", "empty", 2, 8),
    ("ONBUILD ONBUILD RUN x", "ONBUILD", 2, 1), ("ONBUILD FROM x", "FROM cannot", 2, 9), ("ONBUILD COPY a", "at least one source", 2, 1),
    ("RUN <<A\nb", "not closed", 2, 5), ("RUN --network=x y", "unknown --network", 2, 5),
    ("RUN --mount=type=x y", "unknown type 'x'", 2, 13),
    ("RUN --mount=type=tmpfs y", "needs a target", 2, 13), ("COPY a <<B\nB", "destination", 2, 8), ("\\\n", "nothing follows", 2, 1),
])
def test_errors_show_the_place(text, reason, line, column):
    with pytest.raises(DockerfileError) as caught:
        one(text)
    error = caught.value
    assert reason in error.reason
    assert (error.line, error.column) == (line, column)
    message = str(error).split("\n")
    assert message[0] == "Dockerfile:%d:%d: %s" % (line, column, error.reason)
    assert message[2].index("^") - message[1].index("| ") - 2 == column - 1


@pytest.mark.parametrize("source, reason", [
    ("", "no instructions"), ("# a\n", "no instructions"), ("# escape=x\nFROM a", "escape character 'x'"), (b"FROM \xff", "not UTF-8"),
    ("# escape=`\n# escape=`\nFROM a", "only one escape"),
])
def test_files_that_cannot_be_read(source, reason):
    with pytest.raises(DockerfileError, match=reason):
        parser.parse(source)


@pytest.mark.parametrize("text, expected", [
    ("target=/a", Mount(target="/a")),
    ("type=cache,dst=/a,sharing=locked,mode=0700,uid=1", Mount("cache", "/a", read_only=False, sharing="locked", mode=0o700, uid=1)),
    ("type=bind,src=b,target=/a,from=x,rw", Mount("bind", "/a", "b", "x", False)),
    ("type=tmpfs,target=/a,size=1k", Mount("tmpfs", "/a", read_only=False, size=1024)),
    ("type=secret,id=s,env=S,required", Mount("secret", id="s", env="S", required=True, read_only=False)),
    ("type=ssh", Mount("ssh", read_only=False)),
    ('"target=/a,b"', Mount(target="/a,b")), ("target=$x", Mount()), ("target=/a,ro=false", Mount(target="/a", read_only=False)),
])
def test_mounts(text, expected):
    assert parse_mount(text) == expected


@pytest.mark.parametrize("text", [
    "", "x", "target", "type=x,target=/a", "type=cache", "target=/a,mode=9", "target=/a,size=1", "target=/a,from=$x",
    "type=tmpfs,target=/a,source=b", "type=cache,target=/a,sharing=x", "type=cache,target=/a,uid=-1", '"target=/a',
])
def test_bad_mounts(text):
    with pytest.raises(ValueError):
        parse_mount(text)


def test_mounts_are_expanded_by_the_build():
    run = one("RUN --mount=type=cache,target=$d,uid=$u true")
    (mount,) = run.expanded_mounts(lambda text: Lexer().word(text, {"d": "/x", "u": "7"}))
    assert (mount.target, mount.uid) == ("/x", 7)
    with pytest.raises(DockerfileError, match="uid"):
        run.expanded_mounts(lambda text: "many")


def test_a_trigger_of_an_image():
    found = instructions.trigger("COPY <<E /a\nx\nE", "image base")
    assert found.contents[0].text == "x\n"
    with pytest.raises(DockerfileError, match="image base:1:1: unknown"):
        instructions.trigger("NO x", "image base")


NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
VALUES = st.text(alphabet=st.characters(exclude_characters="\r\n", codec="utf-8"))


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_quoted_pairs_come_back(wanted):
    found = one("ENV " + " ".join("%s=%s" % (name, quote(value)) for name, value in wanted.items()))
    assert {name: Lexer().word(value, {}) for name, value in found.pairs} == wanted


@given(st.lists(st.text(), min_size=1))
def test_json_words_come_back(words):
    assert one("CMD " + json.dumps(words)).command == model.Command(tuple(words), False)


PIECES = st.sampled_from([
    "FROM", "RUN", "COPY", "ADD", "ONBUILD", "ENV", "HEALTHCHECK", "CMD", "NONE", "--mount=", "type=cache,", "--from=", "--interval=",
    "<<E", "<<-'E'",
    "\nE\n", "\n", " ", "\\", "`", "# escape=`\n", "[", '"', "'", "]", "$", "{", "}", "=", "a", "\t", "\r", "\ufeff", "\x85",
])


@given(st.one_of(st.text(), st.binary(), st.lists(PIECES, max_size=25).map("".join)))
def test_nothing_but_a_dockerfile_error(source):
    try:
        found = instructions.instructions(parser.parse(source))
    except DockerfileError as error:
        assert error.line >= 1 and error.column >= 1
        return
    assert found and all(each.node.start_line <= each.node.end_line for each in found)
