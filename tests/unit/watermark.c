/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "services/common/intake.h"
#include "services/common/watermark.h"

START_TEST(reads_what_was_written)
{
	static const struct cdb_watermark marks[] = { { 0, "0-0" },
		{ 17, "1700000000000-3" },
		{ UINT64_MAX, "18446744073709551615-18446744073709551615" } };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct cdb_watermark got;
		char text[CDB_WATERMARK_TEXT];

		cdb_watermark_write(&marks[i], text);
		ck_assert_int_eq(cdb_watermark_read(&got, text), 0);
		ck_assert_uint_eq(got.seq, marks[i].seq);
		ck_assert_str_eq(got.id, marks[i].id);
	}
}
END_TEST

START_TEST(refuses_anything_else_and_keeps_what_it_had)
{
	static const char *const bad[] = { "", "5", "5 ", "5 1", "5 1-", "5 -1",
		"5 1-1 ", "5 1-1-1", " 5 1-1", "-5 1-1", "x 1-1", "5 x-1",
		"5  1-1", "184467440737095516159 1-1", "18446744073709551616 1-1",
		"5 1-00000000000000000000000000000000000000000000000" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cdb_watermark got = { 9, "9-9" };

		ck_assert_int_eq(cdb_watermark_read(&got, bad[i]), -EBADMSG);
		ck_assert_uint_eq(got.seq, 9);
		ck_assert_str_eq(got.id, "9-9");
	}
}
END_TEST

START_TEST(counts_once_the_stream_has_been_read_up_to_it)
{
	static struct cdb_intake in;
	size_t signals;

	cdb_intake_init(&in, NULL, "risk", NULL, NULL);
	cdb_intake_stream(&in, "market_data");
	signals = cdb_intake_stream(&in, "signals");
	strcpy(in.streams[0].last, "99-0");
	strcpy(in.streams[signals].last, "10-1");
	ck_assert(cdb_intake_has(&in, signals, "0-0"));
	ck_assert(cdb_intake_has(&in, signals, "9-7"));
	ck_assert(cdb_intake_has(&in, signals, "10-1"));
	ck_assert(!cdb_intake_has(&in, signals, "10-2"));
	ck_assert(!cdb_intake_has(&in, signals, "11-0"));
	/* one from before the place may still be held for another life */
	in.streams[signals].replaying = true;
	ck_assert(!cdb_intake_has(&in, signals, "0-0"));
	cdb_intake_free(&in);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watermark");
	TCase *tc = tcase_create("watermark");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, reads_what_was_written);
	tcase_add_test(tc, refuses_anything_else_and_keeps_what_it_had);
	tcase_add_test(tc, counts_once_the_stream_has_been_read_up_to_it);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
