#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: redis.sh FOLDER ARGUMENT... -- redis-server, once the append-only file
# in FOLDER is whole.
#
# A Redis that is killed in the middle of a write leaves half a transaction at
# the end of that file.  Redis 7.0 cuts off the half command but not the MULTI
# and the commands before it.  It does not execute them, but what it appends
# next is behind that MULTI, so the start after this one executes them after
# all: entries come twice.  redis-check-aof cuts off the whole transaction,
# which nobody was told had happened.
manifest=$1/appendonlydir/appendonly.aof.manifest
shift
if [ -e "$manifest" ] && ! redis-check-aof "$manifest" >/dev/null 2>&1; then
	yes 2>/dev/null | redis-check-aof --fix "$manifest"
fi
exec redis-server "$@"
