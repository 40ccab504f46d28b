# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# usage: watchdog.sh SV (NAME PORT PATH)... -- kill what hangs; runit starts it
# again.
#
# A process that ended is runit's; one that stands still, or whose loop does,
# looks alive to it.  Whatever answer comes is a sign of life: an unhealthy
# service says 503, and killing it would not bring its database back.  Misses
# are counted, not seconds, so that a machine that slept is no reason to kill.
# The stores are left alone: what holds them up is most often their disk, and
# a killed store only has more to read from it.
set -u

pause=3		# seconds between rounds
patience=4	# seconds for an answer
misses=3	# in a row, of one process: at most 3 + 3 * (4 + 3) seconds

sv=$1
shift
names=() ports=() paths=()
while [[ $# -ge 3 ]]; do
	names+=("$1") ports+=("$2") paths+=("$3")
	shift 3
done
declare -A pid_seen missed asking

answers() (
	local line

	trap '' PIPE
	exec 6<>"/dev/tcp/127.0.0.1/$1" || exit 1
	# shellcheck disable=SC2059 # no format is in a path of ours
	printf "GET $2 HTTP/1.0\r\nHost: cdb\r\n\r\n" >&6
	read -r -t "$patience" -u 6 line && [[ $line == HTTP/1.* ]]
) 2>/dev/null

# pid_of NAME -- into `pid`; nothing while it is down.
pid_of() {
	pid=
	read -r pid 2>/dev/null <"$sv/$1/supervise/pid" || true
}

tell() {
	printf '{"ts":"%s","level":"warn","service":"watchdog",' \
		"$(date -u +%FT%T.%6NZ)"
	printf '"msg":"hung process killed","part":"%s","pid":%d}\n' "$1" "$2"
}

# judge NAME -- it has not answered.
judge() {
	[[ -n $pid ]] || return 0
	[[ ${pid_seen[$1]:-} == "$pid" ]] || missed[$1]=0
	pid_seen[$1]=$pid
	missed[$1]=$((missed[$1] + 1))
	[[ ${missed[$1]} -ge $misses ]] || return 0
	tell "$1" "$pid"
	missed[$1]=0
	printf k >"$sv/$1/supervise/control"
}

# A pipe that nobody writes to: to wait without a process that must be killed.
exec 7<> <(:)
while ! read -r -t "$pause" -u 7; do
	for i in "${!names[@]}"; do
		answers "${ports[i]}" "${paths[i]}" &
		asking[${names[i]}]=$!
	done
	for name in "${names[@]}"; do
		if wait "${asking[$name]}"; then
			missed[$name]=0
		else
			pid_of "$name"
			judge "$name"
		fi
	done
done
