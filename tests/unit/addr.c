/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/addr.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/number.h"

static const struct {
	const char *text, *host;
	uint16_t port;
} good[] = {
	{ "127.0.0.1:9464", "127.0.0.1", 9464 },
	{ "localhost:0", "localhost", 0 },
	{ ":65535", "", 65535 },
	{ "[::1]:80", "::1", 80 },
};

START_TEST(reads_what_people_write)
{
	struct addr a;
	char text[300];

	ck_assert_int_eq(addr_parse(good[_i].text, &a), 0);
	ck_assert_str_eq(a.host, good[_i].host);
	ck_assert_uint_eq(a.port, good[_i].port);
	ck_assert(!a.is_unix);
	addr_format(&a, text, sizeof(text));
	ck_assert_str_eq(text, good[_i].text);
}
END_TEST

START_TEST(reads_unix_paths)
{
	struct addr a;
	char text[300], cut[8];

	ck_assert_int_eq(addr_parse("unix:/run/x.sock", &a), 0);
	ck_assert(a.is_unix);
	ck_assert_str_eq(a.path, "/run/x.sock");
	addr_format(&a, text, sizeof(text));
	ck_assert_str_eq(text, "unix:/run/x.sock");
	addr_format(&a, cut, sizeof(cut));
	ck_assert_str_eq(cut, "unix:/r");
}
END_TEST

static const char *const bad[] = {
	"", "9464", "host", "host:", "host:x", "host:65536", "host:-1",
	"host:-0", "host:+1", "host: 1", "::1:80", "[::1:80", "unix:",
	"a:80:90", "host:1 ",
};

START_TEST(refuses_what_is_no_address)
{
	struct addr a = { .port = 7 };

	ck_assert_int_lt(addr_parse(bad[_i], &a), 0);
	ck_assert_uint_eq(a.port, 7);	/* written only on 0 */
}
END_TEST

START_TEST(refuses_names_longer_than_their_room)
{
	char text[600];
	struct addr a;

	memset(text, 'a', sizeof(text));
	strcpy(text + 300, ":1");
	ck_assert_int_eq(addr_parse(text, &a), -ENAMETOOLONG);
	memset(text, 'a', sizeof(text));
	memcpy(text, "unix:", 5);
	text[5 + 108] = '\0';
	ck_assert_int_eq(addr_parse(text, &a), -ENAMETOOLONG);
	text[5 + 107] = '\0';
	ck_assert_int_eq(addr_parse(text, &a), 0);
}
END_TEST

START_TEST(numbers_stay_in_their_range)
{
	int64_t v = 5;

	ck_assert_int_eq(number_parse("0", 0, 10, &v), 0);
	ck_assert_int_eq(v, 0);
	ck_assert_int_eq(number_parse("-3", -3, 10, &v), 0);
	ck_assert_int_eq(v, -3);
	ck_assert_int_eq(number_parse("11", 0, 10, &v), -ERANGE);
	ck_assert_int_eq(number_parse("-4", -3, 10, &v), -ERANGE);
	ck_assert_int_eq(number_parse("99999999999999999999", 0, INT64_MAX,
	    &v), -ERANGE);
	ck_assert_int_eq(v, -3);
}
END_TEST

START_TEST(numbers_are_digits_only)
{
	static const char *const not[] = {
		"", "-", "+1", " 1", "1 ", "0x10", "1e3", "1.5", "--1", "1k",
	};
	int64_t v;

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		ck_assert_int_eq(number_parse(not[i], -100, 100, &v), -EINVAL);
}
END_TEST

START_TEST(a_port_in_use_is_named_so)
{
	struct addr a;
	int fd, again;

	ck_assert_int_eq(addr_parse("127.0.0.1:0", &a), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), 0);
	a.port = addr_bound_port(fd);
	ck_assert_uint_ne(a.port, 0);
	ck_assert_int_eq(addr_listen(&a, 8, &again), -EADDRINUSE);
	close(fd);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), 0);
	close(fd);
}
END_TEST

START_TEST(every_address_means_both_families)
{
	struct addr a, four;
	int fd, again;

	ck_assert_int_eq(addr_parse(":0", &a), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), 0);
	ck_assert_int_eq(addr_parse("0.0.0.0:0", &four), 0);
	four.port = addr_bound_port(fd);
	ck_assert_int_eq(addr_listen(&four, 8, &again), -EADDRINUSE);
	close(fd);
}
END_TEST

START_TEST(an_address_of_another_machine_is_an_error)
{
	struct addr a;
	int fd;

	ck_assert_int_eq(addr_parse("192.0.2.1:0", &a), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), -EADDRNOTAVAIL);
	ck_assert_int_eq(addr_parse("no..such..name:0", &a), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(replaces_a_dead_unix_socket_but_no_living_one)
{
	char dir[] = "/tmp/smx-addr-XXXXXX", text[64];
	struct addr a;
	int fd, again;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(text, sizeof(text), "unix:%s/s", dir);
	ck_assert_int_eq(addr_parse(text, &a), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &fd), 0);
	ck_assert_int_eq(addr_listen(&a, 8, &again), -EADDRINUSE);
	close(fd);		/* the file stays: a crash */
	ck_assert_int_eq(addr_listen(&a, 8, &fd), 0);
	ck_assert_uint_eq(addr_bound_port(fd), 0);
	close(fd);
	unlink(a.path);
	rmdir(dir);
}
END_TEST

START_TEST(durations_have_a_unit_and_a_limit)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} right[] = {
		{ "0", 0 }, { "0s", 0 }, { "250ms", 250000000 },
		{ "90s", 90000000000 }, { "15m", 900000000000 },
		{ "1h", 3600000000000 }, { "2d", 172800000000000 },
	};
	static const char *const wrong[] = { "", "5", "s", "-1s", "1.5h",
		"1 h", "1hs", "1w", "+1s", "0x1s" };
	uint64_t ns = 7;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		ck_assert_int_eq(duration_parse(right[i].text, &ns), 0);
		ck_assert_uint_eq(ns, right[i].ns);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(duration_parse(wrong[i], &ns) == -EINVAL, "%s",
		    wrong[i]);
	ck_assert_int_eq(duration_parse("36526d", &ns), -ERANGE);
	ck_assert_int_eq(duration_parse("9223372036854775808s", &ns), -ERANGE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = tcase_create("addr");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, reads_what_people_write, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_test(tc, reads_unix_paths);
	tcase_add_loop_test(tc, refuses_what_is_no_address, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, refuses_names_longer_than_their_room);
	tcase_add_test(tc, numbers_stay_in_their_range);
	tcase_add_test(tc, numbers_are_digits_only);
	tcase_add_test(tc, a_port_in_use_is_named_so);
	tcase_add_test(tc, every_address_means_both_families);
	tcase_add_test(tc, an_address_of_another_machine_is_an_error);
	tcase_add_test(tc, replaces_a_dead_unix_socket_but_no_living_one);
	tcase_add_test(tc, durations_have_a_unit_and_a_limit);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
