# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisors execute: ``agentless supervisor watch|start|teardown|probe ...``. Each verb imports only what it needs."""

from __future__ import annotations

import os


def main(argv):
    """:param argv: [script, "supervisor", verb, arguments...]."""
    engine = os.path.dirname(os.path.abspath(argv[0]))
    verb, arguments = argv[2], argv[3:]
    if verb == "watch":
        from . import watch

        watch.main(arguments, engine)
    elif verb == "start":
        from ..runtime import container, launch
        from ..state import Roots

        found = container.ContainerStore(Roots(arguments[0], run=arguments[1])).get(arguments[2])
        launch.supervise(found, engine, restart_count=int(arguments[3]))
    elif verb == "teardown":
        from . import teardown

        teardown.main(arguments)
    elif verb == "probe":
        from . import probe

        os._exit(probe.main(arguments))
