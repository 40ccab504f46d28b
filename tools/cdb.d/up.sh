# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Starting a run.  Read by ./cdb.

up_options() {
	profile='' speed=1 seed=1 metrics=1 collector=1 prometheus=1
	alertmanager=0 interval=5 cpu_alert=80 data=() with=()
	while [[ $# -gt 0 ]]; do
		case $1 in
		--*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
		--no-metrics) metrics=0 ;;
		--no-collector) collector=0 prometheus=0 ;;
		--no-prometheus) prometheus=0 ;;
		--alertmanager) alertmanager=1 ;;
		--yes) ;;
		--profile | --data | --speed | --seed | --scrape-interval | \
			--cpu-alert | --with)
			[[ $# -ge 2 ]] || usage "up: $1 needs a value"
			up_option "$1" "$2"
			shift
			;;
		*) usage "up: no option '$1'" ;;
		esac
		shift
	done
	[[ $alertmanager == 0 || $metrics$prometheus == 11 ]] ||
		usage "--alertmanager needs Prometheus"
	if [[ -z $profile ]]; then
		[[ ${#data[@]} == 0 ]] && profile=demo || profile=default
	fi
}

up_option() {
	local number='^[0-9]+(\.[0-9]+)?$'

	case $1 in
	--profile)
		[[ $2 == default || $2 == replay || $2 == demo ]] ||
			usage "--profile $2 is not default, replay or demo"
		profile=$2
		;;
	--speed)
		[[ $2 == max || ($2 =~ $number && $2 == *[1-9]*) ]] ||
			usage "--speed $2 is neither a number above 0 nor max"
		speed=$2
		;;
	--seed)
		[[ $2 =~ ^[0-9]{1,19}$ ]] ||
			usage "--seed $2 is not a whole number"
		seed=$2
		;;
	--scrape-interval)
		[[ $2 =~ ^[1-9][0-9]{0,4}$ ]] ||
			usage "--scrape-interval $2 is not in seconds"
		interval=$2
		;;
	--cpu-alert)
		[[ $2 =~ ^[1-9][0-9]{0,4}$ ]] ||
			usage "--cpu-alert $2 is not in percent"
		cpu_alert=$2
		;;
	--with)
		[[ $2 =~ ^[a-z]+:--[a-z] ]] ||
			usage "--with $2 is not PART:--option=value"
		with+=("$2")
		;;
	--data)
		[[ -f $2 && -r $2 ]] || die "cannot read the data file $2"
		[[ $2 != *$'\n'* ]] || die "a file name with a line break"
		data+=("$(readlink -f "$2")")
		;;
	esac
}

# The user that the processes run as: ourselves, or for root somebody without
# rights.  `be` runs a command as that user.
user_pick() {
	local name=${CDB_USER:-nobody}

	run_uid=$EUID
	run_gid=$(id -g)
	be=()
	[[ $EUID == 0 ]] || return 0
	run_uid=$(id -u "$name" 2>/dev/null) || die "there is no user $name"
	run_gid=$(id -g "$name")
	be=(setpriv "--reuid=$run_uid" "--regid=$run_gid" --clear-groups
		--inh-caps=-all --no-new-privs)
}

# Ports are free only until the processes listen, so one `up` at a time picks.
# Whoever cannot take the lock goes on: a port lost is noticed by `listens`.
# A folder can be locked as well as a file, and leaves nothing behind.
ports_lock() {
	exec 8<"$(dirname "$home")"
	flock -w 60 8 || true
}

ports_unlock() {
	exec 8<&-
}

ports_pick() {
	local name p used

	used=" $(ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }' |
		tr '\n' ' ') "
	for name in "${wanted[@]}"; do
		p=${default_port[$name]}
		# Past the default, nobody takes the default of another.
		while [[ $used == *" $p "* ]]; do
			p=$((p + 1))
			while [[ " ${default_port[*]} " == *" $p "* ]]; do
				p=$((p + 1))
			done
		done
		[[ $p == "${default_port[$name]}" ]] ||
			say "port ${default_port[$name]} is taken: $name uses $p"
		port[$name]=$p
		used+="$p "
	done
}

# Recordings that the processes may not read are copied.
data_reach() {
	local i copy

	for i in "${!data[@]}"; do
		"${be[@]}" test -r "${data[i]}" && continue
		# The name stays: it tells the symbol.
		copy=$home/data/recorded/$i/$(basename "${data[i]}")
		mkdir -p "${copy%/*}"
		cp -- "${data[i]}" "$copy"
		data[i]=$copy
	done
}

# copy_binaries PATH... -- with those libraries of the build that they load, in
# the same places beside each other, so that a run path still leads to them.
copy_binaries() {
	local file libraries

	for file in "$@"; do
		[[ -x $build/$file ]] ||
			die "there is no $build/$file; try ./cdb setup"
	done
	cd "$build" || exit
	mapfile -t libraries < <({ ldd "$@" 2>/dev/null || true; } |
		awk -v b="$PWD/" 'index($3, b) == 1 {
			print substr($3, length(b) + 1) }' | sort -u)
	cp -L --parents --no-preserve=ownership -- "$@" "${libraries[@]}" \
		"$home/bin"
	cd "$top" || exit
}

quoted() {
	local word

	for word in "$@"; do
		printf " '%s'" "${word//\'/\'\\\'\'}"
	done
}

# supervise_scripts NAME COMMAND... -- what runit runs, once it has ended, and
# for its log.
supervise_scripts() {
	local name=$1 sv=$home/sv/$1

	shift
	printf '#!/bin/sh\nexec 2>&1\nexec%s\n' "$(quoted "$@")" >"$sv/run"
	printf "#!/bin/sh\nexec '%s/etc/finish' %s \"\$@\"\n" "$home" "$name" \
		>"$sv/finish"
	printf "#!/bin/sh\nexec svlogd%s\n" "$(quoted "$home/log/$name")" \
		>"$sv/log/run"
}

# The supervisor is runit.  `down` keeps a process still until it is its turn.
supervise() {
	local sv=$home/sv/$1 argv

	command_of "$1"
	supervise_scripts "$1" "${argv[@]}"
	printf 's2000000\nn5\n' >"$home/log/$1/config"
	# To PostgreSQL TERM means: when all clients have gone.  INT: now.
	if [[ $1 == postgres ]]; then
		mkdir "$sv/control"
		printf '#!/bin/sh\nkill -INT "$(cat supervise/pid)"\n' \
			>"$sv/control/t"
		chmod +x "$sv/control/t"
	fi
	: >"$sv/down"
}

# Beside the parts, and of none: it only looks whether they answer.
supervise_watchdog() {
	local argv=("$home/sv") name

	for name in "${wanted[@]}"; do
		[[ ${probe[$name]} != /* ]] ||
			argv+=("$name" "${port[$name]}" "${probe[$name]}")
	done
	mkdir -p "$home/sv/watchdog/log" "$home/log/watchdog"
	cp "$top/tools/cdb.d/watchdog.sh" "$home/etc/"
	supervise_scripts watchdog nice bash "$home/etc/watchdog.sh" \
		"${argv[@]}"
}

prepare() {
	local binaries=("$@") name folders=()

	umask 077
	mkdir -m 0755 "$home" || die "cannot create $home"
	mkdir "$home/etc" "$home/bin" "$home/sv" "$home/log" "$home/data"
	ports_pick
	smx_dir_pick
	umask 022
	data_reach
	config_redis
	config_postgres
	[[ $metrics$prometheus != 11 ]] || config_prometheus
	[[ $alertmanager == 0 ]] || config_alertmanager
	copy_binaries "${binaries[@]}"
	cp "$top/tools/cdb.d/finish" "$top/tools/cdb.d/redis.sh" "$home/etc/"
	for name in "${wanted[@]}"; do
		folders+=("$home/sv/$name/log" "$home/log/$name")
	done
	mkdir -p "${folders[@]}"
	for name in "${wanted[@]}"; do
		supervise "$name"
	done
	supervise_watchdog
	chmod +x "$home"/sv/*/run "$home"/sv/*/finish "$home"/sv/*/log/run
	chmod 755 "$home/etc" "$home/bin"
	[[ $EUID != 0 ]] || chown -R "$run_uid:$run_gid" \
		"$home/sv" "$home/log" "$home/data"
}

# runsvdir leads a session of its own, with nothing of our environment and none
# of our descriptors: whoever waits for our output must not wait for it.
launch() {
	local pid fd i late=

	# An interrupt waits until there is a session that can be stopped.
	trap 'late=1' INT TERM HUP
	(
		cd "$home/sv" || exit
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[[ $fd -le 2 ]] || eval "exec $fd>&-" 2>/dev/null || true
		done
		exec "${be[@]}" setsid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			LANG=C.UTF-8 "HOME=$home/data" "SMX_DIR=$smx_dir" \
			runsvdir "$home/sv"
	) </dev/null >>"$home/log/runsvdir" 2>&1 &
	pid=$!
	disown "$pid"
	state_write "$pid"
	state_read
	for ((i = 0; i < 100; i++)); do
		[[ -z $(members) ]] || break
		sleep 0.05
	done
	trap up_interrupted INT TERM HUP
	[[ -z $late ]] || up_interrupted
}

up_interrupted() {
	warn interrupted
	exit 130
}

# release NAME... -- let runit start them.
release() {
	local name i

	for name in "$@"; do
		for ((i = 0; i < 100; i++)); do
			[[ -p $home/sv/$name/supervise/control ]] && break
			sleep 0.05
		done
		rm -f "$home/sv/$name/down"
		printf u >"$home/sv/$name/supervise/control"
	done
}

# hopeless NAME... -- print those that ended three times because they were told
# something wrong (exit status 2): they will not get better.
hopeless() {
	local name wrong=$'2 0\n2 0\n2 0'

	for name in "$@"; do
		[[ $(tail -n 3 "$home/sv/$name/restarts" 2>/dev/null) != \
			"$wrong" ]] || printf '%s\n' "$name"
	done
}

# wait_healthy NAME... -- 0 when all are; else print those that are not.
wait_healthy() {
	local end=$((SECONDS + ${CDB_TIMEOUT:-60})) name left lost

	while :; do
		left=()
		listeners_look
		for name in "$@"; do
			healthy "$name" || left+=("$name")
		done
		[[ ${#left[@]} != 0 ]] || return 0
		[[ -d /proc/${state[sid]} ]] ||
			die "the run was stopped meanwhile"
		[[ $SECONDS -lt $end ]] || break
		mapfile -t lost < <(hopeless "${left[@]}")
		[[ ${#lost[@]} == 0 ]] || { left=("${lost[@]}"); break; }
		set -- "${left[@]}"
		sleep 0.1
	done
	for name in "${left[@]}"; do
		warn "$name is not healthy ($(address_of "$name")," \
			"$(restarts_of "$name") restarts); its last words:"
		tail -n 8 "$home/log/$name/current" >&2 || true
	done
	return 1
}

targets_known() {
	get prometheus '/api/v1/targets?state=active' |
		grep '"job":"smx_collector"' >/dev/null
}

cmd_up() {
	local binaries=() name binary bus=() rest=()

	up_options "$@"
	user_pick
	mapfile -t wanted < <(parts_wanted)
	if run_lives; then
		say "already running (what was asked for now needs ./cdb down first):"
		cmd_status || true
		return 0
	fi
	for name in "${wanted[@]}" digest load; do
		binary=$(binary_of "$name")
		[[ -z $binary ]] || binaries+=("$binary")
	done
	build_targets "${binaries[@]}"
	if [[ -e $home ]]; then
		say "cleaning up after a run that ended without ./cdb down"
		up_options "$@"
		mapfile -t wanted < <(parts_wanted)
		remove_all
	fi
	home_check
	trap up_undo EXIT
	trap up_interrupted INT TERM HUP
	ports_lock
	prepare "${binaries[@]}"
	launch
	for name in "${wanted[@]}"; do
		if [[ ${kind[$name]} == bus ]]; then
			bus+=("$name")
		else
			rest+=("$name")
		fi
	done
	release "${bus[@]}"
	if wait_healthy "${bus[@]}" && release "${rest[@]}" &&
		wait_healthy "${rest[@]}" && ports_unlock && targets_wait; then
		trap - EXIT INT TERM HUP
		cmd_status
		return
	fi
	trap - EXIT INT TERM HUP
	warn "left as it is, to be looked at: ./cdb logs, ./cdb down"
	return 1
}

# Half a run is none.
up_undo() {
	trap - EXIT INT TERM HUP
	stop_all
	remove_all
}

targets_wait() {
	local i

	[[ $metrics$prometheus == 11 ]] || return 0
	for ((i = 0; i < 100; i++)); do
		targets_known && return 0
		sleep 0.1
	done
	warn "Prometheus does not know its targets"
	return 1
}
