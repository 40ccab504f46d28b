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
	starts_programs "${TMPDIR:-/tmp}" ||
		die "no program can be started in ${TMPDIR:-/tmp} (noexec?)," \
			"and tests do so; set TMPDIR to another folder"
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
	# what takes many minutes, or an engine for containers, runs when it
	# is asked for by name
	[[ ${#suites[@]} != 0 ]] ||
		args+=(--no-suite long --no-suite containers)
	meson test -C "$build" --no-rebuild --print-errorlogs \
		--timeout-multiplier 3 "${args[@]}" ||
		failed=$?
	"$python" "$top/tools/cdb.d/count.py" "$logs/testlog.json" || failed=$?
	return "$failed"
}

# Rows are tab-separated, so that other libraries' can stand beside them.
cmd_bench() {
	local what=${1:-} set

	case $what in
	hot | scrape) ;;
	ab | peers | pipeline) shift; "bench_$what" "$@"; return ;;
	*) usage "bench: hot, scrape, pipeline, ab or peers" ;;
	esac
	shift
	if [[ $what == hot ]]; then
		bench_hot "$@"
		return
	fi
	bench_scrape "$@"
}

# bench_scrape [--plot PICTURE | WHAT...] -- what a scrape costs the collector.
bench_scrape() {
	local set format

	build_targets bench/bench-scrape collector/smx-collector
	if [[ ${1:-} == --plot ]]; then
		bench_scrape_plot "${2:?where to?}"
		return
	fi
	if [[ $# != 0 ]]; then
		"$build/bench/bench-scrape" scrape "$@"
		return
	fi
	for set in 'counters 100000' 'counters 1000000' 'histograms 10000'; do
		for format in text openmetrics protobuf; do
			# shellcheck disable=SC2086 # two words
			"$build/bench/bench-scrape" scrape $set "$format"
		done
	done
	"$build/bench/bench-scrape" scrape counters 100000 text 64
	"$build/bench/bench-scrape" scrape grown 1000000
	"$build/bench/bench-scrape" scrape paced 1000000
	"$python" "$top/bench/scrape_http.py" "$build/bench/bench-scrape" \
		"$build/collector/smx-collector" 1000000
}

# How it grows with the number of series, as a picture.
bench_scrape_plot() {
	local rows n format

	command -v gnuplot >/dev/null || packages_install gnuplot-nox
	rows=$(mktemp)
	for format in text openmetrics protobuf; do
		for n in 1000 3000 10000 30000 100000 300000 1000000; do
			"$build/bench/bench-scrape" scrape counters "$n" "$format"
		done
	done | tee "$rows"
	gnuplot -e "rows='$rows'; picture='$1'" "$top/bench/scrape.gnuplot"
	rm -f "$rows"
}

# Its own Redis and PostgreSQL; nothing of a run is touched.
bench_pipeline() {
	build_targets
	PYTHONDONTWRITEBYTECODE=1 "$python" "$top/bench/pipeline.py" \
		"$build" "$@"
}

# What the writer's side costs, and whether that is what was promised.
bench_hot() {
	build_targets bench/bench-hot bench/bench-attach bench/bench-watched
	case ${1:-} in
	'')
		{
			"$build/bench/bench-hot" hot
			"$build/bench/bench-watched"
			"$build/bench/bench-attach"
		} | "$python" "$top/bench/limits.py"
		;;
	--instructions)
		command -v valgrind >/dev/null || packages_install valgrind
		"$python" "$top/bench/instructions.py" \
			"$build/bench/bench-hot"
		;;
	*) usage "bench hot: no option '$1'" ;;
	esac
}

# What a report is nicer with; without them it says what is left out.
ab_packages() {
	local packages=(apache2-utils librsvg2-bin fonts-dejavu-core) missing

	mapfile -t missing < <(packages_missing)
	[[ ${#missing[@]} != 0 ]] || return 0
	if can_be_root; then
		packages_install "${missing[@]}"
	else
		warn "not installed, and done without: ${missing[*]}"
	fi
}

# bench_ab [OPTION...] -- the pipeline twice, with and without SMX_OFF, and
# the harness that compares them.
bench_ab() {
	local programs=(digest execution feed load notify risk signal writer)

	programs=("${programs[@]/#/services/cdb-}")
	if [[ " $* " == *" --help "* || " $* " == *" -h "* ]]; then
		"$python" "$top/bench/ab/main.py" --builds . . --help
		return
	fi
	ab_packages
	build_targets "${programs[@]}" collector/smx-collector \
		bench/bench-hot bench/ab/ab-{http,stats} \
		bench/ab/ab-delay.so
	local meson_options=(-Dmetrics=false -Dtests=false) on=$build
	build=$build-off build_targets "${programs[@]}"
	exec "$python" -B "$top/bench/ab/main.py" --builds "$on" "$on-off" "$@"
}

# What Debian has of other libraries; one that is missing is left out.
bench_peers() {
	local packages=(
		g++ prometheus-cpp-dev golang-go
		golang-github-prometheus-client-golang-dev
		golang-github-victoriametrics-metrics-dev
		cargo librust-prometheus-dev python3-prometheus-client
		libpcp-mmv1-dev libpcp3-dev
	) missing

	if [[ " $* " != *" --help "* && " $* " != *" -h "* ]]; then
		mapfile -t missing < <(packages_missing)
		[[ ${#missing[@]} == 0 ]] || packages_install "${missing[@]}"
		build_targets bench/bench-hot bench/bench-scrape
	fi
	exec "$python" -B "$top/bench/peers/run.py" --build "$build" "$@"
}
