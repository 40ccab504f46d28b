/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOL_RUN_H
#define TESTS_TOOL_RUN_H
/* tool_run -- the command smx of this build; $SMX_BUILD is its root. */

/* Both streams of the last run. */
extern char tool_out[65536];

/* The status of `smx --dir DIR ARGUMENTS`, which a shell reads. */
int tool_run(const char *dir, const char *arguments);

/* Fails the test unless the last run printed this. */
void tool_says(const char *text);

#endif
