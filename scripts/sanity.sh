#!/usr/bin/env bash
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ansible-test sanity. It insists on a real directory .../ansible_collections/agentless/containers and on a get-pip.py from a server of
# the Ansible project, so: the checkout's files are copied to .cache/sanity, and the virtual environments' pip comes from PyPI through a
# small stand-in for get-pip.py.
#
# Arguments go to ansible-test, for example: scripts/sanity.sh --test validate-modules
set -euo pipefail
cd "$(dirname "$0")/.."

CHECKOUT=$PWD
SANITY=$CHECKOUT/.cache/sanity
TREE=$SANITY/ansible_collections/agentless/containers
CACHE=$SANITY/home/.ansible/test/cache

# Other Python versions are tested where they are installed. pyenv's shims start for every version and fail for most: only the real
# directories go on PATH, and the distribution's own python3 comes first.
PATH=$CHECKOUT/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for directory in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin; do
    [ ! -d "$directory" ] || PATH=$PATH:$directory
done
export PATH
export HOME=$SANITY/home
export ANSIBLE_HOME=$SANITY/home/.ansible
export LC_ALL=C.UTF-8
export PIP_QUIET=1 PIP_PROGRESS_BAR=off

pip_version() {
    .venv/bin/python - <<-'EOF'
	import importlib.util, pathlib, re
	root = pathlib.Path(importlib.util.find_spec("ansible_test").origin).parent
	source = (root / "_internal" / "python_requirements.py").read_text()
	print(re.search(r"pip='([0-9.]+)'", source).group(1))
	EOF
}

provide_pip() {
    local version=$1 shim
    shim=$CACHE/get_pip_${version//./_}.py
    mkdir -p "$CACHE"
    ls "$CACHE"/pip-"$version"-*.whl >/dev/null 2>&1 \
        || .venv/bin/python -m pip download --quiet --no-deps --dest "$CACHE" "pip==$version" 2>&1 | { grep -v '^WARNING: Location' || true; }
    cat >"$shim" <<-EOF
	import glob, runpy, sys
	sys.argv[0] = "pip"
	arguments = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
	wheel = glob.glob("$CACHE/pip-$version-*.whl")[0]
	arguments = [word for word in arguments if not word.startswith("pip==")]
	sys.path.insert(0, wheel)
	sys.argv = ["pip", "install", *arguments, wheel]
	runpy.run_module("pip", run_name="__main__")
	EOF
}

./scripts/export.sh "$TREE"
provide_pip "$(pip_version)"
cd "$TREE"
exec ansible-test sanity --venv --color no "$@"
