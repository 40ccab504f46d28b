/* SPDX-License-Identifier: Apache-2.0 */
/* The command smx over a segment made by hand. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/segment_builder.h"
#include "tests/tool_run.h"

static struct build_dir dir;
static struct build b;
static int lease;

static void
set_up(void)
{
	static const uint64_t bounds[] = { 1000000, 2500000 };
	static const char odd[] = "a\"b\\c\n\xc3\xa4";
	struct build_family f = { .name = "orders_total",
		.help = "Say \"hi\"\n\\.", .type = SMX_TYPE_COUNTER,
		.labels = { "side" } };
	uint64_t off;
	uint32_t cell;

	build_dir_make(&dir);
	build_begin(&b, NULL);
	off = build_family(&b, &f);
	*build_cell(&b, 1, build_series(&b, off, 1, "buy", 4)) = 3;
	*build_cell(&b, 1, build_series(&b, off, 1, odd, sizeof(odd))) =
	    UINT64_MAX;
	*build_cell(&b, 2, build_counter(&b, "cpu_seconds_total", 9)) = 1;
	*build_cell(&b, 2, build_counter(&b, "big_total", -3)) = 12;
	cell = build_histogram(&b, "wait_seconds", 9, bounds, 2);
	build_observe(&b, 1, cell, 0, 999999);
	build_observe(&b, 2, cell, 2, 3000000000);
	build_set_gauge(&b, 0, build_gauge(&b, "depth", SMX_GAUGE_SUM), 0.1);
	build_set_gauge(&b, 0, build_gauge(&b, "odd", SMX_GAUGE_SUM), NAN);
	build_set_gauge(&b, 0, build_gauge(&b, "each", SMX_GAUGE_EACH), -2);
	build_gauge(&b, "unset", SMX_GAUGE_MIN);
	build_publish(&b);
	build_save(&b, dir.fd, "smx.shop@eu");
	lease = build_lease(dir.fd, "smx.shop@eu", 0);
}

static void
tear_down(void)
{
	close(lease);
	build_free(&b);
	build_dir_remove(&dir);
}

static int
run(const char *arguments)
{
	return tool_run(dir.path, arguments);
}

START_TEST(dumps_exact_decimals)
{
	ck_assert_int_eq(run("dump shop@eu"), 0);
	tool_says("orders_total{side=\"buy\"} 3\n");
	tool_says("{side=\"a\\\"b\\\\c\\n\xc3\xa4\"} 18446744073709551615\n");
	tool_says("cpu_seconds_total 0.000000001\n");
	tool_says("big_total 12000\n");
	tool_says("wait_seconds count 2 sum 3.000999999 <=0.001:1 <=+Inf:1\n");
	tool_says("depth 0.1\n");
	tool_says("odd NaN\n");
	tool_says("each process 0: -2\n");
	tool_says("unset unset\n");
}
END_TEST

static json_t *
series_of(json_t *root, const char *name)
{
	json_t *families = json_object_get(root, "families"), *s;
	size_t i;

	json_array_foreach(json_object_get(root, "series"), i, s) {
		json_int_t f = json_integer_value(json_object_get(s, "family"));
		const char *its = json_string_value(json_object_get(
		    json_array_get(families, (size_t)f), "name"));

		if (strcmp(its, name) == 0)
			return s;
	}
	ck_abort_msg("no %s", name);
	return NULL;
}

static double
number_of(json_t *root, const char *name, const char *key)
{
	return json_number_value(json_object_get(series_of(root, name), key));
}

START_TEST(dumps_json_that_parses)
{
	json_error_t error;
	json_t *root, *s;

	ck_assert_int_eq(run("dump --json shop@eu"), 0);
	/* JSON has no bounds for integers, this parser has */
	memcpy(strstr(tool_out, "18446744073709551615"), "1                   ",
	    20);
	root = json_loads(tool_out, 0, &error);
	ck_assert_msg(root != NULL, "%s: %s", error.text, tool_out);
	ck_assert_str_eq(json_string_value(json_object_get(root, "service")),
	    "shop@eu");
	s = json_object_get(series_of(root, "orders_total"), "labels");
	ck_assert_str_eq(json_string_value(json_object_get(s, "side")), "buy");
	ck_assert(number_of(root, "orders_total", "value") == 3);
	ck_assert(number_of(root, "cpu_seconds_total", "value") == 1e-9);
	ck_assert(number_of(root, "wait_seconds", "sum") == 3.000999999);
	ck_assert(number_of(root, "wait_seconds", "count") == 2);
	ck_assert(number_of(root, "depth", "value") == 0.1);
	ck_assert_str_eq(json_string_value(json_object_get(
	    series_of(root, "odd"), "value")), "NaN");
	ck_assert(json_is_null(json_object_get(series_of(root, "unset"),
	    "value")));
	json_decref(root);
}
END_TEST

START_TEST(lists_what_is_there)
{
	int fd = openat(dir.fd, "smx.new", O_CREAT | O_WRONLY, 0600);

	close(fd);
	ck_assert_int_eq(run("ls"), 0);
	tool_says("shop@eu                      1        9       0/2");
	tool_says("live\n");
	tool_says("still being created\n");
	close(lease);
	lease = -1;
	ck_assert_int_eq(symlinkat("smx.new", dir.fd, "smx.link"), 0);
	ck_assert_int_eq(run("ls"), 1);
	tool_says("no process\n");
	tool_says("a symbolic link\n");
}
END_TEST

START_TEST(checks_and_says_what_is_wrong)
{
	ck_assert_int_eq(run("check shop@eu"), 0);
	tool_says("shop@eu: sound: 8 families, 9 series, 1 live\n");
	tool_says("shop@eu: used: 1 of 4 slots, 0 of 2 lanes, ");
	tool_says(" of 1016 cells, ");
	tool_says(" of 504 gauges, ");
	b.bytes[b.header->dir_off + 30] ^= 1;
	build_save(&b, dir.fd, "smx.bad");
	ck_assert_int_eq(run("check shop@eu bad"), 1);
	tool_says("bad: not sound: smx.bad: directory record at 0: wrong CRC");
	ck_assert_int_eq(run("check nobody"), 1);
	tool_says("No such file");
}
END_TEST

START_TEST(says_which_option_to_raise)
{
	b.lanes[1].owner = b.lanes[2].owner = UINT64_C(1) << 32 | 2;
	b.header->no_slot = 2;
	b.header->no_lane = 7;
	b.header->cells_reserved = b.header->lane_size;
	b.header->gauges_reserved = b.header->gauge_size;
	build_save(&b, dir.fd, "smx.full");
	ck_assert_int_eq(run("check full"), 0);
	tool_says("note: 2 of 2 lanes are used (raise smx_options.lanes)\n");
	tool_says("note: 1016 of 1016 cells are used (raise smx_options.cells)\n");
	tool_says("note: 504 of 504 gauges are used (raise smx_options.gauges)\n");
	tool_says("note: 2 processes without a slot (raise smx_options.slots)\n");
	tool_says("note: 7 threads without a lane (raise smx_options.lanes)\n");
	ck_assert_ptr_null(strstr(tool_out, "smx_options.dir_bytes"));
}
END_TEST

START_TEST(takes_a_path_for_a_name)
{
	char command[128];

	snprintf(command, sizeof(command), "dump %s/smx.shop@eu", dir.path);
	ck_assert_int_eq(run(command), 0);
	tool_says("big_total 12000\n");
}
END_TEST

START_TEST(watches)
{
	ck_assert_int_eq(run("watch shop@eu dep --interval 0.01 --count 2"),
	    0);
	ck_assert_str_eq(tool_out, "depth 0.1\n\ndepth 0.1\n\n");
}
END_TEST

/* One line, which says what, and status 2. */
START_TEST(refuses_misuse)
{
	static const struct {
		const char *words, *says;
	} bad[] = {
		{ "", "no command" },
		{ "fly", "no such command: fly" },
		{ "dump", "which segment: dump" },
		{ "rm", "which segment: rm" },
		{ "reset", "which segment: reset" },
		{ "ls x", "too many names: ls" },
		{ "watch a b c", "too many names: watch" },
		{ "--nope ls", "unknown option: --nope" },
		{ "ls -x", "unknown option: -x" },
		{ "watch x --count", "without its value: --count" },
		{ "--interval 0 watch x", "not an interval" },
		{ "--interval x watch x", "not an interval" },
		{ "--interval nan watch x", "not an interval" },
		{ "--count -1 watch x", "not a number of rounds: -1" },
		{ "--count 1.5 watch x", "not a number of rounds: 1.5" },
		{ "--owner nobody-of-that-name ls", "no such user" },
		{ "--owner 1.5 ls", "no such user: 1.5" },
		{ "--dir= ls", "no directory" },
		{ "ls --json", "an option of another command: ls" },
		{ "rm x --owner 0", "an option of another command: rm" },
		{ "dump x --count 3", "an option of another command: dump" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(run(bad[i].words) == 2, "%s", bad[i].words);
		tool_says(bad[i].says);
		tool_says("; see smx --help\n");
		ck_assert_ptr_eq(strchr(tool_out, '\n') + 1,
		    tool_out + strlen(tool_out));
	}
	ck_assert_int_eq(run("--help"), 0);
	tool_says("Usage: smx");
	ck_assert_int_eq(run("--version"), 0);
}
END_TEST

START_TEST(reports_what_it_could_not_write)
{
	ck_assert_int_eq(run("dump shop@eu >/dev/full"), 1);
	tool_says("cannot write");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smx");
	TCase *t = tcase_create("smx");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, dumps_exact_decimals);
	tcase_add_test(t, dumps_json_that_parses);
	tcase_add_test(t, lists_what_is_there);
	tcase_add_test(t, checks_and_says_what_is_wrong);
	tcase_add_test(t, says_which_option_to_raise);
	tcase_add_test(t, takes_a_path_for_a_name);
	tcase_add_test(t, watches);
	tcase_add_test(t, refuses_misuse);
	tcase_add_test(t, reports_what_it_could_not_write);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
