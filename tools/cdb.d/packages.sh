# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages and the build.  Read by ./cdb.

# Where two packages give the same, the second is taken if it is there.
packages=(
	gcc g++ clang 'libclang-rt-14-dev|libclang-rt-dev'
	meson ninja-build 'pkg-config|pkgconf'
	libuv1-dev libhiredis-dev libmicrohttpd-dev libdeflate-dev
	libgnutls28-dev libyaml-dev libseccomp-dev libcap-ng-dev libcrypt-dev
	libsystemd-dev libjansson-dev libncurses-dev nettle-dev libpq-dev check
	redis-server redis-tools prometheus prometheus-alertmanager runit
	'postgresql-15|postgresql-17' 'postgresql-client-15|postgresql-client-17'
	python3 python3-prometheus-client python3-protobuf python3-yaml libatomic1
	curl iproute2 iptables mandoc openssl procps spin tmux
)
# Beside them, what a suite needs.  Of these, a run of all tests has page.
declare -A suite_packages=(
	[page]='chromium fonts-inter fonts-jetbrains-mono'
	[arm64]='gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user'
	[compose]='containerd docker.io docker-compose debootstrap tini'
)
# Of those, the ones that bring a daemon, and its name where it is another.
package_daemons=(redis-server prometheus prometheus-alertmanager postgresql
	containerd docker.io:docker)

policy=/usr/sbin/policy-rc.d
policy_kept=/usr/sbin/policy-rc.d.before-cdb
policy_mark='# written by cdb setup'

# packages_missing -- print the packages that are not installed.
packages_missing() {
	local want name names status
	local -A have

	# shellcheck disable=SC2016,SC2046 # for dpkg-query; words wanted
	while read -r name status; do
		[[ $status != installed ]] || have[$name]=1
	done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' \
		$(printf '%s ' "${packages[@]//|/ }") 2>/dev/null)
	for want in "${packages[@]}"; do
		IFS='|' read -r -a names <<<"$want"
		for name in "${names[@]}"; do
			[[ -z ${have[$name]:-} ]] || continue 2
		done
		printf '%s\n' "${names[0]}"
	done
}

# as_root COMMAND... -- run it as root, or fail where that cannot be.
as_root() {
	if [[ $EUID == 0 ]]; then
		"$@"
	elif [[ -t 0 ]]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	[[ $EUID == 0 ]] && return 0
	command -v sudo >/dev/null || return 1
	[[ -t 0 ]] || sudo -n true 2>/dev/null
}

# While packages are installed, no daemon may be started: Debian asks
# policy-rc.d, and 101 means no.  An existing one is put back on every exit; one
# left by a killed setup is known by its mark.
policy_forbid() {
	trap policy_restore EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	if as_root test -e "$policy" &&
		! as_root grep -qxF "$policy_mark" "$policy"; then
		as_root mv "$policy" "$policy_kept"
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" |
		as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
}

policy_restore() {
	trap - EXIT INT TERM HUP
	if as_root grep -sqxF "$policy_mark" "$policy"; then
		as_root rm -f "$policy"
	fi
	if as_root test -e "$policy_kept"; then
		as_root mv "$policy_kept" "$policy"
	fi
}

# A machine that has just started may be installing its updates.
apt() {
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
		--no-install-recommends "$@"
}

# Lists are fetched only where one of the packages has no candidate.
lists_know() {
	local name

	for name in "$@"; do
		LC_ALL=C apt-cache policy "$name" 2>/dev/null |
			grep 'Candidate: [0-9]' >/dev/null || return 1
	done
}

# A daemon that the packages brought must not start at the next boot either:
# each run has its own.  One that was there before is left as it was.
daemons_disable() {
	local daemon name

	for daemon in "${package_daemons[@]}"; do
		grep -qxE "${daemon%:*}(-[0-9]+)?" <<<"$*" || continue
		name=${daemon#*:}
		if command -v systemctl >/dev/null; then
			as_root systemctl --quiet disable "$name" \
				>/dev/null 2>&1 || true
		elif [[ -e /etc/init.d/$name ]]; then
			as_root update-rc.d "$name" disable \
				>/dev/null 2>&1 || true
		fi
	done
}

packages_install() {
	local missing=("$@") cost answer

	if ! can_be_root; then
		warn "packages are missing, and you are neither root nor may" \
			"use sudo; let somebody who may run this once:"
		say "  apt-get install --no-install-recommends ${missing[*]}"
		exit 1
	fi
	lists_know "${missing[@]}" || apt -q update
	cost=$(apt --assume-no install "${missing[@]}" 2>&1 || true)
	say "missing: ${missing[*]}"
	grep -E '^(Need to get|After this operation)' <<<"$cost" || true
	if [[ ${yes:-} != 1 && -t 0 ]]; then
		read -r -p 'Install them? [Y/n] ' answer
		[[ ${answer:-y} == [yY]* ]] || exit 1
	fi
	policy_forbid
	if ! apt -q -y install "${missing[@]}"; then
		apt -q update
		apt -q -y install "${missing[@]}" ||
			die "apt-get could not install them (its words are" \
				"above; is there a network?); then try again"
	fi
	policy_restore
	daemons_disable "$(printf '%s\n' "${missing[@]}")"
}

setup_if_missing() {
	local missing

	command -v dpkg-query >/dev/null ||
		die "this needs Debian 12 (there is no dpkg here); a container" \
			"will do: docker run -it -v \"$top:/smx\" debian:12"
	mapfile -t missing < <(packages_missing)
	[[ ${#missing[@]} == 0 ]] || packages_install "${missing[@]}"
}

cmd_setup() {
	yes=0
	while [[ $# -gt 0 ]]; do
		case $1 in
		--yes | -y) yes=1 ;;
		*) usage "setup: no option '$1'" ;;
		esac
		shift
	done
	# A policy left by a setup that was killed.
	if grep -sqxF "$policy_mark" "$policy"; then
		policy_restore
	fi
	setup_if_missing
	step_down setup
	build_targets
	say "ready: $build"
}

# suites_need WORD... -- add what the named suites need beside the packages of
# all; without a name, what every run of the tests needs.
suites_need() {
	local word more suites=()

	for word; do
		[[ $word == -* ]] || suites+=("$word")
	done
	for word in "${suites[@]:-page}"; do
		read -r -a more <<<"${suite_packages[$word]:-}"
		packages+=("${more[@]}")
	done
}

# as_builder COMMAND... -- as the owner of the checkout, so that root leaves no
# files in somebody's tree that its owner cannot remove.
as_builder() {
	local owner

	owner=$(stat -c %u "$top")
	if [[ $EUID == 0 && $owner != 0 ]]; then
		setpriv "--reuid=$owner" "--regid=$(stat -c %g "$top")" \
			--clear-groups env "HOME=$top" "$@"
	else
		"$@"
	fi
}

# Of a build that is not the usual one.
meson_options=()

# build_targets [TARGET...] -- configure where needed, then ninja.
build_targets() {
	[[ -z ${CDB_NO_BUILD:-} ]] || return 0
	local out

	exec 7<"$top"
	flock 7
	if [[ ! -f $build/build.ninja ]]; then
		as_builder test -w "$(dirname "$build")" ||
			die "$(dirname "$build") is not writable; set" \
				"CDB_BUILD to a folder to build in"
		say "configuring $build"
		out=$(as_builder meson setup "$build" "$top" \
			"${meson_options[@]}" 2>&1) || {
			say "$out" >&2
			die "meson setup failed"
		}
		say "building; the first time takes a minute or two"
	fi
	out=$(as_builder ninja -C "$build" "$@" 2>&1) || {
		tail -n 60 <<<"$out" >&2
		die "the build failed"
	}
	exec 7<&-
}
