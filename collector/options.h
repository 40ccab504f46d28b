/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h -- the command line of smx-collector.
 */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/log.h"

#define OPTIONS_LISTEN_MAX	16
#define OPTIONS_SERVICE_MAX	256

struct options {
	const char *listen[OPTIONS_LISTEN_MAX];
	size_t n_listen;
	const char *services[OPTIONS_SERVICE_MAX];	/* each once */
	size_t n_services;
	const char *telemetry_path;
	const char *web_config;		/* NULL: none */
	const char *dir;
	uint64_t keep_ns;		/* segments of the dead; 0: for ever */
	unsigned max_requests;		/* 0: no limit */
	uid_t owner;			/* whose segments are taken */
	bool owner_given;		/* else: whoever we become */
	const char *user;		/* to become; NULL: stay */
	bool systemd_socket;
	bool landlock, seccomp;		/* if the kernel has them */
	bool about_us;			/* not --web.disable-exporter-metrics */
	bool created;			/* `_created` in OpenMetrics */
	enum log_level level;
	bool help, version;
};

/*
 * options_parse -- argv and the environment into `opt`.
 *
 * Strings are borrowed from argv and the environment.
 * Errors   -EINVAL; msg says in one line what is wrong.
 */
int options_parse(struct options *opt, int argc, char *const *argv,
    char msg[256]);

/* options_usage -- the text of --help. */
const char *options_usage(void);

#endif
