# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Tests and benchmarks.  Read by ./cdb.

cmd_test() {
	local suites=() suite known args=() failed=0 logs=$build/meson-logs

	while [[ $# -gt 0 ]]; do
		case $1 in
		--yes) ;;
		-*) usage "test: no option '$1'" ;;
		*) suites+=("$1") ;;
		esac
		shift
	done
	build_targets
	known=$(as_builder meson introspect "$build" --tests |
		"$python" -c 'import json, sys
print(*sorted({s.split(":")[-1] for t in json.load(sys.stdin)
               for s in t["suite"]}))')
	for suite in "${suites[@]}"; do
		[[ " $known " == *" $suite "* ]] ||
			usage "no suite '$suite' (there are: $known)"
		args+=(--suite "$suite")
	done
	meson test -C "$build" --no-rebuild --print-errorlogs "${args[@]}" ||
		failed=$?
	"$python" "$top/tools/cdb.d/count.py" "$logs/testlog.json" || failed=$?
	return "$failed"
}

cmd_bench() {
	local what=${1:-}

	[[ $what == hot || $what == scrape ]] ||
		usage "bench: hot or scrape"
	build_targets
	"$build/bench/$what" "${@:2}"
}
