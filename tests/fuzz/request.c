/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger may ask of the collector: headers, lists of services, and
 * the names of files. */
#include <stdlib.h>
#include <string.h>

#include "collector/negotiate.h"
#include "collector/segment.h"
#include "collector/select.h"
#include "tests/fuzz/fuzz.h"

static void
check_lists(const char *words)
{
	struct selection sel = { 0 };
	int err = select_add(sel.include, words);

	err = err < 0 ? err : select_add(sel.exclude, "b,c@d");
	err = err < 0 ? err : select_add(sel.include, "a@x,");
	fuzz_require(strlen(sel.include) < SELECT_TEXT, "a list has an end");
	if (err < 0)
		return;
	fuzz_require(select_names(sel.include, "a", "x"),
	    "what was added is in the list");
	fuzz_require(select_matches(&sel, "a", "x"), "what is asked for comes");
	fuzz_require(
	    !select_matches(&sel, "c", "d"), "what is excluded does not");
	fuzz_require(select_equal(&sel, &sel), "a selection is its own equal");
}

static void
check_name(const char *text, size_t size)
{
	char *file = malloc(size + sizeof(SMX_FILE_PREFIX));
	char service[SEGMENT_NAME], instance[SEGMENT_NAME];

	fuzz_require(file != NULL, "there is memory");
	strcpy(file, SMX_FILE_PREFIX);
	strcat(file, text);
	if (segment_parse_name(file, service, instance) == 0) {
		fuzz_require(strlen(text) == strlen(service) +
						 strlen(instance) +
						 (*instance != '\0'),
		    "a name is made of its parts");
		fuzz_require(strpbrk(service, "\"\\\n{}@") == NULL &&
				 strpbrk(instance, "\"\\\n{}@") == NULL,
		    "parts need no escape");
	}
	free(file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	enum expo_format format;

	fuzz_require(text != NULL, "there is memory");
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	format = negotiate_format(text);
	fuzz_require((unsigned)format < EXPO_FORMATS, "there is an answer");
	(void)negotiate_gzip(text);
	check_lists(text);
	check_name(text, strlen(text));
	free(text);
	return 0;
}
