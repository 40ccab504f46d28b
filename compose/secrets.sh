#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: secrets.sh [FOLDER] -- make what docker-compose.yml calls secrets, in
# FOLDER (secrets, beside this script).  What is there already stays.
#
# Compose shows a file as it is on this machine: the user of a container must
# be able to read it.  So the files are open, and the folder is closed.
set -eu
here=$(dirname "$0")
folder=${1:-$here/secrets}
umask 077
mkdir -p "$folder/redis"
"$here/redis/passwords.sh" "$folder/redis"
"$here/redis/users.sh" "$folder/redis" >"$folder/redis/users.acl.new"
mv "$folder/redis/users.acl.new" "$folder/redis/users.acl"
"$here/redis/passwords.sh" "$folder" grafana_admin_password
chmod 0700 "$folder"
chmod 0755 "$folder/redis"
chmod 0444 "$folder"/redis/* "$folder/grafana_admin_password"
