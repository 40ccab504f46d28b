/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h -- the command line of a service.
 *
 * Thread   at start only.
 */
#ifndef CDB_OPTIONS_H
#define CDB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/addr.h"
#include "runtime/log.h"
#include "services/common/password.h"

enum cdb_profile { CDB_DEFAULT, CDB_REPLAY, CDB_DEMO };

#define CDB_NAMES_MAX 8

/* Names given by an option that may be repeated. */
struct cdb_names {
	const char *name[CDB_NAMES_MAX];	/* borrowed */
	size_t n;
};

/* cdb_names_take -- one more: letters, digits, - and _; false: it is none. */
bool cdb_names_take(struct cdb_names *names, const char *value);

/* What every service takes. */
struct cdb_options {
	struct addr redis;
	char password[CDB_PASSWORD_TEXT];	/* for Redis; empty: none */
	const char *listen;		/* as addr.h reads it */
	const char *collector_url;	/* without a slash at its end */
	enum cdb_profile profile;
	uint64_t seed;
	bool metrics;
	enum log_level log_level;
};

/*
 * One more option.  take() stores the value; false means that it is not one,
 * and `wants` then tells the user what it should have been.
 */
struct cdb_option {
	const char *name;	/* "--speed" */
	const char *value;	/* how the help names it; NULL: takes none */
	const char *wants;	/* "a number above 0, or max" */
	const char *help;
	bool (*take)(void *arg, const char *value);
};

/* A service's own part of the command line. */
struct cdb_usage {
	const char *program;		/* "cdb-feed" */
	const char *what;		/* one line for --help */
	const struct cdb_option *more;
	size_t n_more;
	void *arg;			/* for take() */
};

/*
 * cdb_options_parse -- read argv over the defaults in `out`.
 *
 * The strings of argv are borrowed.
 * Returns -1 to go on; otherwise the exit status: 0 after --help and
 * --version, 2 after a line on stderr that says what is wrong.
 */
int cdb_options_parse(int argc, char **argv, const struct cdb_usage *usage,
    struct cdb_options *out);

/* cdb_profile_name -- "default", "replay", "demo". */
const char *cdb_profile_name(enum cdb_profile profile);

#endif
