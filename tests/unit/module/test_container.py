# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of module container to the document that is compared; every refusal names option and value."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.container import (
    Attachment,
    ContainerSpec,
    DeviceMapping,
    Healthcheck,
    RestartPolicy,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.resources import MAX, Resources
from ansible_collections.agentless.containers.plugins.module_utils.module import (
    container,
    container_health,
    container_networks,
    container_process,
)
from ansible_collections.agentless.containers.plugins.module_utils.module.container_arguments import ARGUMENTS, COMPARABLE, SHAPE


def complete(arguments, values):
    """What AnsibleModule fills in, in suboptions too."""
    filled = {name: entry.get("default") for name, entry in arguments.items()}
    for name, value in values.items():
        options = arguments[name].get("options")
        if options and isinstance(value, list):
            value = [complete(options, each) for each in value]
        elif options and isinstance(value, dict):
            value = complete(options, value)
        filled[name] = value
    return filled


def desired(**values):
    return container.desired(complete(ARGUMENTS, {"name": "web", "image": "busybox", **values}))


def spec(**values):
    return desired(**values).spec


def test_a_task_without_options_is_the_default_document():
    assert spec() == ContainerSpec(name="web", image="docker.io/library/busybox:latest")
    assert spec(name="/web") == spec()


def test_the_document_survives_its_json():
    whole = spec(
        command="sleep 1", env={"A": 1}, labels={"b": "c"}, networks=[{"name": "shop", "aliases": ["z", "a", "z"]}], volumes=["data:/x:ro"],
        published_ports=["8080:80", "127.0.0.1:53:53/udp"], healthcheck={"test": ["CMD", "true"], "interval": "1m30s"}, memory="64m",
        cpus=0.5, ulimits=["nofile:1:2"], devices=["/dev/null"], restart_policy="on-failure", restart_retries=3, user="1:2")
    assert ContainerSpec.from_json(whole.to_json()) == whole
    assert whole.networks == (Attachment("shop", aliases=("a", "z")),)
    assert whole.restart_policy == RestartPolicy("on-failure", 3)


def test_only_its_state():
    assert container.desired(complete(ARGUMENTS, {"name": "web", "state": "stopped"})).spec is None
    assert desired(state="absent", memory="nonsense").spec is None


@pytest.mark.parametrize("option", sorted(set(SHAPE) - {"read_only", "privileged", "tty", "interactive", "auto_remove"}))
def test_options_that_shape_need_an_image(option):
    value = {"list": ["x"], "dict": {"x": "y"}, "int": 5, "float": 5.0}.get(ARGUMENTS[option]["type"], "x")
    params = complete(ARGUMENTS, {"name": "web"})
    params[option] = value
    with pytest.raises(InvalidValue, match="is needed when %s is given" % option):
        container.desired(params)


def test_an_image_by_id():
    identity = "0123456789abcdef" * 4
    assert spec(image=identity).image == spec(image="sha256:" + identity).image == "sha256:" + identity


def test_normal_forms_are_equal():
    assert spec(memory="64m") == spec(memory="65536k") == spec(memory=str(64 << 20))
    assert spec(cpus=0.5) == spec(cpu_quota=50000)
    assert spec(capabilities=["net_admin", "CAP_KILL"]) == spec(capabilities=["KILL", "CAP_NET_ADMIN", "kill"])
    assert spec(env={"A": 1, "B": "x"}) == spec(env={"B": "x", "A": "1"})
    assert spec(working_dir="/a//b/") == spec(working_dir="/a/b") == spec(working_dir="//a/b")
    assert spec(exposed_ports=["80", "81"]) == spec(exposed_ports=["80-81/tcp"])
    assert spec(networks=[{"name": "a", "mac_address": "02-42-AC-11-00-02"}]) == spec(
        networks=[{"name": "a", "mac_address": "02:42:ac:11:00:02"}])
    assert spec(networks=[{"name": "a", "ipv6_address": "FD00:0:0::1"}]) == spec(networks=[{"name": "a", "ipv6_address": "fd00::1"}])
    assert spec(command="sh -c 'a b'") == spec(command=["sh", "-c", "a b"])
    assert spec(command=["sleep", 5]) == spec(command="sleep 5")
    assert spec(pid_mode="private") == spec(ipc_mode="shareable") == spec(cgroupns_mode="private") == spec()
    assert spec(shm_size="64m") == spec(memory="0") == spec(cpu_shares=0) == spec(stop_timeout=10) == spec()


def test_network_modes():
    def networks(**values):
        answer = spec(**values)
        return answer.network_mode, tuple(each.name for each in answer.networks)

    assert networks() == networks(network_mode="default") == networks(network_mode="bridge") == ("bridge", ())
    assert networks(network_mode="host") == ("host", ()) and networks(network_mode="none") == ("none", ())
    assert networks(network_mode="container:db") == ("container:db", ())
    assert networks(network_mode="shop") == ("bridge", ("shop",))
    listed = [{"name": "a"}, {"name": "shop", "aliases": ["x"]}]
    assert networks(networks=listed) == ("bridge", ("a", "shop"))
    # the network of the mode is the first one, which has the default route
    assert networks(networks=listed, network_mode="shop") == ("bridge", ("shop", "a"))
    assert networks(networks=listed, network_mode="other") == ("bridge", ("other", "a", "shop"))


def test_limits():
    assert spec(memory="64m").resources == Resources(memory_max=64 << 20, memory_swap_max=64 << 20)
    assert spec(memory="64m", memory_swap="64m").resources == Resources(memory_max=64 << 20, memory_swap_max=0)
    assert spec(pids_limit=-1).resources == Resources(pids_max=MAX)
    assert spec(cpu_quota=-1).resources.cpu_max_quota == MAX
    assert spec(blkio_weight=10).resources == Resources(io_weight=1)


def test_logging():
    assert spec(log_options={"max-size": "1m", "max-file": 5}).logging.max_size == 1 << 20
    assert spec(log_options={"max-size": "-1"}).logging.max_size == MAX
    assert spec(log_driver="none").logging.driver == "none"


def test_healthchecks():
    def check(**values):
        return spec(healthcheck=values).healthcheck

    assert spec(healthcheck=None).healthcheck is None
    assert check(test="curl localhost") == Healthcheck(("CMD-SHELL", "curl localhost"))
    assert check(test=["CMD", "true"], retries=5, timeout="500ms") == Healthcheck(("CMD", "true"), timeout=0.5, retries=5)
    assert check(test="NONE") == check(test=["NONE"]) == Healthcheck(("NONE",))
    assert check(test="true", interval="0s") == check(test="true")
    assert check(test="true", start_period="0s").start_period == 0


def test_devices():
    assert spec(devices=["/dev/fuse", "/dev/sda:/dev/xvda:r"]).devices == (
        DeviceMapping("/dev/fuse", "/dev/fuse"), DeviceMapping("/dev/sda", "/dev/xvda", "r"))


def test_environment_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_HOST", "yes")
    path = tmp_path / "env"
    path.write_text("# comment\n\n A=1\nB=a=b\nFROM_HOST\nNOT_THERE\nC=from file\n", encoding="utf-8")
    assert spec(env_file=str(path), env={"C": "task"}).env == {"A": "1", "B": "a=b", "C": "task", "FROM_HOST": "yes"}


def test_bad_environment_files(tmp_path):
    path = tmp_path / "env"
    refuse("env_file", {"env_file": str(path)}, "no such file")
    path.write_bytes(b"\xff\xfe=1")
    refuse("env_file", {"env_file": str(path)}, "UTF-8")
    path.write_text("=1\n", encoding="utf-8")
    refuse("env_file", {"env_file": str(path)}, "is not the name")


def refuse(option, values, text=""):
    with pytest.raises(InvalidValue) as caught:
        desired(**values)
    error = caught.value
    assert error.option == option and error.message.startswith("%s: %r " % (option, error.value)) and text in error.message
    assert not error.message.endswith(".")


REFUSED = [
    ("name", {"name": ""}),
    ("name", {"name": "a b"}),
    ("name", {"name": "../x"}),
    ("name", {"name": "-x"}),
    ("name", {"name": "x\n"}),
    ("image", {"image": "a b"}),
    ("image", {"image": ""}),
    ("command", {"command": '"open'}),
    ("command", {"command": {"a": "b"}}),
    ("command", {"command": 5}),
    ("command", {"command": ["a", None]}),
    ("command", {"command": ["a\0b"]}),
    ("command", {"command": [["a"]]}),
    ("env", {"env": {"A": True}}),
    ("env", {"env": {"A": None}}),
    ("env", {"env": {"A=B": "1"}}),
    ("env", {"env": {"": "1"}}),
    ("env", {"env": {"A": "x\0"}}),
    ("labels", {"labels": {"a": ["b"]}}),
    ("sysctls", {"sysctls": {"net.x": True}}),
    ("working_dir", {"working_dir": "x"}),
    ("networks", {"network_mode": "host", "networks": [{"name": "a"}]}),
    ("networks", {"networks": [{"name": "a"}, {"name": "a"}]}),
    ("networks", {"network_mode": "shop", "networks": [{"name": "a"}, {"name": "a"}]}),
    ("networks.ipv4_address", {"networks": [{"name": "a", "ipv4_address": "10.0.0"}]}),
    ("networks.ipv4_address", {"networks": [{"name": "a", "ipv4_address": "fd00::1"}]}),
    ("networks.ipv6_address", {"networks": [{"name": "a", "ipv6_address": "10.0.0.1"}]}),
    ("networks.mac_address", {"networks": [{"name": "a", "mac_address": "02:42"}]}),
    ("network_mode", {"network_mode": "container:"}),
    ("published_ports", {"published_ports": ["80"], "network_mode": "none"}),
    ("published_ports", {"published_ports": ["99999:80"]}),
    ("published_ports", {"published_ports": ["x"]}),
    ("exposed_ports", {"exposed_ports": ["x"]}),
    ("exposed_ports", {"exposed_ports": ["0"]}),
    ("exposed_ports", {"exposed_ports": ["70000"]}),
    ("exposed_ports", {"exposed_ports": ["90-80"]}),
    ("exposed_ports", {"exposed_ports": ["80/icmp"]}),
    ("exposed_ports", {"exposed_ports": ["²"]}),
    ("hostname", {"hostname": "a b"}),
    ("hostname", {"hostname": "a\nb"}),
    ("hostname", {"hostname": "x" * 65}),
    ("hostname", {"hostname": "a-"}),
    ("etc_hosts", {"etc_hosts": {"db": "nowhere"}}),
    ("etc_hosts", {"etc_hosts": {"d b": "10.0.0.1"}}),
    ("etc_hosts", {"etc_hosts": {"db": ""}}),
    ("dns_servers", {"dns_servers": ["ns.example.com"]}),
    ("healthcheck.test", {"healthcheck": {}}),
    ("healthcheck.test", {"healthcheck": {"test": []}}),
    ("healthcheck.test", {"healthcheck": {"test": True}}),
    ("healthcheck.test", {"healthcheck": {"test": ["true"]}}),
    ("healthcheck.test", {"healthcheck": {"test": ["CMD"]}}),
    ("healthcheck.test", {"healthcheck": {"test": ["CMD-SHELL", "a", "b"]}}),
    ("healthcheck.test", {"healthcheck": {"test": ["NONE", "x"]}}),
    ("healthcheck.interval", {"healthcheck": {"test": "true", "interval": "soon"}}),
    ("healthcheck.timeout", {"healthcheck": {"test": "true", "timeout": "9" * 400}}),
    ("healthcheck.start_period", {"healthcheck": {"test": "true", "start_period": ""}}),
    ("healthcheck.retries", {"healthcheck": {"test": "true", "retries": 0}}),
    ("capabilities", {"capabilities": ["NOSUCH"]}),
    ("cap_drop", {"cap_drop": ["NOSUCH"]}),
    ("devices", {"devices": ["fuse"]}),
    ("devices", {"devices": ["/dev/a:b"]}),
    ("devices", {"devices": ["/dev/a:"]}),
    ("devices", {"devices": ["/dev/a:/b:x"]}),
    ("devices", {"devices": ["/dev/a:/b:"]}),
    ("devices", {"devices": ["/dev/a:/b:r:w"]}),
    ("ulimits", {"ulimits": ["nosuch:1"]}),
    ("ulimits", {"ulimits": ["nofile:x"]}),
    ("shm_size", {"shm_size": "x"}),
    ("shm_size", {"shm_size": "-1"}),
    ("cpus", {"cpus": -1}),
    ("cpus", {"cpus": 0.001}),
    ("cpus", {"cpus": 1.0, "cpu_quota": 50000}),
    ("cpus", {"cpus": float("nan")}),
    ("cpu_quota", {"cpu_quota": 5}),
    ("cpu_quota", {"cpu_quota": -2}),
    ("cpu_period", {"cpu_period": 5}),
    ("cpu_period", {"cpu_period": -1}),
    ("cpu_shares", {"cpu_shares": 1}),
    ("blkio_weight", {"blkio_weight": 5}),
    ("cpuset_cpus", {"cpuset_cpus": "3-1"}),
    ("cpuset_mems", {"cpuset_mems": "x"}),
    ("memory", {"memory": "much"}),
    ("memory", {"memory": "1k"}),
    ("memory", {"memory": "-5"}),
    ("memory_reservation", {"memory_reservation": "x"}),
    ("memory_swap", {"memory_swap": "1g"}),
    ("memory_swap", {"memory": "64m", "memory_swap": "32m"}),
    ("pids_limit", {"pids_limit": -5}),
    ("oom_score_adj", {"oom_score_adj": 1001}),
    ("stop_signal", {"stop_signal": "SIGNOTHING"}),
    ("stop_signal", {"stop_signal": "99"}),
    ("stop_timeout", {"stop_timeout": -1}),
    ("kill_signal", {"kill_signal": "X", "force_kill": True}),
    ("restart_retries", {"restart_policy": "always", "restart_retries": 3}),
    ("restart_retries", {"restart_policy": "on-failure", "restart_retries": -1}),
    ("log_options", {"log_options": {"colour": "blue"}}),
    ("log_options.max-size", {"log_options": {"max-size": "x"}}),
    ("log_options.max-size", {"log_options": {"max-size": ""}}),
    ("log_options.max-file", {"log_options": {"max-file": "0"}}),
    ("log_options.max-file", {"log_options": {"max-file": "²"}}),
    ("volumes", {"volumes": ["data:x"]}),
    ("volumes", {"volumes": ["a/b:/x"]}),
    ("name", {"name": "a" * 201}),
    ("dns_search_domains", {"dns_search_domains": ["a b"]}),
    ("dns_opts", {"dns_opts": ["ndots:2\nnameserver 192.0.2.1"]}),
    ("volumes", {"volumes": ["data:/proc"]}),
    ("volumes", {"volumes": ["/srv:/./proc//sys/"]}),
    ("tmpfs", {"tmpfs": ["/proc"]}),
    ("networks.aliases", {"networks": [{"name": "shop", "aliases": ["a b"]}]}),
    ("networks.aliases", {"networks": [{"name": "shop", "aliases": ["a\n10.0.0.1 bank.example"]}]}),
    ("networks.mac_address", {"networks": [{"name": "shop", "mac_address": "01:00:5e:00:00:01"}]}),
    ("mounts", {"mounts": [{"target": "/x", "type": "bind"}]}),
    ("comparisons", {"comparisons": {"colour": "ignore"}}),
    ("comparisons", {"comparisons": {"env": "sometimes"}}),
    ("comparisons", {"comparisons": {"*": "allow_more_present"}}),
]


@pytest.mark.parametrize(("option", "values"), REFUSED, ids=["%s-%d" % (row[0], index) for index, row in enumerate(REFUSED)])
def test_refusals_name_option_and_value(option, values):
    refuse(option, values)


@pytest.mark.parametrize("values", [
    {"network_mode": "ns:/run/x"}, {"pid_mode": "container:x"}, {"ipc_mode": "container:x"}, {"uts": "x"},
    {"security_opts": ["apparmor=x"]},
])
def test_what_is_not_built_yet_is_said(values):
    with pytest.raises(Unsupported, match="%s: .* is not supported yet" % next(iter(values))) as caught:
        desired(**values)
    assert caught.value.hint


def test_comparisons():
    answer = desired(comparisons={"*": "ignore", "env": "strict", "labels": "allow_more_present", "memory": "strict"})
    assert set(answer.ignore) == set(COMPARABLE.values()) - {"env", "labels", "resources"}
    assert answer.subset == ("labels",)
    assert desired(comparisons={"ports": "ignore"}).ignore == ("ports",)
    assert set(COMPARABLE.values()) <= set(ContainerSpec.__dataclass_fields__)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_times(hours, minutes, seconds, thousandths):
    text = "%dh%dm%ds%dms" % (hours, minutes, seconds, thousandths)
    assert container_health.duration(text, "x") == pytest.approx(hours * 3600 + minutes * 60 + seconds + thousandths / 1000)
    assert container_health.duration("%dms" % thousandths, "x") == pytest.approx(thousandths / 1000)
    assert container_health.duration("%dm" % minutes, "x") == minutes * 60
    assert container_health.duration(str(seconds), "x") == seconds


@given(st.text(alphabet="0123456789.hmsu -\n", max_size=12))
def test_a_time_is_seconds_or_refused(text):
    try:
        seconds = container_health.duration(text, "healthcheck.interval")
    except InvalidValue as error:
        assert error.option == "healthcheck.interval" and error.value == text
    else:
        assert 0 <= seconds < float("inf")


@given(st.lists(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), min_size=1))
def test_commands_as_string_and_list_agree(words):
    assert container_process.command(words, "command") == tuple(words)
    assert container_process.command(shlex.join(words), "command") == tuple(words)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.one_of(st.text(), st.none(), st.integers())),
                 st.dictionaries(st.text(), st.text())))
def test_a_command_is_words_or_refused(value):
    try:
        answer = container_process.command(value, "entrypoint")
    except InvalidValue as error:
        assert error.option == "entrypoint"
    else:
        assert answer is None or (answer and all(isinstance(each, str) and "\0" not in each for each in answer))


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats()), max_size=5))
def test_an_environment_is_strings_or_refused(values):
    try:
        answer = spec(env=values).env
    except InvalidValue as error:
        assert error.option == "env"
    else:
        assert list(answer) == sorted(values)
        assert all("=" not in key and "\0" not in key + value and value == str(values[key]) for key, value in answer.items())


@given(st.text(max_size=12), st.sampled_from(["published_ports", "exposed_ports", "volumes", "devices", "ulimits", "dns_servers", "tmpfs"]))
def test_lists_answer_or_refuse(text, option):
    try:
        spec(**{option: [text]})
    except EngineError as error:
        assert error.message.startswith(option)


@given(st.text(max_size=12), st.sampled_from(["memory", "memory_swap", "shm_size", "cpuset_cpus", "hostname", "stop_signal", "image"]))
def test_strings_answer_or_refuse(text, option):
    try:
        spec(**{option: text})
    except EngineError as error:
        assert error.message.startswith(option)


@given(st.integers(1, 65535), st.integers(0, 20))
def test_exposed_ranges(first, more):
    last = min(65535, first + more)
    assert len(container_networks.exposed(["%d-%d/udp" % (first, last)])) == last - first + 1
