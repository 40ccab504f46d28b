/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/select.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int
append(char list[SELECT_TEXT], const char *word, size_t n)
{
	size_t len = strlen(list);
	size_t comma = len > 0;

	if (n == 0)
		return 0;
	if (len + comma + n >= SELECT_TEXT)
		return -E2BIG;
	if (comma)
		list[len++] = ',';
	memcpy(list + len, word, n);
	list[len + n] = '\0';
	return 0;
}

int
select_add(char list[SELECT_TEXT], const char *words)
{
	int err = 0;

	while (*words && err == 0) {
		size_t n = strcspn(words, ",");

		err = append(list, words, n);
		words += n;
		words += *words == ',';
	}
	return err;
}

/* Whether the word [at, at + n) is "service" or "service@instance". */
static bool
word_is(const char *at, size_t n, const char *service, const char *instance)
{
	size_t len = strlen(service);

	if (n < len || memcmp(at, service, len) != 0)
		return false;
	if (n == len)
		return true;
	return at[len] == '@' && instance[0] != '\0' &&
	    n - len - 1 == strlen(instance) &&
	    memcmp(at + len + 1, instance, n - len - 1) == 0;
}

bool
select_names(const char list[SELECT_TEXT], const char *service,
    const char *instance)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (word_is(list, n, service, instance))
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

bool
select_matches(const struct selection *sel, const char *service,
    const char *instance)
{
	if (sel->include[0] && !select_names(sel->include, service, instance))
		return false;
	return !select_names(sel->exclude, service, instance);
}

bool
select_equal(const struct selection *a, const struct selection *b)
{
	return a->alone == b->alone && strcmp(a->include, b->include) == 0 &&
	    strcmp(a->exclude, b->exclude) == 0;
}
