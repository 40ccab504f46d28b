# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The processes of a run: one line each.  Read by ./cdb.
#
# name        names the folder, the log and, for a service, cdb-<name>
# port        the default; the next free one if it is taken
# probe       what healthy means: `redis` is a PING, `postgres` a SELECT, a path
#             a GET with 200
# kind        bus (before all others), service, monitor
parts_table='
redis       6379  redis      bus
collector   9464  /-/ready   monitor
postgres    5432  postgres   store
execution   8003  /health    service
risk        8002  /health    service
signal      8001  /health    service
writer      8005  /health    service
notify      8004  /health    service
feed        8000  /health    service
alertmanager 9093 /-/ready   monitor
prometheus  9090  /-/ready   monitor
'
# What a service takes beside the options that all services take is made by
# options_<name>, if there is such a function.

declare -A default_port probe kind
parts=()
while read -r part_name part_port part_probe part_kind; do
	[[ -n $part_name ]] || continue
	parts+=("$part_name")
	default_port[$part_name]=$part_port
	probe[$part_name]=$part_probe
	kind[$part_name]=$part_kind
done <<<"$parts_table"

# Ports of this run; filled by ports_pick or state_read.
declare -A port

# parts_wanted -- the names that this run consists of, in the table's order.
parts_wanted() {
	local name

	for name in "${parts[@]}"; do
		case $name in
		prometheus) [[ $metrics$prometheus == 11 ]] || continue ;;
		collector) [[ $metrics$collector == 11 ]] || continue ;;
		alertmanager) [[ $alertmanager == 1 ]] || continue ;;
		esac
		printf '%s\n' "$name"
	done
}

services() {
	local name

	for name in "${wanted[@]}"; do
		[[ ${kind[$name]} != service ]] || printf '%s\n' "$name"
	done
}

# Below the build folder; copied into the run, since a rebuild must not change
# what runs, and since a clone below /root is closed to the processes.
binary_of() {
	case $1 in
	redis | postgres | prometheus | alertmanager) ;;
	collector) printf 'collector/smx-collector\n' ;;
	digest | load) printf 'services/cdb-%s\n' "$1" ;;
	*) printf 'services/cdb-%s\n' "$1" ;;
	esac
}

# command_of NAME -- its argument vector, into the array `argv`.
command_of() {
	local service more

	case $1 in
	redis)
		argv=(/bin/sh "$home/etc/redis.sh" "$home/data/redis"
			"$home/etc/redis.conf")
		;;
	postgres) argv=(/bin/sh "$home/etc/postgres.sh") ;;
	prometheus)
		# it has time; an answer of a service has not
		argv=(nice -n 10 prometheus "--config.file=$home/etc/prometheus.yml"
			"--storage.tsdb.path=$home/data/prometheus"
			"--web.listen-address=127.0.0.1:${port[prometheus]}"
			--enable-feature=exemplar-storage --log.level=warn)
		;;
	alertmanager)
		# what it cannot write to a full disk it says at `info` only
		argv=(nice -n 10 prometheus-alertmanager
			"--config.file=$home/etc/alertmanager.yml"
			"--storage.path=$home/data/alertmanager"
			"--web.listen-address=127.0.0.1:${port[alertmanager]}"
			--cluster.listen-address=)
		;;
	collector)
		argv=("$home/bin/$(binary_of collector)" --dir "$smx_dir"
			--web.listen-address "127.0.0.1:${port[collector]}")
		for service in $(services); do
			argv+=(--service "$service")
		done
		;;
	*)
		argv=("$home/bin/$(binary_of "$1")"
			--redis "127.0.0.1:${port[redis]}"
			--redis-password-file "${operator_password%/*}/$1"
			--listen "127.0.0.1:${port[$1]}"
			--profile "$profile" --seed "$seed")
		if [[ $metrics == 0 ]]; then
			argv+=(--no-metrics)
		elif [[ $collector == 1 ]]; then
			argv+=(--collector-url
				"http://127.0.0.1:${port[collector]}")
		fi
		if declare -F "options_$1" >/dev/null; then
			"options_$1"
		fi
		for more in "${with[@]}"; do
			[[ $more != "$1:"* ]] || argv+=("${more#*:}")
		done
		;;
	esac
}

# The groups that must see everything, however late their services start:
# nothing is trimmed before they have read it.
options_feed() {
	local file

	argv+=(--speed "$speed" --group signal --group risk)
	for file in "${data[@]}"; do
		argv+=(--data "$file")
	done
}

options_signal() {
	argv+=(--group risk --group writer)
}

options_risk() {
	argv+=(--group writer --alert-group notify)
}

options_execution() {
	argv+=(--speed "$speed" --group risk --group writer)
}

options_writer() {
	argv+=(--postgres "$(address_of postgres)" --schema "$home/etc/schema")
}

options_notify() {
	argv+=(--sink-file "$home/data/notifications.jsonl")
}

# address_of NAME -- where it is reached: HOST:PORT, or what psql wants.
address_of() {
	case $1 in
	postgres)
		printf 'host=%s port=%s user=cdb dbname=cdb' \
			"$home/data/postgres" "${port[postgres]}"
		;;
	*) printf '127.0.0.1:%s' "${port[$1]}" ;;
	esac
}

# PostgreSQL lets in whoever reaches its socket, so that lies in a folder
# closed to others, and there is no TCP.  What initdb has not finished is made
# again; an immediate end is a crash to it, and it recovers.
config_postgres() {
	local bin

	bin=$(postgres_bin) || die "there is no PostgreSQL; try ./cdb setup"
	mkdir -p "$home/data/postgres"
	cp -R "$top/services/writer/schema" "$home/etc/schema"
	cat >"$home/etc/postgres.sh" <<-SCRIPT
		set -eu
		cd '$home/data/postgres'
		if [ ! -e db ]; then
			rm -rf new
			'$bin/initdb' -D new -U cdb -A trust -E UTF8 \\
				--no-locale --no-sync >initdb.log
			cat '$home/etc/postgres.conf' >>new/postgresql.conf
			echo 'CREATE DATABASE cdb' |
				'$bin/postgres' --single -D new postgres \\
				>>initdb.log
			mv new db
		fi
		exec '$bin/postgres' -D db
	SCRIPT
	cat >"$home/etc/postgres.conf" <<-CONF
		listen_addresses = ''
		port = ${port[postgres]}
		unix_socket_directories = '$home/data/postgres'
		unix_socket_permissions = 0700
		max_connections = 20
		shared_buffers = 32MB
		dynamic_shared_memory_type = mmap
		max_parallel_workers = 0
		timezone = UTC
		log_timezone = UTC
		log_line_prefix = '%m [%p] '
	CONF
}

# postgres_bin -- the folder of the newest PostgreSQL's programs.
postgres_bin() {
	local dir newest=

	for dir in /usr/lib/postgresql/*/bin; do
		[[ -x $dir/postgres && -x $dir/initdb ]] || continue
		[[ -n $newest && $newest -ge ${dir//[^0-9]/} ]] ||
			newest=${dir//[^0-9]/}
	done
	[[ -n $newest ]] && printf '/usr/lib/postgresql/%s/bin' "$newest"
}

# Whoever replays must find the same answer to "was this written?" after a
# power cut, hence `always`.  Redis would overwrite its environment and command
# line with a title, hence set-proc-title.
#
# Each service has a user of its own there.  Who starts the services has their
# passwords; the operator's is for whoever asked for the run.
config_redis() {
	local users=${operator_password%/*}

	mkdir -p "$home/data/redis"
	mkdir -m 0711 "$users"
	"$top/compose/redis/passwords.sh" "$users"
	(umask 077 && "$top/compose/redis/users.sh" "$users" \
		>"$users/users.acl")
	[[ $EUID != 0 ]] || chown "$run_uid:$run_gid" "$users"/*
	[[ $EUID != 0 ]] || chown 0:0 "$operator_password"
	chmod 0400 "$users"/*
	cat >"$home/etc/redis.conf" <<-CONF
		bind 127.0.0.1
		port ${port[redis]}
		protected-mode yes
		daemonize no
		set-proc-title no
		dir $home/data/redis
		save ""
		appendonly yes
		appendfsync always
		aof-load-truncated yes
		maxmemory-policy noeviction
		aclfile $users/users.acl
		loglevel notice
		logfile ""
	CONF
}

# The file of the containers with the addresses of this run; what it has for
# Alertmanager goes where there is none.
config_prometheus() {
	local name target at
	local edit=(-e "s/\(_interval:\) 15s/\1 ${interval}s/"
		-e "s/\(scrape_timeout:\) 10s/\1 ${interval}s/")

	for name in "${wanted[@]}"; do
		target="\(cdb_\)\?$name:${default_port[$name]}"
		at=127.0.0.1:${port[$name]}
		edit+=(-e "s/'$target'/'$at'/")
	done
	[[ $alertmanager == 1 ]] || edit+=(-e '/^alerting:/,/^$/d'
		-e '/job_name: alertmanager/,/targets:/d')
	mkdir "$home/etc/rules"
	sed "s/vector(80)/vector($cpu_alert)/" \
		"$top/compose/prometheus/rules/settings.yml" \
		>"$home/etc/rules/settings.yml"
	cp "$top/compose/prometheus/rules/"{recording,alerts}.yml \
		"$home/etc/rules/"
	sed "${edit[@]}" "$top/compose/prometheus/prometheus.yml" \
		>"$home/etc/prometheus.yml"
	promtool check config "$home/etc/prometheus.yml" >/dev/null ||
		die "promtool refuses $home/etc/prometheus.yml"
}

config_alertmanager() {
	sed "s/cdb_notify:8004/127.0.0.1:${port[notify]}/" \
		"$top/compose/alertmanager/alertmanager.yml" \
		>"$home/etc/alertmanager.yml"
	mkdir -p "$home/data/alertmanager"
	amtool check-config "$home/etc/alertmanager.yml" >/dev/null ||
		die "amtool refuses $home/etc/alertmanager.yml"
}
