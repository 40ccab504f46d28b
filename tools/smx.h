/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SMX_H
#define TOOLS_SMX_H
/*
 * smx -- look at segments from the command line, read-only.
 *
 * Exit codes of all commands: 0 fine; 1 something is wrong with what was
 * looked at, or it is not there; 2 the command line is wrong.
 */
#include <stdbool.h>
#include <stdint.h>

#include "smx/view.h"

struct options {
	const char *dir;
	struct smx_view_options view;
	bool json;
	double interval; /* seconds */
	unsigned count;	 /* rounds of watch; 0: until interrupted */
	char *const *names;
	int n_names;
};

int command_ls(const struct options *);
int command_dump(const struct options *);
int command_check(const struct options *);
int command_watch(const struct options *);

/* target.c */

/*
 * target_open -- the segment that a word of the command line means: a path if
 * it has a slash, else a service of options->dir.
 *
 * Errors   as smx_view_open(); the message tells what may help.
 */
int target_open(struct smx_view **, const struct options *, const char *word,
    struct smx_error *);

/* Prints "smx: message" to standard error; returns 1. */
int complain(const struct smx_error *);

/* The service[@instance] in a file's name, which may be a path; the name
 * itself if it is none of ours. */
const char *target_service(const char *file);

/* text.c */

#define TEXT_NUMBER 48

/*
 * text_decimal -- cell x 10^-exponent, every digit of it, without needless
 * zeros: 1500000000 with exponent 9 is "1.5".
 */
void text_decimal(char to[TEXT_NUMBER], uint64_t cell, int exponent);

/* The fewest digits that read back as the same double; NaN, +Inf, -Inf. */
void text_double(char to[TEXT_NUMBER], double);

/* A string in double quotes, escaped; valid in JSON. */
void text_put_quoted(const char *);

/* {name="value",...} to standard output; nothing without labels. */
void text_put_labels(const struct smx_family_info *,
    const struct smx_series_info *);

const char *text_type(const struct smx_family_info *);

/* Nanoseconds since 1970 as 2026-11-22T11:00:00Z. */
void text_time(char to[TEXT_NUMBER], uint64_t ns);

/* dump_json.c, dump_text.c: one whole snapshot to standard output. */
void dump_json(const char *service, const struct smx_snapshot *);
void dump_text(const char *service, const struct smx_snapshot *);

#endif
