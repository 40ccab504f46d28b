/* SPDX-License-Identifier: Apache-2.0 */
/* expo_dump -- a page made by hand on stdout, for parsers of other makes.
 *
 *     expo_dump text|openmetrics|protobuf sample|SEED
 */
#include "tests/expo_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
dump(const struct made_set *set, enum expo_format format)
{
	struct expo_page *page;
	size_t cap, n;
	char *body;

	if (expo_page_create(&page, set->sources, set->n) < 0)
		return 1;
	cap = expo_page_bound(page, format, set->snapshots);
	body = malloc(cap);
	if (body == NULL)
		return 1;
	n = expo_render(body, cap, page, format, set->snapshots);
	n = fwrite(body, 1, n, stdout) == n ? 0 : 1;
	free(body);
	expo_page_destroy(page);
	return (int)n;
}

int
main(int argc, char **argv)
{
	static const char *const names[EXPO_FORMATS] = { "text",
		"openmetrics", "protobuf" };
	struct made_set set;
	int status;

	if (argc != 3)
		return 2;
	if (strcmp(argv[2], "sample") == 0)
		made_sample(&set);
	else
		made_random(&set, strtoull(argv[2], NULL, 10));
	for (int f = 0; f < EXPO_FORMATS; f++) {
		if (strcmp(argv[1], names[f]) != 0)
			continue;
		status = dump(&set, (enum expo_format)f);
		made_free(&set);
		return status;
	}
	return 2;
}
