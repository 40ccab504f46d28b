/* SPDX-License-Identifier: Apache-2.0 */
/* The library in plug-ins that come and go, and in programs without any
 * shared one. */
#include "tests/segment_live.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plugin {
	void *handle;
	int (*start)(void);
	void (*count)(void);
};

static void
load(struct plugin *p)
{
	p->handle = dlopen(getenv("TRAPS_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
	REQUIRE(p->handle != NULL);
	*(void **)&p->start = dlsym(p->handle, "plugin_start");
	*(void **)&p->count = dlsym(p->handle, "plugin_count");
	REQUIRE(p->start && p->count);
}

static pthread_barrier_t barrier;

static void *
count_and_outlive_it(void *arg)
{
	struct plugin *p = arg;

	p->count();
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	return NULL; /* to a destructor of the library */
}

START_TEST(a_thread_may_end_after_dlclose)
{
	struct plugin p;
	struct live l = { 0 };
	pthread_t t;

	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	load(&p);
	ck_assert_int_eq(p.start(), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, count_and_outlive_it, &p),
	    0);
	(void)pthread_barrier_wait(&barrier);
	ck_assert_int_eq(dlclose(p.handle), 0);
	(void)pthread_barrier_wait(&barrier);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_uint_eq(l.snap.n_live, 1);
	live_close(&l);
}
END_TEST

START_TEST(a_plugin_that_comes_back_goes_on)
{
	struct plugin p;
	struct live l = { 0 };
	int i;

	for (i = 0; i < 10; i++) {
		load(&p);
		ck_assert_int_eq(p.start(), 0);
		p.count();
		ck_assert_int_eq(dlclose(p.handle), 0);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 10);
	ck_assert_uint_eq(l.snap.n_live, 1);
	live_close(&l);
}
END_TEST

static int
be_static(void *arg)
{
	const char *path = getenv("STATIC_SERVICE");

	(void)arg;
	execl(path, path, (char *)NULL);
	return 99;
}

START_TEST(a_static_program_counts)
{
	struct live l = { 0 };

	if (getenv("STATIC_SERVICE") == NULL) {
		printf("skipped: no static programs with sanitizers\n");
		return;
	}
	ck_assert_int_eq(live_run(be_static, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 3);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("library");
	TCase *tc = live_case(s, "library", 60);

	tcase_add_test(tc, a_thread_may_end_after_dlclose);
	tcase_add_test(tc, a_plugin_that_comes_back_goes_on);
	tcase_add_test(tc, a_static_program_counts);
	return live_main(s);
}
