# SPDX-License-Identifier: Apache-2.0
"""What the Compose file allows, and that it allows no more."""
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from cases import run  # noqa: E402

HERE = ROOT / "compose"
FILE = yaml.safe_load((HERE / "docker-compose.yml").read_text("utf-8"))
REPLAY = yaml.safe_load((HERE / "replay.yml").read_text("utf-8"))
PARTS = FILE["services"]
# The port that each answers on, inside.
SERVICES = {"cdb_feed": 8000, "cdb_signal": 8001, "cdb_risk": 8002,
            "cdb_execution": 8003, "cdb_notify": 8004, "cdb_writer": 8005}
STORES = {"redis", "cdb_postgres"}
MONITORS = {"cdb_collector": "metrics", "prometheus": "metrics",
            "alertmanager": "alerts", "grafana": "dashboards"}
PUBLISHED = {"prometheus": ["127.0.0.1:9090:9090"],
             "grafana": ["127.0.0.1:3000:3000"]}
# Whoever reaches what: the segments, the stores' sockets.
MOUNTS = {
    "segments:/run/smx": set(SERVICES),
    "segments:/run/smx:ro": {"cdb_collector"},
    "redis_socket:/run/redis": {"redis"},
    "redis_socket:/run/redis:ro": set(SERVICES),
    "postgres_socket:/run/postgresql": {"cdb_postgres"},
    "postgres_socket:/run/postgresql:ro": {"cdb_writer"},
}
# Each service has a password of its own for Redis, which has hashes of them.
SECRETS = {**{name: [name.replace("cdb_", "redis_")] for name in SERVICES},
           "redis": ["redis_users", "redis_operator"],
           "grafana": ["grafana_admin_password"]}
# Everything a part may say.  What is not here, privileged or pid: host, say,
# gives more than it needs.
KEYS = {"restart", "read_only", "cap_drop", "security_opt", "networks",
        "pids_limit", "logging", "image", "build", "user", "environment",
        "healthcheck", "mem_limit", "volumes", "tmpfs", "command", "profiles",
        "ports", "secrets", "init", "stop_signal"}


def each(check):
    """The parts for which check(name, part) does not hold."""
    bad = [name for name, part in PARTS.items() if not check(name, part)]
    assert not bad, bad


def twelve_parts_and_trading_in_no_profile():
    assert set(PARTS) == {*SERVICES, *STORES, *MONITORS}
    each(lambda name, part: part.get("profiles", []) ==
         ([MONITORS[name]] if name in MONITORS else []))


def only_two_pages_are_published_and_on_loopback():
    each(lambda name, part: part.get("ports", []) == PUBLISHED.get(name, []))


def nobody_may_more_than_is_listed():
    each(lambda name, part: set(part) <= KEYS)
    each(lambda name, part: part["cap_drop"] == ["ALL"])
    each(lambda name, part:
         part["security_opt"] == ["no-new-privileges:true"])
    each(lambda name, part: part["read_only"] is True)


def everybody_is_a_user_of_its_own():
    users = {name: part["user"].split(":") for name, part in PARTS.items()}
    ids = [uid for uid, _ in users.values()]
    assert all(int(uid) > 0 and int(gid) > 0 for uid, gid in users.values())
    assert len(set(ids)) == len(ids), ids
    readers = {n for n, (_, gid) in users.items() if gid == "7000"}
    assert readers == {*SERVICES, "cdb_collector"}, readers


def everybody_is_limited_watched_and_restarted():
    each(lambda name, part: re.fullmatch(r"\d+[mg]", part["mem_limit"]))
    each(lambda name, part: 0 < part["pids_limit"] <=
         (64 if name in {*SERVICES, *STORES, "cdb_collector"} else 512))
    each(lambda name, part: part["restart"] == "unless-stopped")
    each(lambda name, part: part["logging"]["options"].keys() ==
         {"max-size", "max-file"})
    each(lambda name, part: part["healthcheck"]["test"] == ["CMD", "probe"] or
         name == "grafana" and "/api/health" in
         part["healthcheck"]["test"][-1])
    images = {name: image_command(part) for name, part in PARTS.items()
              if name != "grafana"}
    bad = [n for n, command in images.items() if command[0] != "watched"]
    assert not bad, bad


def image_command(part):
    """What the container runs: its own command, or the image's."""
    if "command" in part:
        return part["command"]
    text = (ROOT / part["build"]["dockerfile"]).read_text("utf-8")
    stage = text.split(f" AS {part['build']['target']}\n")[1].split("FROM")[0]
    return yaml.safe_load(re.search(r"^CMD (.*)$", stage, re.M)[1])


def probes_ask_where_the_part_listens():
    for name, port in {**SERVICES, "cdb_collector": 9464, "prometheus": 9090,
                       "alertmanager": 9093}.items():
        asked = PARTS[name]["environment"]["PROBE"].split()
        assert asked[:2] == ["http", str(port)], (name, asked)
        assert f"0.0.0.0:{port}" in " ".join(PARTS[name]["command"]), name


def segments_and_sockets_reach_whom_they_must():
    volumes = {name: part.get("volumes", []) for name, part in PARTS.items()}
    for mount, names in MOUNTS.items():
        having = {n for n, v in volumes.items() if mount in v}
        assert having == names, (mount, having)
    asked = FILE["volumes"]["segments"]["driver_opts"]
    assert asked["type"] == "tmpfs"
    assert {"mode=3770", "nosuid", "nodev", "noexec", "gid=7000"} <= set(
        asked["o"].split(","))
    shared = [v for vs in volumes.values() for v in vs]
    for mount in shared:
        source, _, rest = mount.partition(":")
        assert "docker.sock" not in mount
        if source.startswith((".", "/")):       # ours: nobody changes it
            assert rest.endswith(":ro"), mount
        elif "socket" not in source and source != "segments":
            assert shared.count(mount) == 1, f"{mount} is shared"


def the_network_has_no_way_out():
    assert FILE["networks"]["cdb_network"] == {"internal": True}
    asked = FILE["networks"]["pages"]["driver_opts"]
    assert set(asked.values()) == {"false"} and len(asked) == 2
    each(lambda name, part: part["networks"] == (
        ["cdb_network", "pages"] if name in PUBLISHED else ["cdb_network"]))


def secrets_are_files_that_are_not_kept_here():
    for name, part in PARTS.items():
        assert part.get("secrets", []) == SECRETS.get(name, []), name
        for key, value in part["environment"].items():
            assert not re.search("PASSW|SECRET|TOKEN", key) or \
                key.endswith("__FILE") and value.startswith("/run/secrets/"), \
                (name, key)
    for secret in FILE["secrets"].values():
        assert secret["file"].startswith("${CDB_SECRETS:-./secrets}/")
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/compose/secrets/" in ignored
    assert "compose/secrets" in \
        (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def grafana_asks_who_one_is_and_calls_nobody():
    said = PARTS["grafana"]["environment"]
    assert "GF_SECURITY_ADMIN_PASSWORD__FILE" in said
    off = {"GF_AUTH_ANONYMOUS_ENABLED", "GF_USERS_ALLOW_SIGN_UP",
           "GF_ANALYTICS_REPORTING_ENABLED", "GF_ANALYTICS_CHECK_FOR_UPDATES",
           "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
           "GF_NEWS_NEWS_FEED_ENABLED", "GF_SNAPSHOTS_EXTERNAL_ENABLED"}
    assert {k for k in off if said.get(k) == "false"} == off


def groups_of(words):
    """[(option, group)...]: who must have read before a stream is trimmed."""
    return [(a, b) for a, b in zip(words, words[1:])
            if a in ("--group", "--alert-group")]


def services_take_the_groups_of_a_local_run():
    for name in SERVICES:
        local = subprocess.run(
            ["bash", "-uc", "home=/h speed=1 data=() argv=(); "
             ". tools/cdb.d/parts.sh; address_of() { :; }; "
             f"! declare -F options_{name[4:]} >/dev/null || "
             f"options_{name[4:]}; printf '%s\\n' ${{argv[@]+\"${{argv[@]}}\"}}"
             ], cwd=ROOT, capture_output=True, text=True, check=True)
        assert groups_of(local.stdout.split()) == \
            groups_of(PARTS[name]["command"]), (name, local.stdout)


def a_replay_changes_nothing_but_the_data():
    part, = REPLAY["services"].values()
    usual = PARTS["cdb_feed"]["command"]
    for a, b in zip(usual, part["command"]):
        assert a == b or a.startswith("${CDB_PROFILE"), (a, b)
    assert part["command"][len(usual):][0] == "--data"
    assert set(part) == {"command", "volumes"}
    assert all(v.endswith(":ro") for v in part["volumes"])


def prometheus_has_the_static_targets():
    said = yaml.safe_load(
        (HERE / "prometheus/prometheus.yml").read_text("utf-8"))
    targets = {t for job in said["scrape_configs"]
               for group in job["static_configs"] for t in group["targets"]}
    assert targets == {"cdb_signal:8001", "cdb_risk:8002",
                       "cdb_execution:8003", "cdb_collector:9464",
                       "prometheus:9090", "alertmanager:9093"}, targets
    assert {t.split(":")[0] for t in targets} <= set(PARTS)
    assert said["global"]["scrape_interval"] == "15s"
    assert not any("scrape_interval" in j for j in said["scrape_configs"])


def compose_accepts_it():
    tools = [["docker-compose"]] if shutil.which("docker-compose") else []
    if shutil.which("docker") and subprocess.run(
            ["docker", "compose", "version"], capture_output=True,
            check=False).returncode == 0:
        tools.append(["docker", "compose"])
    for tool in tools:
        for more in ((), ("-f", HERE / "replay.yml")):
            done = subprocess.run(
                [*tool, "-f", HERE / "docker-compose.yml", *more, "config",
                 "-q"], capture_output=True, text=True, check=False,
                env={"PATH": "/usr/bin:/bin", "CDB_RECORDINGS": "/tmp",
                     "CDB_RECORDING": "x", "COMPOSE_PROFILES":
                     "metrics,alerts,dashboards"})
            assert done.returncode == 0, done.stderr
    if not tools:
        print("skipped - compose/file: no docker-compose is installed")


if __name__ == "__main__":
    run(twelve_parts_and_trading_in_no_profile,
        only_two_pages_are_published_and_on_loopback,
        nobody_may_more_than_is_listed,
        everybody_is_a_user_of_its_own,
        everybody_is_limited_watched_and_restarted,
        probes_ask_where_the_part_listens,
        segments_and_sockets_reach_whom_they_must,
        the_network_has_no_way_out,
        secrets_are_files_that_are_not_kept_here,
        grafana_asks_who_one_is_and_calls_nobody,
        services_take_the_groups_of_a_local_run,
        a_replay_changes_nothing_but_the_data,
        prometheus_has_the_static_targets,
        compose_accepts_it)
