#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: users.sh FOLDER -- print an ACL file for Redis (aclfile).
#
# FOLDER/USER holds the password of each user in its first line (passwords.sh
# makes them); what is printed holds hashes of them.  A service may use its own
# state, add to what it publishes, and consume what it reads; the operator may
# do everything; probe, who needs no password, may ask whether Redis lives;
# monitoring has no user, and whoever does not log in may do nothing.
#
# A service sees no configuration: it cannot ask whether Redis may forget.
set -eu
folder=$1

hash_of() {
	head -n 1 "$folder/$1" | tr -d '\n' | sha256sum | cut -c1-64
}

# keys COMMANDS KEY... -- a selector: these commands on these keys only.
keys() {
	commands=$1
	shift
	printf ' ('
	for key in "$@"; do
		printf '~%s ' "$key"
	done
	printf '%s)' "-@all $commands"
}

adds='+xadd'
# A publisher makes the groups of its readers, and cuts off what all have read.
keeps='+xgroup|create +xinfo|groups +xinfo|stream +xlen +xtrim +xrange +xpending'
# The lag of what one reads is a metric.
reads='+xread +xreadgroup +xack +xgroup|create +xgroup|setid +xclaim +xinfo|groups'
reads="$reads +xinfo|stream +xlen +xrange +xpending"
state='+hset +hget +hmget +hgetall +lrange +rpush +ltrim +incr +get +watch'

# service NAME PUBLISHED READ [STATE-OF-OTHERS [CHANNEL]] -- words apart by
# blanks; CHANNEL is a command and where.
service() {
	printf 'user %s on #%s resetkeys resetchannels -@all' "$1" \
		"$(hash_of "$1")"
	printf ' +auth +ping +multi +exec +client|setname'
	# shellcheck disable=SC2086 # lists of words
	{
		keys "$state" "state:$1" "epoch:$1" "window:$1:*"
		keys "$adds" health $2
		[ -z "$2" ] || keys "$keeps" $2
		[ -z "$3" ] || keys "$reads" $3
		[ -z "${4:-}" ] || keys '+hget +hmget +hgetall' $4
		[ -z "${5:-}" ] || printf ' (-@all %s &%s)' $5
	}
	printf '\n'
}

# Nobody can log in as default, but Redis is it while it reads its append-only
# file, and before 8.4 an EXEC in there is executed only if default may do what
# is in it: with fewer rights, whole transactions are lost by a restart.
echo 'user default off resetpass ~* &* +@all'
echo 'user probe on nopass resetkeys resetchannels -@all +ping'
echo "user operator on #$(hash_of operator) ~* &* +@all"
service feed 'market_data' ''
service signal 'signals' 'market_data' '' '+publish worked:signal'
service risk 'orders risk_events portfolio alerts' \
	'market_data signals order_results' \
	'state:feed state:signal state:execution' '+subscribe worked:signal'
service execution 'order_results' 'orders'
service writer 'health' 'signals orders order_results risk_events portfolio health'
service notify 'notifications' 'alerts notifications'
