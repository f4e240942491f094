# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build every Dockerfile of tests/peers/dockerfiles with the engine and with a peer; write docs/dockerfile-comparison.md.

Needs root and scripts/peer_root.sh. With names as arguments, only those cases are built, and the result is printed instead.
"""

from __future__ import annotations

import importlib
import pathlib
import sys
import tempfile
import time
import traceback

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "peers")]

from dockerfile_cases import Verdict, cases, compare  # noqa: E402
from dockerfile_session import Session  # noqa: E402

# makes the collection importable
importlib.import_module("conftest")

HEAD = """# Dockerfiles, built by us and by others

Each directory of `tests/peers/dockerfiles` is a Dockerfile with its context. It is built by the engine and by a peer: BuildKit where that
builds it, buildah otherwise. The two images must have equal file trees (names, kinds, modes, owners, contents, targets of links, device
numbers, extended attributes) and equal configurations (`Env`, `Cmd`, `Entrypoint`, `Labels`, `User`, `WorkingDir`, `ExposedPorts`,
`Volumes`, `Shell`, `StopSignal`, `Healthcheck`, `OnBuild`). Modification times are not compared, nor the empty files that a runtime
leaves where it mounted something. A case whose builders must refuse the file is equal when all of them do.

Written by `scripts/dockerfile_table.py`; `tests/peers/test_dockerfiles.py` makes the same comparison. Peers: %s.

%d cases: %d equal, %d equal but for what is said, %d compared with a tree that is written down, %d different.

| case | covers | peer | result |
|---|---|---|---|
"""


def main(names):
    chosen = [case for case in cases() if not names or case.name in names]
    verdicts, seconds = [], []
    with tempfile.TemporaryDirectory(prefix="dockerfiles-") as directory, Session(directory) as session:
        for case in chosen:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="case-", dir=directory) as place:
                try:
                    verdicts.append(compare(case, session.ours, session.peers, place))
                except Exception:  # pylint: disable=broad-exception-caught
                    verdicts.append(Verdict(case, "-", tuple(traceback.format_exc().strip().splitlines()[-4:])))
            seconds.append(time.monotonic() - began)
            print("%5.1f s  %s" % (seconds[-1], case.name), file=sys.stderr)
            for line in verdicts[-1].lines:
                print("%s (%s): %s" % (case.name, verdicts[-1].peer, line), flush=True)
        titles = [peer.title for peer in session.peers.values()]
    print("%d cases in %.0f s; slowest: %s" % (len(chosen), sum(seconds), sorted(
        ((round(spent, 1), case.name) for spent, case in zip(seconds, chosen)), reverse=True)[:5]))
    if not names:
        (CHECKOUT / "docs" / "dockerfile-comparison.md").write_text(table(verdicts, titles), encoding="utf-8")
    return 1 if any(verdict.lines for verdict in verdicts) else 0


def table(verdicts, titles):
    written = sum(bool(verdict.case.expect) for verdict in verdicts)
    bad = sum(bool(verdict.lines) for verdict in verdicts)
    explained = sum(bool(verdict.case.differs) and not verdict.lines for verdict in verdicts)
    rows = ["| %s | %s | %s | %s |" % (verdict.case.name, verdict.case.covers.replace("|", "\\|"), verdict.peer, result(verdict))
            for verdict in verdicts]
    equal = len(verdicts) - written - bad - explained
    return HEAD % (", ".join(titles), len(verdicts), equal, explained, written, bad) + "\n".join(rows) + "\n"


def result(verdict):
    if verdict.lines:
        return "different: " + "; ".join(verdict.lines).replace("|", "\\|").replace("\n", " ")
    if verdict.case.refused:
        return "equal: all refuse it"
    if verdict.case.expect:
        return "as written"
    reasons = dict.fromkeys("%s: %s" % (name, " ".join(str(reason).split())) for name, reason in verdict.case.differs.items())
    return "equal but for " + "; ".join(reasons).replace("|", "\\|") if reasons else "equal"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
