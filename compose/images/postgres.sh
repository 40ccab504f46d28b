#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL with the database cdb; what initdb has not finished is made again.
#
# There is no password anywhere: the kernel says who is at the other end of the
# socket, and the socket lies in a volume that only two containers have.
set -eu
bin=/usr/lib/postgresql/15/bin
cd /data
if [ ! -e db ]; then
	rm -rf new
	"$bin/initdb" -D new -U cdb_postgres -A peer -E UTF8 --no-locale
	"$bin/postgres" --single -D new postgres <<-'SQL'
		CREATE ROLE cdb LOGIN
		CREATE DATABASE cdb OWNER cdb
	SQL
	mv new db
fi
exec "$bin/postgres" -D db -c config_file=/etc/cdb/postgresql.conf
