# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Where a run lives: whether the folders will do and, if not, what to do about
# it.  Read by ./cdb.

home_mib=256	# PostgreSQL begins with 60; Redis and Prometheus grow
segments_mib=16 # all services begin with less than 1

# free_mib FOLDER -- of the file system it is on.
free_mib() {
	df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9
}

# starts_programs FOLDER -- false where it is mounted noexec.
starts_programs() {
	local try status=0

	try=$(mktemp "$1/cdb-XXXXXX") || return
	printf '#!/bin/sh\n' >"$try"
	chmod 755 "$try"
	"$try" 2>/dev/null || status=$?
	rm -f "$try"
	return "$status"
}

# home_check -- the folder of the run can be made, and all that is put there
# will work.  Nothing has been made yet.
home_check() {
	local at=${home%/*} free instead='set CDB_TMP to another folder'

	getent passwd "$run_uid" >/dev/null ||
		die "user $run_uid has no name, and PostgreSQL wants one; be" \
			"a user of /etc/passwd, or root and set CDB_USER to one"
	[[ -d $at ]] || die "there is no folder $at; $instead"
	[[ -w $at && -x $at ]] ||
		die "$at is not writable for $(id -un); $instead"
	"${be[@]}" test -x "$at" ||
		die "user $run_uid cannot enter $at; $instead"
	# A socket's path is 107 bytes at most, and PostgreSQL's lies below.
	[[ ${#home} -le 77 ]] || die "$at is too long a name; $instead"
	starts_programs "$at" ||
		die "no program can be started in $at (noexec?); $instead"
	free=$(free_mib "$at")
	[[ $free -ge $home_mib ]] ||
		die "$at has $free MiB free, and a run takes $home_mib; $instead"
}

# A folder of our own in memory, else one on disk: the metrics are the same,
# the kernel only writes the pages back now and then.
smx_dir_pick() {
	smx_own=1
	if [[ -n ${SMX_DIR:-} ]]; then
		[[ -d $SMX_DIR ]] || die "SMX_DIR=$SMX_DIR is not a folder"
		smx_dir=$(readlink -f "$SMX_DIR")
		smx_own=0
		"${be[@]}" test -w "$smx_dir" ||
			warn "SMX_DIR=$smx_dir is not writable for user" \
				"$run_uid: the services go on without metrics"
		return
	fi
	smx_dir=$home/data/shm
	if [[ ! -w /dev/shm ]]; then
		warn "/dev/shm is not writable: the segments are in $smx_dir"
	elif [[ $(free_mib /dev/shm) -lt $segments_mib ]]; then
		warn "/dev/shm has $(free_mib /dev/shm) MiB free: the segments" \
			"are in $smx_dir (more room: mount -o" \
			"remount,size=64m /dev/shm; docker run --shm-size 64m)"
	elif [[ $home != /dev/shm/* ]]; then
		smx_dir=/dev/shm/smx-$id
		rm -rf "$smx_dir"
	fi
	mkdir -m 0700 "$smx_dir" ||
		die "no folder for the segments; set SMX_DIR to one"
	[[ $EUID != 0 ]] || chown "$run_uid:$run_gid" "$smx_dir"
}
