# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Stopping a run and removing its traces.  Read by ./cdb.

# stop_all -- ask every process of the run to end, then insist.  A stopped
# process (SIGSTOP) hears nothing but SIGCONT and SIGKILL.
stop_all() {
	local pid pids i supervisors=()

	mapfile -t pids < <(members)
	[[ ${#pids[@]} != 0 ]] || return 0
	# The supervisors first: each passes the wish on to its process and
	# starts nothing again.
	for pid in "${pids[@]}"; do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		runsvdir | runsv) supervisors+=("$pid") ;;
		esac
	done
	kill -CONT "${pids[@]}" 2>/dev/null || true
	[[ ${#supervisors[@]} == 0 ]] ||
		kill -TERM "${supervisors[@]}" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		mapfile -t pids < <(members)
		[[ ${#pids[@]} != 0 ]] || return 0
		if [[ $i == 20 ]]; then
			# Those whose supervisor was killed.
			kill -TERM "${pids[@]}" 2>/dev/null || true
		fi
		sleep 0.05
	done
	while mapfile -t pids < <(members) && [[ ${#pids[@]} != 0 ]]; do
		kill -KILL "${pids[@]}" 2>/dev/null || true
		sleep 0.05
	done
}

# remove_all -- segments, data, logs, everything of the run.  In a folder that
# was given to us (SMX_DIR) only what the run's user made there.
remove_all() {
	if [[ ${state[smx_own]:-1} == 0 && -d ${state[smx_dir]} ]]; then
		find "${state[smx_dir]}" -maxdepth 1 -type f \
			-user "${state[user]}" \
			\( -name 'smx.*' -o -name '.*.smx.*' \) -delete
	fi
	rm -rf "/dev/shm/smx-$id" "$home"
}

cmd_down() {
	[[ $# == 0 ]] || usage "down takes no option"
	if [[ ! -e $home ]]; then
		say "nothing is running"
		return
	fi
	run_lives || true
	stop_all
	remove_all
	say "stopped, and removed $home"
}
