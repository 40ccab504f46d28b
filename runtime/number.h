/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h -- decimal numbers and durations out of argv, environment and files.
 *
 * Thread   any.
 */
#ifndef SMX_RUNTIME_NUMBER_H
#define SMX_RUNTIME_NUMBER_H

#include <stdint.h>

/*
 * number_parse -- the whole of `text` as a decimal integer in [min, max].
 *
 * Only digits with an optional leading minus: no blanks, no plus, no hex.
 * Errors   -EINVAL not such a number; -ERANGE outside the range.
 */
int number_parse(const char *text, int64_t min, int64_t max, int64_t *out);

/*
 * duration_parse -- "250ms", "90s", "15m", "1h", "2d" or "0", in nanoseconds.
 *
 * Errors   -EINVAL not such a duration; -ERANGE more than a hundred years.
 */
int duration_parse(const char *text, uint64_t *ns);

#endif
