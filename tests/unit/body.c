/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/body.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/gzip.h"

static struct bodies bodies;
static unsigned returned;

static void
on_returned(void *ctx)
{
	(void)ctx;
	returned++;
}

static void
setup(void)
{
	returned = 0;
	bodies_init(&bodies, on_returned, NULL);
	bodies_tick(&bodies, 1000);
}

static void
teardown(void)
{
	ck_assert_uint_eq(bodies.n_taken, 0);
	bodies_close(&bodies);
	ck_assert_uint_eq(bodies.n_kept, 0);
	ck_assert_uint_eq(bodies.kept_bytes, 0);
}

static struct body *
take(size_t cap)
{
	struct body *b = body_take(&bodies, cap);

	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(body_reserve(b, cap), 0);
	return b;
}

START_TEST(memory_of_one_answer_serves_the_next)
{
	struct body *b = take(5 << 20);
	char *room = b->bytes;

	body_unref(b);
	b = take(5 << 20);
	ck_assert_ptr_eq(b->bytes, room);
	body_unref(b);
}
END_TEST

START_TEST(the_best_fit_is_taken)
{
	struct body *small = take(100), *middle = take(2 << 20),
	    *large = take(9 << 20), *b;
	char *room = middle->bytes;

	body_unref(large);
	body_unref(middle);
	body_unref(small);
	b = take(1 << 20);
	ck_assert_ptr_eq(b->bytes, room);
	body_unref(b);
}
END_TEST

START_TEST(no_more_than_so_many_are_kept)
{
	struct body *v[3 * BODIES_KEPT];

	for (unsigned i = 0; i < 3 * BODIES_KEPT; i++)
		v[i] = take(1 << 20);
	for (unsigned i = 0; i < 3 * BODIES_KEPT; i++)
		body_unref(v[i]);
	ck_assert_uint_eq(bodies.n_kept, BODIES_KEPT);
}
END_TEST

START_TEST(idle_memory_is_given_back)
{
	body_unref(take(1 << 20));
	bodies_tick(&bodies, 1000 + BODIES_IDLE_MS - 1);
	ck_assert_uint_eq(bodies.n_kept, 1);
	bodies_tick(&bodies, 1000 + BODIES_IDLE_MS);
	ck_assert_uint_eq(bodies.n_kept, 0);
}
END_TEST

START_TEST(small_answers_do_not_keep_large_memory)
{
	body_unref(take(8 << 20));
	bodies_tick(&bodies, 1000 + BODIES_IDLE_MS - 1);
	body_unref(take(10));
	bodies_tick(&bodies, 1000 + BODIES_IDLE_MS);
	ck_assert_uint_eq(bodies.n_kept, 0);
}
END_TEST

START_TEST(large_ones_count_until_the_last_reader_has_gone)
{
	struct body *b = take(2 * BODY_LARGE), *small = take(10);

	b->len = 2 * BODY_LARGE;
	body_send(b);
	small->len = 10;
	body_send(small);
	ck_assert_uint_eq(bodies.n_large, 1);
	body_ref(b);
	body_unref(b);
	body_unref(small);
	ck_assert_uint_eq(bodies.n_large, 1);
	ck_assert_uint_eq(returned, 0);
	body_unref(b);
	ck_assert_uint_eq(bodies.n_large, 0);
	ck_assert_uint_eq(returned, 1);
}
END_TEST

START_TEST(room_that_cannot_be_is_an_error)
{
	struct body *b = take(100);

	ck_assert_int_eq(body_reserve(b, SIZE_MAX - 10), -ENOMEM);
	ck_assert_int_eq(body_reserve(b, (size_t)1 << 62), -ENOMEM);
	ck_assert_int_eq(body_set_text(b, "abc", 3), 0);
	ck_assert_mem_eq(b->bytes, "abc", 3);
	body_unref(b);
}
END_TEST

/* Reads all members, one after the other; returns the bytes. */
static size_t
unzip(const struct body *zip, char *out, size_t cap, unsigned *members)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t at = 0, n = 0, in, len;

	*members = 0;
	while (at < zip->len) {
		ck_assert_int_eq(libdeflate_gzip_decompress_ex(d,
		    zip->bytes + at, zip->len - at, out + n, cap - n, &in,
		    &len), LIBDEFLATE_SUCCESS);
		at += in;
		n += len;
		++*members;
	}
	libdeflate_free_decompressor(d);
	return n;
}

START_TEST(compressed_members_say_what_was_there)
{
	static const size_t sizes[] = { 1024, 5000, 1 << 20, (1 << 20) + 1,
		3500000 };
	struct libdeflate_compressor *deflate = NULL;
	struct body *plain = take(sizes[_i]), *zip = take(0);
	char *out = malloc(sizes[_i]);
	unsigned members;

	for (size_t i = 0; i < sizes[_i]; i++)
		plain->bytes[i] = (char)(i * i / 7);
	plain->len = sizes[_i];
	ck_assert_int_eq(gzip_body(&deflate, plain, zip,
	    GZIP_MEMBER), 0);
	ck_assert_uint_eq(unzip(zip, out, sizes[_i], &members), sizes[_i]);
	ck_assert_mem_eq(out, plain->bytes, sizes[_i]);
	ck_assert_uint_eq(members, (sizes[_i] + (1 << 20) - 1) >> 20);
	plain->len = 1000;
	ck_assert_int_eq(gzip_body(&deflate, plain, zip,
	    GZIP_MEMBER), -ENODATA);
	free(out);
	libdeflate_free_compressor(deflate);
	body_unref(plain);
	body_unref(zip);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("body");
	TCase *tc = tcase_create("body");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, memory_of_one_answer_serves_the_next);
	tcase_add_test(tc, the_best_fit_is_taken);
	tcase_add_test(tc, no_more_than_so_many_are_kept);
	tcase_add_test(tc, idle_memory_is_given_back);
	tcase_add_test(tc, small_answers_do_not_keep_large_memory);
	tcase_add_test(tc, large_ones_count_until_the_last_reader_has_gone);
	tcase_add_test(tc, room_that_cannot_be_is_an_error);
	tcase_add_loop_test(tc, compressed_members_say_what_was_there, 0, 5);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
