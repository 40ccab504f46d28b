/* SPDX-License-Identifier: Apache-2.0 */
#include "expo/escape.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *src, *quoted, *help;
} cases[] = {
	{ "", "", "" },
	{ "plain", "plain", "plain" },
	{ "a\\b", "a\\\\b", "a\\\\b" },
	{ "a\nb", "a\\nb", "a\\nb" },
	{ "say \"x\"", "say \\\"x\\\"", "say \"x\"" },
	{ "\\n", "\\\\n", "\\\\n" },
	{ "\\\"\n", "\\\\\\\"\\n", "\\\\\"\\n" },
	{ "tab\there", "tab\there", "tab\there" },
	{ "µs \xe2\x82\xac", "µs \xe2\x82\xac", "µs \xe2\x82\xac" },
};

static const char *
escaped(char *dst, const char *src, bool quotes)
{
	size_t n = expo_escape(dst, src, quotes);

	if (n > 2 * strlen(src))
		ck_abort_msg("%zu bytes", n);
	dst[n] = '\0';
	return dst;
}

START_TEST(label_values_escape_backslash_newline_and_quote)
{
	char dst[64];

	ck_assert_str_eq(escaped(dst, cases[_i].src, true), cases[_i].quoted);
}
END_TEST

START_TEST(help_of_prometheus_text_leaves_quotes_alone)
{
	char dst[64];

	ck_assert_str_eq(escaped(dst, cases[_i].src, false), cases[_i].help);
}
END_TEST

/* What a reader of label values does. */
static size_t
unescape(char *dst, const char *src, size_t n)
{
	char *p = dst;

	for (size_t i = 0; i < n; i++) {
		if (src[i] != '\\') {
			if (src[i] == '"' || src[i] == '\n')
				ck_abort_msg("bare in %.*s", (int)n, src);
			*p++ = src[i];
			continue;
		}
		if (++i == n)
			ck_abort_msg("ends in a backslash: %.*s", (int)n, src);
		*p++ = src[i] == 'n' ? '\n' : src[i];
	}
	return (size_t)(p - dst);
}

START_TEST(any_string_comes_back)
{
	static const char alphabet[] = "a\\\n\"n ";
	size_t k = sizeof(alphabet) - 1;
	char src[8], dst[16], back[16];

	/* every string of up to six letters of the alphabet */
	for (size_t len = 0; len <= 6; len++) {
		size_t all = 1;

		for (size_t i = 0; i < len; i++)
			all *= k;
		for (size_t code = 0; code < all; code++) {
			size_t c = code, n;

			for (size_t i = 0; i < len; i++, c /= k)
				src[i] = alphabet[c % k];
			src[len] = '\0';
			n = expo_escape(dst, src, true);
			n = unescape(back, dst, n);
			if (n != len || memcmp(back, src, len) != 0)
				ck_abort_msg("%s does not come back", src);
		}
	}
}
END_TEST

#define N_CASES ((int)(sizeof(cases) / sizeof(cases[0])))

int
main(void)
{
	Suite *s = suite_create("escape");
	TCase *tc = tcase_create("escape");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc,
	    label_values_escape_backslash_newline_and_quote, 0, N_CASES);
	tcase_add_loop_test(tc, help_of_prometheus_text_leaves_quotes_alone,
	    0, N_CASES);
	tcase_add_test(tc, any_string_comes_back);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
