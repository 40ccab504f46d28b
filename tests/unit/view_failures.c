/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation and mapping of the reader fails once. */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.test"

/* The linker puts these in front (--wrap). */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_mmap64(void *, size_t, int, int, int, off_t);
void *__real_mremap(void *, size_t, size_t, int, ...);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_mmap64(void *, size_t, int, int, int, off_t);
void *__wrap_mremap(void *, size_t, size_t, int, ...);

static long left = -1; /* calls until one fails; -1: none does */
static bool hit;

static bool
is_due(void)
{
	if (left < 0 || left-- > 0)
		return false;
	hit = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return is_due() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return is_due() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return is_due() ? NULL : __real_realloc(p, n);
}

void *
__wrap_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	return is_due() ? MAP_FAILED :
			  __real_mmap64(at, n, prot, flags, fd, off);
}

void *
__wrap_mremap(void *at, size_t old, size_t n, int flags, ...)
{
	return is_due() ? MAP_FAILED : __real_mremap(at, old, n, flags);
}

static struct build_dir dir;
static struct build b;

static void
build_some(int first)
{
	static const uint64_t bounds[] = { 1, 2, 3 };
	char name[32] = "c00_total";
	char hist[8] = "h0";

	for (int i = first; i < first + 20; i++) {
		name[1] = (char)('a' + i / 10);
		name[2] = (char)('0' + i % 10);
		build_counter(&b, name, 0);
	}
	hist[1] = (char)('a' + first / 10);
	build_histogram(&b, hist, 0, bounds, 3);
	hist[0] = 'g';
	build_gauge(&b, hist, SMX_GAUGE_SUM);
}

/* What every caller of the reader does; the first failure. */
static int
live_a_life(struct smx_view **view, struct smx_snapshot *shot, uint64_t tail)
{
	struct smx_error error;
	int err;

	b.header->dir_tail = tail;
	err = smx_view_open(view, dir.fd, FILE_NAME, NULL, &error);
	if (err == 0)
		err = smx_snapshot_take(shot, *view, &error);
	b.header->dir_tail = b.tail;
	if (err == 0)
		err = smx_view_refresh(*view, &error);
	if (err >= 0)
		err = smx_snapshot_take(shot, *view, &error);
	return err;
}

/* After a failure the view goes on as if nothing had been. */
static void
check_after(struct smx_view *view, struct smx_snapshot *shot)
{
	if (view == NULL)
		return;
	ck_assert_int_ge(smx_view_refresh(view, NULL), 0);
	ck_assert_int_eq(smx_snapshot_take(shot, view, NULL), 0);
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 44);
	ck_assert_uint_eq(shot->cells[8], 5);
	ck_assert_uint_eq(shot->n_live, 1);
}

START_TEST(any_failure_is_an_error_and_no_leak)
{
	uint64_t tail;
	int fd, err, lease, fails = 0;

	build_dir_make(&dir);
	build_begin(&b, NULL);
	build_some(0);
	tail = b.tail;
	build_some(20);
	*build_cell(&b, 1, SMX_SINK) = 5;
	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	lease = build_lease(dir.fd, FILE_NAME, 2);
	fd = dup(0);
	close(fd);
	do {
		struct smx_snapshot shot = { 0 };
		struct smx_view *view = NULL;

		hit = false;
		left = fails++;
		err = live_a_life(&view, &shot, tail);
		left = -1;
		ck_assert_int_eq(err, hit ? -ENOMEM : 0);
		check_after(view, &shot);
		smx_snapshot_free(&shot);
		smx_view_close(view);
		ck_assert_int_eq(dup(0), fd);
		close(fd);
	} while (hit);
	ck_assert_int_gt(fails, 20);
	close(lease);
	build_free(&b);
	build_dir_remove(&dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("view_failures");
	TCase *t = tcase_create("view_failures");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_test(t, any_failure_is_an_error_and_no_leak);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
