# SPDX-License-Identifier: Apache-2.0
# bash completion for smx(1).

# _smx_names -- names in the directory of segments: smx.NAME without the prefix,
# and what was set aside.
_smx_names() {
	local dir=${SMX_DIR:-/dev/shm} i file

	# --dir DIR; --dir=DIR is three words to bash
	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		[[ ${COMP_WORDS[i]} == --dir ]] || continue
		dir=${COMP_WORDS[i + 1]}
		[[ $dir != '=' ]] || dir=${COMP_WORDS[i + 2]}
	done
	for file in "$dir"/smx.*; do
		[[ ! -f $file ]] || printf '%s\n' "${file##*/smx.}"
	done
	for file in "$dir"/.old.smx.*; do
		[[ ! -f $file ]] || printf '%s\n' "${file##*/}"
	done
}

# _smx_command -- the command among the words so far, or nothing.
_smx_command() {
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--dir | --owner | --interval | --count) i=$((i + 1)) ;;
		ls | dump | check | watch | top | rm | reset)
			printf '%s' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_smx() {
	local word=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]} command words

	COMPREPLY=()
	case $before in
	--dir) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return 0 ;;
	--owner) mapfile -t COMPREPLY < <(compgen -u -- "$word") && return 0 ;;
	--interval | --count) return 0 ;;
	esac
	command=$(_smx_command)
	if [[ $word == -* ]]; then
		case $command in
		ls | check) words='--dir --owner' ;;
		dump) words='--dir --owner --json' ;;
		watch) words='--dir --owner --interval --count' ;;
		top) words='--dir --owner --interval' ;;
		rm | reset) words='--dir' ;;
		*) words='--dir --owner --json --interval --count --help
			--version' ;;
		esac
	else
		case $command in
		'') words='ls dump check watch top rm reset' ;;
		ls | top) return 0 ;;
		*) words=$(_smx_names) ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _smx smx
