/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tool_run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

char tool_out[65536];

int
tool_run(const char *dir, const char *arguments)
{
	const char *root = getenv("SMX_BUILD");
	char command[1024];
	size_t n;
	FILE *f;

	ck_assert_msg(root != NULL, "SMX_BUILD is not set");
	snprintf(command, sizeof(command), "%s/tools/smx 2>&1 --dir %s %s",
	    root, dir, arguments);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(tool_out, 1, sizeof(tool_out) - 1, f);
	tool_out[n] = '\0';
	return WEXITSTATUS(pclose(f));
}

void
tool_says(const char *text)
{
	ck_assert_msg(strstr(tool_out, text) != NULL, "no `%s` in: %s", text,
	    tool_out);
}
