# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that says which revision of the image serves it."""

from __future__ import annotations

import os
import sys

import bottle

bottle.TEMPLATE_PATH[:] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages")]


@bottle.route("/")
def hello():
    """The only page."""
    return bottle.template("hello.html", revision=os.environ.get("REVISION", "unknown"))


if __name__ == "__main__":
    bottle.run(host=sys.argv[1], port=int(sys.argv[2]))
