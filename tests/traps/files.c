/* SPDX-License-Identifier: Apache-2.0 */
/* What may lie under our name, and who may hold our locks. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static void
refused(int code)
{
	struct smx_error err = { 0 };
	int rc = smx_attach_error("t", NULL, &err);

	ck_assert_msg(rc == code, "%d %s, not %d", rc, err.msg, code);
	ck_assert_int_eq(err.code, code);
	ck_assert_ptr_nonnull(strstr(err.msg, "smx.t"));
	ck_assert_int_eq(smx_attached(), 0);
	smx_inc(smx_counter("x_total", "harmless"));
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	REQUIRE(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
check_text(const char *path, const char *text)
{
	char back[64] = { 0 };
	FILE *f = fopen(path, "r");

	REQUIRE(f && fgets(back, sizeof(back), f) && fclose(f) == 0);
	ck_assert_str_eq(back, text);
}

START_TEST(a_symbolic_link_is_not_followed)
{
	char target[200];

	snprintf(target, sizeof(target), "%s", live_file("target"));
	write_file(target, "mine");
	ck_assert_int_eq(symlink(target, live_file("smx.t")), 0);
	refused(-ELOOP);
	check_text(target, "mine");
	ck_assert_int_eq(unlink(target), 0);
	refused(-ELOOP); /* dangling: nothing is made */
	ck_assert_int_ne(access(target, F_OK), 0);
}
END_TEST

START_TEST(a_fifo_does_not_hold_us_up)
{
	ck_assert_int_eq(mkfifo(live_file("smx.t"), 0600), 0);
	refused(-EPERM);
}
END_TEST

START_TEST(a_directory_is_no_segment)
{
	ck_assert_int_eq(mkdir(live_file("smx.t"), 0700), 0);
	refused(-EISDIR);
}
END_TEST

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	printf("skipped: needs root to make files of others\n");
	return false;
}

START_TEST(a_file_of_somebody_else_is_left_alone)
{
	struct stat st;

	if (!is_root())
		return;
	write_file(live_file("smx.t"), _i ? "theirs" : "");
	ck_assert_int_eq(chown(live_file("smx.t"), NOBODY, NOBODY), 0);
	refused(-EPERM);
	ck_assert_int_eq(stat(live_file("smx.t"), &st), 0);
	ck_assert_uint_eq(st.st_uid, NOBODY);
	ck_assert_int_eq(st.st_size, _i ? 6 : 0);
}
END_TEST

START_TEST(a_missing_directory_is_an_error)
{
	struct smx_options o = { .dir = "/nonexistent/smx" };
	struct smx_error err = { 0 };

	ck_assert_int_eq(smx_attach_error("t", &o, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/smx"));
	o.dir = "/dev/null";
	ck_assert_int_eq(smx_attach_error("t", &o, &err), -ENOTDIR);
}
END_TEST

static int
attach_as_nobody(void *arg)
{
	(void)arg;
	REQUIRE(geteuid() != 0 || seteuid(NOBODY) == 0);
	REQUIRE(smx_attach("t", NULL) == -EACCES);
	return 0;
}

START_TEST(a_directory_closed_to_us_is_an_error)
{
	char parent[200];

	snprintf(parent, sizeof(parent), "%s", live_path);
	*strrchr(parent, '/') = '\0';
	ck_assert_int_eq(chmod(parent, 0755), 0);
	ck_assert_int_eq(chmod(live_path, 0555), 0);
	ck_assert_int_eq(live_run(attach_as_nobody, NULL), 0);
}
END_TEST

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* SIGXFSZ would end this process. */
START_TEST(a_small_file_limit_is_an_error)
{
	struct smx_error err = { 0 };

	limit_files(_i ? 1 << 20 : 8192); /* check writes files too */
	ck_assert_int_eq(smx_attach_error("t", NULL, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "RLIMIT_FSIZE"));
	ck_assert_int_ne(access(live_file("smx.t"), F_OK), 0);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
}
END_TEST

START_TEST(a_file_limit_lowered_later_is_an_error)
{
	struct smx_desc d = { .name = "y_total", .help = "x" };
	struct smx_counter c, y;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	c = smx_counter("x_total", "x");
	limit_files(4096);
	ck_assert_int_eq(smx_counter_register(&y, &d, NULL), -EFBIG);
	smx_inc(c);
	smx_inc(y);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(smx_counter_register(&y, &d, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_uint_eq(live_cell(&l, "y_total", NULL), 0);
	live_close(&l);
}
END_TEST

/* A process that stopped while it held the registration lock. */
static int
hold_and_stop(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_REGISTER, .l_len = 1 };
	int fd = open(live_file("smx.t"), O_RDWR);

	(void)arg;
	REQUIRE(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0);
	raise(SIGSTOP);
	return 0;
}

static pid_t
stop_a_holder(void)
{
	pid_t pid = live_start(hold_and_stop, NULL);
	int status;

	REQUIRE(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	return pid;
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

START_TEST(a_stopped_sibling_delays_attach_no_longer_than_asked)
{
	struct smx_options o = { .lock_ms = 100 };
	struct smx_error err = { 0 };
	uint64_t start;
	pid_t holder;

	write_file(live_file("smx.t"), "");
	holder = stop_a_holder();
	start = now_ms();
	ck_assert_int_eq(smx_attach_error("t", &o, &err), -ETIMEDOUT);
	ck_assert_uint_ge(now_ms() - start, 99);
	ck_assert_uint_lt(now_ms() - start, 2000);
	ck_assert_ptr_nonnull(strstr(err.msg, "lock"));
	(void)live_kill(holder, SIGKILL);
	ck_assert_int_eq(smx_attach("t", &o), 0);
}
END_TEST

static struct smx_counter count;

static void *
count_in_thread(void *arg)
{
	uint64_t start = now_ms();

	smx_inc(count);
	*(uint64_t *)arg = now_ms() - start;
	return NULL;
}

static void *
register_in_thread(void *arg)
{
	struct smx_desc d = { .name = "late_total", .help = "x" };
	struct smx_counter c;

	*(int *)arg = smx_counter_register(&c, &d, NULL);
	smx_inc(c);
	return NULL;
}

START_TEST(updates_do_not_wait_for_a_stopped_sibling)
{
	struct smx_options o = { .lock_ms = 3000 };
	struct live l = { 0 };
	pthread_t waiter, t;
	uint64_t ms = 0;
	pid_t holder;
	int rc = 0;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	count = smx_counter("x_total", "x");
	holder = stop_a_holder();
	ck_assert_int_eq(pthread_create(&waiter, NULL, register_in_thread,
	    &rc), 0);
	usleep(50000); /* it waits by now, or the test says less */
	ck_assert_int_eq(pthread_create(&t, NULL, count_in_thread, &ms), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	smx_inc(count);
	ck_assert_uint_lt(ms, 1500);
	ck_assert_int_eq(pthread_join(waiter, NULL), 0);
	ck_assert_int_eq(rc, -ETIMEDOUT);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	(void)live_kill(holder, SIGKILL);
	ck_assert_uint_ne(smx_counter("late_total", "x").cell, 0);
	live_close(&l);
}
END_TEST

START_TEST(lookups_do_not_wait_for_a_stopped_sibling_each_time)
{
	static const char *const names[] = { "v", NULL };
	struct smx_options o = { .lock_ms = 200 };
	struct smx_desc d = { .name = "v_total", .help = "x",
		.label_names = names };
	struct smx_counter_family f;
	char value[16];
	const char *values[] = { value };
	uint64_t start;
	pid_t holder;
	int i;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_int_eq(smx_counter_family(&f, &d, NULL), 0);
	holder = stop_a_holder();
	start = now_ms();
	for (i = 0; i < 100; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		smx_inc(smx_counter_with(f, values));
	}
	ck_assert_uint_lt(now_ms() - start, 4000); /* not 100 x 200 */
	(void)live_kill(holder, SIGKILL);
}
END_TEST

/* Attaches where there is nothing by now. */
static int
count_thousand(int step)
{
	(void)step;
	if (smx_attach("t", NULL) < 0)
		return 1;
	smx_add(smx_counter("x_total", "x"), 1000);
	return 0;
}

START_TEST(a_replaced_file_is_not_written)
{
	struct smx_desc d = { .name = "y_total", .help = "x" };
	struct smx_error err = { 0 };
	struct live mine = { 0 }, theirs = { 0 };
	struct live_peer other;
	struct smx_counter y;
	pthread_t t;
	uint64_t ms;

	live_peer_start(&other, count_thousand);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	smx_inc(count);
	live_look(&mine, "smx.t");
	ck_assert_int_eq(unlink(live_file("smx.t")), 0);
	ck_assert_int_eq(smx_counter_register(&y, &d, &err), -ENOENT);
	ck_assert_int_eq(live_peer_do(&other, 0), 0);
	ck_assert_int_eq(smx_counter_register(&y, &d, &err), -ESTALE);
	ck_assert_ptr_nonnull(strstr(err.msg, "smx.t"));
	ck_assert_int_eq(pthread_create(&t, NULL, count_in_thread, &ms), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0); /* in overflow */
	smx_inc(y);
	smx_inc(count);
	live_look(&mine, "smx.t");
	ck_assert_uint_eq(live_cell(&mine, "x_total", NULL), 3);
	ck_assert_uint_eq(mine.snap.n_live, 1);
	live_look(&theirs, "smx.t");
	ck_assert_uint_eq(live_cell(&theirs, "x_total", NULL), 1000);
	ck_assert_ptr_null(live_series(&theirs, "y_total", NULL));
	live_peer_end(&other);
	live_close(&mine);
	live_close(&theirs);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("files");
	TCase *tc = live_case(s, "files", 30);

	tcase_add_test(tc, a_symbolic_link_is_not_followed);
	tcase_add_test(tc, a_fifo_does_not_hold_us_up);
	tcase_add_test(tc, a_directory_is_no_segment);
	tcase_add_loop_test(tc, a_file_of_somebody_else_is_left_alone, 0, 2);
	tcase_add_test(tc, a_missing_directory_is_an_error);
	tcase_add_test(tc, a_directory_closed_to_us_is_an_error);
	tcase_add_loop_test(tc, a_small_file_limit_is_an_error, 0, 2);
	tcase_add_test(tc, a_file_limit_lowered_later_is_an_error);
	tcase_add_test(tc, a_stopped_sibling_delays_attach_no_longer_than_asked);
	tcase_add_test(tc, updates_do_not_wait_for_a_stopped_sibling);
	tcase_add_test(tc, lookups_do_not_wait_for_a_stopped_sibling_each_time);
	tcase_add_test(tc, a_replaced_file_is_not_written);
	return live_main(s);
}
