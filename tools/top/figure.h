/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_FIGURE_H
#define TOOLS_TOP_FIGURE_H
/* figure -- numbers in few columns: for people, not for programs. */

#include <wchar.h>

#define FIGURE 16

/* figure_number -- three digits and a letter: 1.23k, 45.6M, 0.00123. */
void figure_number(char to[FIGURE], double);

/* figure_seconds -- 12.3us, 4.56ms, 7.89s, 3m12s. */
void figure_seconds(char to[FIGURE], double);

/* figure_of -- in a family's unit; "-" for what is not known. */
void figure_of(char to[FIGURE], double, const char *unit);

/* figure_bar -- level 0 (nothing) to 8 of a bar; in letters if not wide. */
const wchar_t *figure_bar(unsigned level, int wide);

/* figure_shade -- level 0 (nothing) to 4. */
const wchar_t *figure_shade(unsigned level, int wide);

#endif
