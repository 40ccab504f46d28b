/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_ESCAPE_H
#define EXPO_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * expo_escape -- `src` with a backslash before each backslash, newlines as
 * \n, and, if `quotes`, a backslash before each double quote.
 *
 * Label values and the HELP of OpenMetrics escape quotes; the HELP of
 * Prometheus text does not, and a reader would show the backslash.
 *
 * Output   not NUL-terminated; dst has room for 2 x strlen(src).
 * Return   the bytes written.
 */
size_t expo_escape(char *dst, const char *src, bool quotes);

#endif
