# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What is remembered of a run, and which processes belong to it.  Read by ./cdb.
#
#   $home/state   key=value lines, read and never executed
#   $home/etc     configurations            $home/bin  copies of the binaries
#   $home/sv      runit's service folders   $home/log  one folder per process
#   $home/data    Redis, Prometheus, copied recordings
#
# sv, log and data belong to the user the processes run as, mode 0700.

declare -A state
boot_now=$(cat /proc/sys/kernel/random/boot_id)

# state_write -- remember the run that is about to start.
state_write() {
	local name file

	{
		printf 'boot=%s\nsid=%s\nuser=%s\nsmx_dir=%s\nsmx_own=%s\n' \
			"$boot_now" "$1" "$run_uid" "$smx_dir" "$smx_own"
		printf 'profile=%s\nspeed=%s\nseed=%s\ninterval=%s\n' \
			"$profile" "$speed" "$seed" "$interval"
		printf 'metrics=%s\ncollector=%s\nprometheus=%s\nstarted=%s\n' \
			"$metrics" "$collector" "$prometheus" "$(date +%s)"
		printf 'alertmanager=%s\n' "$alertmanager"
		for name in "${wanted[@]}"; do
			printf 'port_%s=%s\n' "$name" "${port[$name]}"
		done
		for file in "${data[@]}"; do
			printf 'data=%s\n' "$file"
		done
	} >"$home/state.new"
	mv "$home/state.new" "$home/state"
}

# state_read -- fill `state`, `port`, `data` and the names up.sh uses.
state_read() {
	local key value

	state=()
	data=()
	[[ -r $home/state ]] || return 1
	while IFS='=' read -r key value; do
		case $key in
		data) data+=("$value") ;;
		port_*) port[${key#port_}]=$value ;;
		*) state[$key]=$value ;;
		esac
	done <"$home/state"
	metrics=${state[metrics]:-1}
	collector=${state[collector]:-1}
	prometheus=${state[prometheus]:-1}
	alertmanager=${state[alertmanager]:-0}
	smx_dir=${state[smx_dir]:-}
	mapfile -t wanted < <(parts_wanted)
}

# members -- the pids of this run: in the session that runsvdir leads, and
# working inside the run's folder, which is closed to everybody else.  A number
# that another process got after a crash or a reboot does not pass.
members() {
	local sid=${state[sid]:-} dir stat session=()

	[[ -n $sid && ${state[boot]:-} == "$boot_now" ]] || return 0
	for dir in /proc/[0-9]*; do
		{ read -r stat <"$dir/stat"; } 2>/dev/null || continue
		# shellcheck disable=SC2086 # state, ppid, pgrp, session
		set -- ${stat##*) }
		[[ ${4:-} != "$sid" ]] || session+=("$dir/cwd")
	done
	[[ ${#session[@]} == 0 ]] ||
		find "${session[@]}" -maxdepth 0 -lname "$home/*" \
			-printf '%h\n' 2>/dev/null | sed 's|/proc/||' || true
}

# run_lives -- is there a run?  One of another user is an error.
run_lives() {
	[[ -e $home ]] || return 1
	if [[ $(stat -c %u "$home") != "$EUID" ]]; then
		die "$home belongs to $(stat -c %U "$home"): run this as that user"
	fi
	state_read || return 1
	[[ -n $(members) ]]
}

# pid_of NAME -- of the supervised process; nothing while it is down.
pid_of() {
	local pid=

	read -r pid 2>/dev/null <"$home/sv/$1/supervise/pid" || true
	printf '%s' "$pid"
}

# listens NAME -- is the one who listens on its port really ours?  Looked up in
# `listeners`, which listeners_look fills.
listeners_look() {
	listeners=$(ss -Hltnp)
}

listens() {
	local pid line

	pid=$(pid_of "$1")
	[[ -n $pid ]] || return 1
	while read -r line; do
		[[ $line != *":${port[$1]} "*"pid=$pid,"* ]] || return 0
	done <<<"$listeners"
	return 1
}

# says PART REQUEST ANSWER... -- do the first lines of its answer begin so?  No
# process is started for it: up and status ask often.
says() (
	trap '' PIPE
	exec 6<>"/dev/tcp/127.0.0.1/${port[$1]}" || exit 1
	# shellcheck disable=SC2059 # the request is a format
	printf "$2" >&6
	for answer in "${@:3}"; do
		read -r -t 3 -u 6 line
		# shellcheck disable=SC2053 # the answer is a pattern
		[[ $line == $answer* ]] || exit 1
	done
) 2>/dev/null

# get PART PATH -- the body of a GET, or failure unless 200.
get() {
	curl --noproxy '*' -fsS -m 3 "http://127.0.0.1:${port[$1]}$2" \
		2>/dev/null
}

healthy() {
	case ${probe[$1]} in
	postgres)
		[[ $(PGCONNECT_TIMEOUT=3 timeout 5 psql -XAtqc 'SELECT 1' \
			"$(address_of postgres)" 2>/dev/null) == 1 ]]
		return
		;;
	esac
	listens "$1" || return 1
	case ${probe[$1]} in
	redis) says redis 'AUTH probe -\r\nPING\r\n' +OK +PONG ;;
	*)
		says "$1" "GET ${probe[$1]} HTTP/1.0\r\nHost: cdb\r\n\r\n" \
			'HTTP/1.? 200'
		;;
	esac
}

restarts_of() {
	local ended=()

	mapfile -t ended 2>/dev/null <"$home/sv/$1/restarts" || true
	printf '%s\n' "${#ended[@]}"
}
