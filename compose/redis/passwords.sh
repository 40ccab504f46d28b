#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: passwords.sh FOLDER [USER...] -- a random password in FOLDER/USER for
# each [those of users.sh] that has none there yet.
set -eu
umask 077
folder=$1
shift
[ $# -gt 0 ] || set -- feed signal risk execution writer notify operator
for user in "$@"; do
	[ ! -s "$folder/$user" ] || continue
	od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n' >"$folder/$user.new"
	echo >>"$folder/$user.new"
	mv "$folder/$user.new" "$folder/$user"
done
