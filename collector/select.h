/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.h -- which services a request asks for.  Pure.
 *
 * A word names a service ("feed": all its instances) or one instance of it
 * ("feed@a").  Two selections with equal bytes choose the same.
 */
#ifndef COLLECTOR_SELECT_H
#define COLLECTOR_SELECT_H

#include <stdbool.h>

#define SELECT_TEXT 2048	/* bytes of one list, the NUL included */

struct selection {
	bool alone;			/* of /metrics/{service}: no self */
	char include[SELECT_TEXT];	/* "feed,risk@a"; "": everything */
	char exclude[SELECT_TEXT];
};

/*
 * select_add -- append the words of a comma list; empty ones are skipped.
 *
 * Errors   -E2BIG the list would not fit.
 */
int select_add(char list[SELECT_TEXT], const char *words);

/* select_names -- whether the list holds the service or this instance. */
bool select_names(const char list[SELECT_TEXT], const char *service,
    const char *instance);

/* select_matches -- whether a segment is asked for. */
bool select_matches(const struct selection *sel, const char *service,
    const char *instance);

bool select_equal(const struct selection *a, const struct selection *b);

#endif
