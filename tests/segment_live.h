/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SEGMENT_LIVE_H
#define TESTS_SEGMENT_LIVE_H
/*
 * segment_live -- segments that are really written: a directory of its own
 * for each test, processes that attach, and the reader library as the judge
 * of what they left.
 *
 * A process attaches once in its life.  So a test that needs several writers
 * starts them before it attaches itself, or does not attach at all.
 *
 * Errors   none: what cannot be is printed with its place, and ends the
 *          process with status 99.
 */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "smx/view.h"
#include "smx/writer.h"

/* Built with a sanitizer, which makes calls, and takes memory, of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(SMX__TSAN)
#define LIVE_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIVE_SANITIZED true
#endif
#endif
#ifndef LIVE_SANITIZED
#define LIVE_SANITIZED false
#endif

/* Also for processes that check knows nothing of. */
#define REQUIRE(x) live_require((x) ? 1 : 0, #x, __FILE__, __LINE__)

void live_require(int ok, const char *what, const char *file, int line);

/* This test's directory, where SMX_DIR points. */
extern char live_path[128];

/* A path in it: "name" becomes "<live_path>/name".  Until the next call. */
const char *live_file(const char *name);

/* A case whose tests each run in a process and a directory of their own; the
 * directories go at the end of the case, however it ends. */
TCase *live_case(Suite *, const char *name, double timeout_s);

/* Run the suite; what main() returns. */
int live_main(Suite *);

/* Processes.  They die with the test. */
pid_t live_start(int (*fn)(void *), void *arg);
/* Exit status, or minus the signal that ended it. */
int live_wait(pid_t);
int live_run(int (*fn)(void *), void *arg);
int live_kill(pid_t, int signal); /* and wait */

/* A process that does one step at a time, on command. */
struct live_peer {
	pid_t pid;
	int to, from;
};
void live_peer_start(struct live_peer *, int (*fn)(int step));
int live_peer_do(struct live_peer *, int step); /* what fn returned */
void live_peer_end(struct live_peer *); /* by SIGKILL */

/* Readers.  Values of labels are written "a|b"; NULL or "" for none. */
struct live {
	struct smx_view *view;
	struct smx_snapshot snap;
};
/* Open `file` the first time, read what is new, take a snapshot. */
void live_look(struct live *, const char *file);
void live_close(struct live *);

/* NULL if it is not there, or retired. */
const struct smx_family_info *live_family(const struct live *,
    const char *name);
const struct smx_series_info *live_series(const struct live *,
    const char *name, const char *values);

/* Of series that must be there. */
uint64_t live_cell(const struct live *, const char *name, const char *values);
uint64_t live_count(const struct live *, const char *name, const char *values);
uint64_t live_sum(const struct live *, const char *name, const char *values);
uint64_t live_bucket(const struct live *, const char *name, uint32_t i);

/* false: unset. */
bool live_gauge(const struct live *, const char *name, const char *values,
    double *value);

/* The header as it is now, by pread: for what the reader does not show. */
void live_header(const char *file, struct smx_header *);

/* 1 if any byte of the lock range is held by another description. */
int live_locked(const char *file, int64_t byte, int64_t n);

/* xorshift: the same numbers each run. */
uint64_t live_random(uint64_t *state);

#endif
