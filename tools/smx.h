/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SMX_H
#define TOOLS_SMX_H
/*
 * smx -- look at segments from the command line, read-only but for rm and
 * reset.
 *
 * Exit codes of all commands: 0 fine; 1 something is wrong with what was
 * looked at, or it is not there, or in use; 2 the command line is wrong.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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
int command_top(const struct options *);
int command_rm(const struct options *);
int command_reset(const struct options *);

/* target.c */

struct target {
	char dir[4096];
	char file[256];
	int fd; /* of dir; the caller closes it */
};

/*
 * target_find -- the file that a word of the command line means: a path if
 * it has a slash, else a service of options->dir, or what was set aside of
 * one.
 *
 * Errors   -ENAMETOOLONG; -errno of opening the directory.
 */
int target_find(struct target *, const struct options *, const char *word,
    struct smx_error *);

/* More words behind a message, as far as they fit. */
void target_hint(struct smx_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * target_open -- the segment that a word means, to be read.
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

/* capacity.c */

/* What a segment has a bound of, and the option that sets it. */
struct capacity {
	const char *what, *option; /* "lanes", field of struct smx_options */
	uint64_t used, of;
};
#define N_CAPACITIES 5
void capacity_of(struct capacity[N_CAPACITIES],
    const struct smx_segment_state *);

/* "1 of 64 slots, 0 of 64 lanes, ...", a line. */
void capacity_put(const struct smx_segment_state *);

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

/* {name="value",...}; nothing without labels. */
void text_write_labels(FILE *, const struct smx_family_info *,
    const struct smx_series_info *);
/* The same to standard output. */
void text_put_labels(const struct smx_family_info *,
    const struct smx_series_info *);

/* The same of an exemplar. */
void text_put_exemplar_labels(const struct smx_exemplar *);

const char *text_type(const struct smx_family_info *);

/* Nanoseconds since 1970 as 2026-11-22T11:00:00Z. */
void text_time(char to[TEXT_NUMBER], uint64_t ns);

/* dump_json.c, dump_text.c: one whole snapshot to standard output. */
void dump_json(const char *service, const struct smx_snapshot *);
void dump_text(const char *service, const struct smx_snapshot *);

#endif
