# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Looking at a run: status, books, logs.  Read by ./cdb.

quote_json() {
	local s=$1

	s=${s//\\/\\\\}
	s=${s//\"/\\\"}
	s=${s//$'\t'/\\t}
	printf '"%s"' "$s"
}

# health_of NAME -- healthy, unhealthy (it runs, and does not answer) or down.
health_of() {
	if healthy "$1"; then
		printf 'healthy\n'
	elif [[ -n $(pid_of "$1") ]]; then
		printf 'unhealthy\n'
	else
		printf 'down\n'
	fi
}

status_json() {
	local name file comma="" all=true pid

	for name in "${wanted[@]}"; do
		[[ ${health_now[$name]} == healthy ]] || all=false
	done
	printf '{"run":"%s","healthy":%s,"started":%s,' \
		"$run" "$all" "${state[started]}"
	printf '"profile":"%s","speed":"%s","seed":%s,"interval":%s,' \
		"${state[profile]}" "${state[speed]}" "${state[seed]}" \
		"${state[interval]}"
	printf '"home":%s,"smx_dir":%s,"data":[' \
		"$(quote_json "$home")" "$(quote_json "$smx_dir")"
	for file in "${data[@]}"; do
		printf '%s%s' "$comma" "$(quote_json "$file")"
		comma=,
	done
	printf '],"parts":{'
	comma=""
	for name in "${wanted[@]}"; do
		pid=$(pid_of "$name")
		printf '%s"%s":{"state":"%s","pid":%s,"restarts":%s,' "$comma" \
			"$name" "${health_now[$name]}" "${pid:-null}" \
			"$(restarts_of "$name")"
		printf '"address":%s' "$(quote_json "$(address_of "$name")")"
		[[ $name != redis ]] || printf ',"password_file":%s' \
			"$(quote_json "$operator_password")"
		printf '}'
		comma=,
	done
	printf '}}\n'
}

status_table() {
	local name scheme path

	printf 'run "%s": profile %s, speed %s, seed %s, since %s\n\n' \
		"$run" "${state[profile]}" "${state[speed]}" "${state[seed]}" \
		"$(date -d "@${state[started]}" '+%F %T')"
	printf '%-12s %-10s %8s %9s  %s\n' PART STATE PID RESTARTS ADDRESS
	for name in "${wanted[@]}"; do
		scheme=http:// path=
		case $name in
		redis | postgres) scheme= ;;
		collector) path=/metrics ;;
		esac
		printf '%-12s %-10s %8s %9s  %s%s%s\n' "$name" \
			"${health_now[$name]}" "$(pid_of "$name")" \
			"$(restarts_of "$name")" "$scheme" \
			"$(address_of "$name")" "$path"
	done
	printf '\nsegments %s, logs %s/log\n' "$smx_dir" "$home"
	where_to_look
}

# A graph that lives from the first scrapes on: ticks and orders a second.
graph='g0.tab=0&g0.range_input=5m&g0.expr=rate(market_data_published_total'
graph+='%5B1m%5D)%20or%20rate(orders_total%5B1m%5D)'

where_to_look() {
	[[ $metrics == 1 ]] || return 0
	printf '\nlive      %s --dir %s top\n' "${build#"$PWD/"}/tools/smx" \
		"$smx_dir"
	[[ $collector == 0 ]] ||
		printf 'page      http://%s/\n' "$(address_of collector)"
	[[ $prometheus == 0 ]] || printf 'graph     http://%s/graph?%s\n' \
		"$(address_of prometheus)" "$graph"
	printf 'stop      ./cdb down\n'
}

declare -A health_now

cmd_status() {
	local json=0 name

	if [[ ${1:-} == --json ]]; then
		json=1
	elif [[ $# != 0 ]]; then
		usage "status: no option '$1'"
	fi
	if ! run_lives; then
		if [[ $json == 1 ]]; then
			printf '{"run":"%s","healthy":false,"parts":{}}\n' \
				"$run"
		else
			say "nothing is running"
		fi
		return 3
	fi
	listeners_look
	for name in "${wanted[@]}"; do
		health_now[$name]=$(health_of "$name")
	done
	if [[ $json == 1 ]]; then
		status_json
	else
		status_table
	fi
	for name in "${wanted[@]}"; do
		[[ ${health_now[$name]} == healthy ]] || return 1
	done
}

# For commands that are about a run.
run_needed() {
	run_lives && return
	say "nothing is running"
	return 3
}

cmd_books() {
	local status

	run_needed || return
	status=$(cmd_status --json) || true
	CDB_STATUS=$status "$python" "$top/tools/cdb.d/books.py" \
		--digest "$home/bin/$(binary_of digest)" "$@"
}

# Signals from outside, for tests and measurements.
cmd_load() {
	run_needed || return
	"$home/bin/$(binary_of load)" --redis "$(address_of redis)" \
		--redis-password-file "$operator_password" "$@"
}

# redis-cli on the run's Redis, as its operator.
cmd_redis() {
	run_needed || return
	REDISCLI_AUTH=$(<"$operator_password") redis-cli --user operator \
		--no-auth-warning -p "${port[redis]}" "$@"
}

cmd_recording() {
	"$python" "$top/tools/cdb.d/recording.py" "$@"
}

# psql on the run's database.
cmd_sql() {
	run_needed || return
	psql -X "$(address_of postgres)" "$@"
}

cmd_logs() {
	local follow=() names=() files=() name

	while [[ $# -gt 0 ]]; do
		case $1 in
		-f) follow=(-F) ;;
		-*) usage "logs: no option '$1'" ;;
		*) names+=("$1") ;;
		esac
		shift
	done
	state_read || {
		say "nothing is running"
		return 3
	}
	[[ ${#names[@]} != 0 ]] || names=("${wanted[@]}")
	for name in "${names[@]}"; do
		[[ -e $home/log/$name/current ]] || usage "no part '$name'"
		files+=("$home/log/$name/current")
	done
	tail -n 20 "${follow[@]}" -- "${files[@]}"
}
