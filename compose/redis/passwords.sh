#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: passwords.sh FOLDER -- a random password in FOLDER/USER for each user of
# users.sh that has none there yet.
set -eu
umask 077
for user in feed signal risk execution writer notify operator; do
	[ ! -s "$1/$user" ] || continue
	od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n' >"$1/$user.new"
	echo >>"$1/$user.new"
	mv "$1/$user.new" "$1/$user"
done
