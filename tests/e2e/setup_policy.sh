#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# While setup installs, no daemon may start; afterwards the system's own policy
# is back, however setup ended.  apt-get itself is replaced: what is tested is
# what surrounds it.
set -euo pipefail

top=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# setup WAY -- install in a shell of its own, with apt ending in that way.
setup() {
	WAY=$1 FOLDER=$folder bash -c '
		set -euo pipefail
		say() { :; }
		warn() { :; }
		die() { exit 1; }
		. "$0/tools/cdb.d/packages.sh"
		policy=$FOLDER/policy-rc.d
		policy_kept=$FOLDER/policy-rc.d.before-cdb
		as_root() { "$@"; }
		can_be_root() { :; }
		lists_know() { :; }
		daemons_disable() { :; }
		apt() {
			[[ " $* " != *" --assume-no "* ]] || return 0
			status=0
			sh "$policy" || status=$?
			echo "$status" >>"$FOLDER/seen"
			case $WAY in
			well) ;;
			badly) return 100 ;;
			*) kill -s "$WAY" $$; sleep 5 ;;
			esac
		}
		yes=1
		packages_install some-package' "$top" </dev/null || true
}

check() {
	local name=$1

	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		failed=1
	fi
}

# shellcheck disable=SC2317 # called through check
forbidden() { [[ $(sort -u "$folder/seen") == 101 ]]; }
# shellcheck disable=SC2317
nothing_left() { [[ $(ls "$folder") == seen ]]; }
# shellcheck disable=SC2317
own_is_back() {
	[[ $(ls "$folder") == $'policy-rc.d\nseen' &&
		$(cat "$folder/policy-rc.d") == '# mine' ]]
}

for way in well badly TERM INT HUP; do
	rm -f "$folder"/*
	setup "$way"
	check "daemons_forbidden_while_installing ($way)" forbidden
	check "no_policy_left_behind ($way)" nothing_left
	rm -f "$folder"/*
	echo '# mine' >"$folder/policy-rc.d"
	setup "$way"
	check "policy_of_the_system_is_back ($way)" own_is_back
done
# Killed: the next setup finds the mark and restores.
rm -f "$folder"/*
echo '# mine' >"$folder/policy-rc.d"
setup KILL
setup well
check "killed_setup_is_mended_by_the_next" own_is_back
exit "$failed"
