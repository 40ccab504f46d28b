/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipefd[2];
static struct log lg;

static void
setup(void)
{
	ck_assert_int_eq(pipe2(pipefd, O_CLOEXEC | O_NONBLOCK), 0);
	lg = (struct log){ .fd = pipefd[1], .min = LOG_INFO,
	    .service = "feed" };
}

static void
teardown(void)
{
	close(pipefd[0]);
	close(pipefd[1]);
}

/* The one line written, parsed: strict JSON, one newline, at the end. */
static json_t *
line(void)
{
	char buf[LOG_LINE_MAX + 1];
	ssize_t n = read(pipefd[0], buf, sizeof(buf));
	json_error_t err;
	json_t *root;

	ck_assert_int_gt(n, 1);
	ck_assert_int_le(n, LOG_LINE_MAX);
	ck_assert_ptr_eq(memchr(buf, '\n', (size_t)n), buf + n - 1);
	root = json_loadb(buf, (size_t)n,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	ck_assert_msg(root != NULL, "%s in: %.*s", err.text, (int)n, buf);
	return root;
}

static const char *
str(json_t *root, const char *key)
{
	const char *s = json_string_value(json_object_get(root, key));

	ck_assert_msg(s != NULL, "no string %s", key);
	return s;
}

START_TEST(a_line_carries_its_fields)
{
	json_t *root;

	log_info(&lg, "connected", LOG_STR("address", "[::1]:1"),
	    LOG_INT("n", -3), LOG_UINT("u", 5000000000), LOG_NUM("x", 0.25),
	    LOG_BOOL("yes", true), LOG_STRN("part", "abcdef", 3),
	    LOG_STR("nil", NULL), LOG_ERR(-ENOENT));
	root = line();
	ck_assert_str_eq(str(root, "level"), "info");
	ck_assert_str_eq(str(root, "service"), "feed");
	ck_assert_str_eq(str(root, "msg"), "connected");
	ck_assert_str_eq(str(root, "address"), "[::1]:1");
	ck_assert_str_eq(str(root, "part"), "abc");
	ck_assert_str_eq(str(root, "error"), strerror(ENOENT));
	ck_assert_int_eq(json_integer_value(json_object_get(root, "n")), -3);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "u")),
	    5000000000);
	ck_assert_double_eq(json_real_value(json_object_get(root, "x")), 0.25);
	ck_assert(json_is_true(json_object_get(root, "yes")));
	ck_assert(json_is_null(json_object_get(root, "nil")));
	ck_assert_ptr_null(json_object_get(root, "cut"));
	json_decref(root);
}
END_TEST

START_TEST(the_time_is_utc_with_microseconds)
{
	json_t *root;
	const char *ts;

	log_warn(&lg, "m");
	root = line();
	ts = str(root, "ts");
	ck_assert_uint_eq(strlen(ts), strlen("2026-01-02T03:04:05.678901Z"));
	ck_assert_int_eq(ts[10], 'T');
	ck_assert_int_eq(ts[26], 'Z');
	json_decref(root);
}
END_TEST

START_TEST(every_byte_makes_a_line_that_parses)
{
	char text[4] = { 'a', (char)_i, 'b', 0 };
	json_t *root;

	log_info(&lg, text, LOG_STRN("n", text, 3));
	root = line();
	if (_i > 0 && _i < 0x80)
		ck_assert_str_eq(str(root, "msg"), text);
	if (_i >= 0x80)
		ck_assert_str_eq(str(root, "msg"), "a\xef\xbf\xbd" "b");
	json_decref(root);
}
END_TEST

static const struct {
	const char *in, *out;
} utf8[] = {
	{ "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	  "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },		/* overlong */
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80",
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "x\xe2\x82", "x\xef\xbf\xbd\xef\xbf\xbd" },		/* cut off */
	{ "\xe2(", "\xef\xbf\xbd(" },
};

START_TEST(what_is_not_utf8_is_replaced)
{
	json_t *root;

	log_info(&lg, utf8[_i].in);
	root = line();
	ck_assert_str_eq(str(root, "msg"), utf8[_i].out);
	json_decref(root);
}
END_TEST

START_TEST(infinities_are_strings)
{
	json_t *root;

	log_info(&lg, "m", LOG_NUM("a", INFINITY), LOG_NUM("b", -INFINITY));
	root = line();
	ck_assert_str_eq(str(root, "a"), "inf");
	ck_assert_str_eq(str(root, "b"), "-inf");
	json_decref(root);
}
END_TEST

/* Around the limit every length is tried, so each cut falls somewhere. */
START_TEST(a_long_line_is_cut_and_still_parses)
{
	char text[LOG_LINE_MAX + 64];
	json_t *root;
	size_t n = LOG_LINE_MAX - 300 + (size_t)_i;

	memset(text, _i % 3 == 0 ? '"' : _i % 3 == 1 ? '\xc3' : 'x',
	    sizeof(text));
	log_error(&lg, "m", LOG_STRN("long", text, n),
	    LOG_STR("after", "value"), LOG_INT("n", 123456789));
	root = line();
	if (n > LOG_LINE_MAX) {		/* as much of it as there is room for */
		const char *kept = str(root, "long");

		ck_assert(json_is_true(json_object_get(root, "cut")));
		ck_assert_uint_gt(strlen(kept), LOG_LINE_MAX / 4);
		ck_assert_str_eq(kept + strlen(kept) - 3, "...");
	}
	json_decref(root);
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
	char c;

	log_debug(&lg, "m", LOG_INT("n", 1));
	ck_assert_int_eq(read(pipefd[0], &c, 1), -1);
	lg.min = LOG_DEBUG;
	log_debug(&lg, "m");
	json_decref(line());
}
END_TEST

START_TEST(a_full_pipe_and_errno_do_no_harm)
{
	for (int i = 0; i < 2000; i++) {
		errno = EDOM;
		log_info(&lg, "m");
		ck_assert_int_eq(errno, EDOM);
	}
}
END_TEST

START_TEST(a_reader_who_stops_stops_nobody_else)
{
	char buf[4096];
	json_t *root;

	ck_assert_int_eq(fcntl(pipefd[1], F_SETFL, 0), 0);
	for (int i = 0; i < 2000; i++)
		log_info(&lg, "m", LOG_INT("i", i));
	while (read(pipefd[0], buf, sizeof(buf)) > 0)
		;
	log_info(&lg, "again");
	root = line();
	ck_assert_int_gt(json_integer_value(json_object_get(root, "lost")),
	    10);
	json_decref(root);
	log_info(&lg, "and again");
	root = line();
	ck_assert_ptr_null(json_object_get(root, "lost"));
	json_decref(root);
}
END_TEST

START_TEST(knows_its_level_names)
{
	enum log_level level;

	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	ck_assert_int_eq(level, LOG_DEBUG);
	ck_assert_int_eq(log_level_parse("error", &level), 0);
	ck_assert_int_eq(level, LOG_ERROR);
	ck_assert_int_eq(log_level_parse("verbose", &level), -EINVAL);
}
END_TEST

START_TEST(a_rate_counts_what_it_holds_back)
{
	struct log_rate rate = { .burst = 2, .period_ms = 1000 };
	uint64_t held;

	ck_assert(log_rate_pass(&rate, 5000, &held));
	ck_assert(log_rate_pass(&rate, 5001, &held));
	ck_assert(!log_rate_pass(&rate, 5002, &held));
	ck_assert(!log_rate_pass(&rate, 5999, &held));
	ck_assert(log_rate_pass(&rate, 6000, &held));
	ck_assert_uint_eq(held, 2);
	ck_assert(log_rate_pass(&rate, 6001, &held));
	ck_assert_uint_eq(held, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_carries_its_fields);
	tcase_add_test(tc, the_time_is_utc_with_microseconds);
	tcase_add_loop_test(tc, every_byte_makes_a_line_that_parses, 0, 256);
	tcase_add_loop_test(tc, what_is_not_utf8_is_replaced, 0,
	    sizeof(utf8) / sizeof(utf8[0]));
	tcase_add_test(tc, infinities_are_strings);
	tcase_add_loop_test(tc, a_long_line_is_cut_and_still_parses, 0, 330);
	tcase_add_test(tc, lines_below_the_level_are_not_written);
	tcase_add_test(tc, a_full_pipe_and_errno_do_no_harm);
	tcase_add_test(tc, a_reader_who_stops_stops_nobody_else);
	tcase_add_test(tc, knows_its_level_names);
	tcase_add_test(tc, a_rate_counts_what_it_holds_back);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
