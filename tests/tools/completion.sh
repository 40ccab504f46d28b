#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash offers behind the words of a command line of smx.
#
# usage: completion.sh SOURCE SMX
set -euo pipefail

# shellcheck source=tools/smx.bash
. "$1/tools/smx.bash"
smx=$2
failed=0
SMX_DIR=$(mktemp -d)
other=$(mktemp -d)
trap 'rm -rf "$SMX_DIR" "$other"' EXIT
touch "$SMX_DIR"/smx.{feed,risk,risk@eu} "$SMX_DIR"/.old.smx.feed \
	"$SMX_DIR/notes" "$other/smx.else"

# offers WANTED WORD... -- the last word is the one being written.
offers() {
	local wanted=$1 got

	COMP_WORDS=("${@:2}")
	COMP_CWORD=$(($# - 2))
	_smx
	got="${COMPREPLY[*]}"
	if [[ $got == "$wanted" ]]; then
		echo "ok - ${*:2}"
	else
		echo "not ok - ${*:2}: $got, not $wanted"
		failed=1
	fi
}

offers 'ls dump check watch top rm reset' smx ''
offers 'rm reset' smx r
offers 'feed risk risk@eu .old.smx.feed' smx dump ''
offers 'risk risk@eu' smx rm feed ri
offers '.old.smx.feed' smx rm .o
offers 'else' smx --dir "$other" check ''
offers 'else' smx --dir = "$other" check ''
offers '' smx ls ''
offers '--interval' smx watch feed --i
offers '--dir' smx reset --
offers 'root' smx --owner roo
offers '' smx watch feed --count ''

# every command and option that the tool knows
COMP_WORDS=(smx '') COMP_CWORD=1
_smx
while read -r word; do
	[[ " ${COMPREPLY[*]} " == *" $word "* ]] ||
		{ echo "not ok - no command $word"; failed=1; }
done < <("$smx" --help | sed -nE 's/^  ([a-z]+)( NAME|    ).*/\1/p')
COMP_WORDS=(smx --) COMP_CWORD=1
_smx
while read -r word; do
	[[ " ${COMPREPLY[*]} " == *" $word "* ]] ||
		{ echo "not ok - no option $word"; failed=1; }
done < <("$smx" --help | grep -oE -- '--[a-z]+')
exit $failed
