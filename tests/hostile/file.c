/* SPDX-License-Identifier: Apache-2.0 */
/* What may lie under our name, and what may happen to it while we read. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.hostile"
#define STRANGER  12345
#define SURVIVED  42

static struct build_dir dir;
static struct build b;
static struct smx_view *view;
static struct smx_snapshot shot;
static struct smx_error error;
static uint32_t counter;

static void
set_up(void)
{
	build_dir_make(&dir);
	build_begin(&b, NULL);
	counter = build_counter(&b, "a_total", 0);
	build_gauge(&b, "g", SMX_GAUGE_SUM);
	*build_cell(&b, 1, counter) = 42;
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
	view = NULL;
	memset(&shot, 0, sizeof(shot));
}

static void
tear_down(void)
{
	smx_view_close(view);
	smx_snapshot_free(&shot);
	build_free(&b);
	build_dir_remove(&dir);
}

static int
open_as(const struct smx_view_options *o)
{
	smx_view_close(view);
	view = NULL;
	return smx_view_open(&view, dir.fd, FILE_NAME, o, &error);
}

static int
take(void)
{
	return smx_snapshot_take(&shot, view, &error);
}

static int
writable(void)
{
	int fd = openat(dir.fd, FILE_NAME, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(refuses_symbolic_links)
{
	ck_assert_int_eq(renameat(dir.fd, FILE_NAME, dir.fd, "real"), 0);
	ck_assert_int_eq(symlinkat("real", dir.fd, FILE_NAME), 0);
	ck_assert_int_eq(open_as(NULL), -ELOOP);
	ck_assert_ptr_nonnull(strstr(error.msg, "link"));
}
END_TEST

START_TEST(refuses_pipes_without_waiting)
{
	ck_assert_int_eq(unlinkat(dir.fd, FILE_NAME, 0), 0);
	ck_assert_int_eq(mkfifoat(dir.fd, FILE_NAME, 0600), 0);
	ck_assert_int_eq(open_as(NULL), -EPROTO);
}
END_TEST

START_TEST(refuses_directories)
{
	ck_assert_int_eq(unlinkat(dir.fd, FILE_NAME, 0), 0);
	ck_assert_int_eq(mkdirat(dir.fd, FILE_NAME, 0700), 0);
	ck_assert_int_eq(open_as(NULL), -EPROTO);
}
END_TEST

START_TEST(refuses_what_is_not_there)
{
	ck_assert_int_eq(unlinkat(dir.fd, FILE_NAME, 0), 0);
	ck_assert_int_eq(open_as(NULL), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error.msg, FILE_NAME));
}
END_TEST

START_TEST(refuses_paths_instead_of_names)
{
	ck_assert_int_eq(smx_view_open(&view, dir.fd, "./" FILE_NAME, NULL,
	    &error), -EINVAL);
	ck_assert_int_eq(smx_view_open(&view, dir.fd, "", NULL, &error),
	    -EINVAL);
}
END_TEST

START_TEST(keeps_messages_on_one_line)
{
	ck_assert_int_lt(smx_view_open(&view, dir.fd, "smx.a\nb\x1b[2J", NULL,
	    &error), 0);
	ck_assert_ptr_null(strpbrk(error.msg, "\n\x1b"));
}
END_TEST

START_TEST(refuses_text_and_short_files)
{
	int fd = writable();

	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(write(fd, "hello", 5), 5);
	ck_assert_int_eq(open_as(NULL), -EPROTO);
	ck_assert_int_eq(ftruncate(fd, 511), 0);
	ck_assert_int_eq(open_as(NULL), -EPROTO);
	ck_assert_int_eq(ftruncate(fd, 100000), 0);
	ck_assert_int_eq(open_as(NULL), -EPROTO);
	close(fd);
}
END_TEST

/* Only root can give files away. */
START_TEST(refuses_strangers_files)
{
	struct smx_view_options o = { .owner = STRANGER, .check_owner = 1 };

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchownat(dir.fd, FILE_NAME, STRANGER, (gid_t)-1, 0),
	    0);
	ck_assert_int_eq(open_as(&o), 0);
	o.owner++;
	ck_assert_int_eq(open_as(&o), -EPERM);
	/* unasked, the directory vouches, unless everybody may write there */
	ck_assert_int_eq(open_as(NULL), 0);
	ck_assert_int_eq(fchmod(dir.fd, 01777), 0);
	ck_assert_int_eq(open_as(NULL), -EPERM);
	o.owner--;
	ck_assert_int_eq(open_as(&o), 0);
	ck_assert_int_eq(fchownat(dir.fd, FILE_NAME, 0, (gid_t)-1, 0), 0);
	ck_assert_int_eq(open_as(&o), 0); /* root's are trusted */
}
END_TEST

START_TEST(survives_a_file_cut_under_it)
{
	int fd = writable();

	ck_assert_int_eq(open_as(NULL), 0);
	ck_assert_int_eq(take(), 0);
	ck_assert_uint_eq(shot.cells[counter / 8], 42);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(take(), -EFAULT);
	ck_assert_int_eq(smx_view_refresh(view, &error), -EFAULT);
	ck_assert_ptr_nonnull(strstr(error.msg, FILE_NAME));
	/* and again: the guard is as it was */
	ck_assert_int_eq(take(), -EFAULT);
	close(fd);
}
END_TEST

START_TEST(survives_a_directory_cut_short)
{
	int fd = writable();

	ck_assert_int_eq(open_as(NULL), 0);
	build_counter(&b, "b_total", 0);
	build_publish(&b);
	ck_assert_int_eq(pwrite(fd, b.bytes, SMX_PAGE, 0), SMX_PAGE);
	ck_assert_int_eq(ftruncate(fd, (off_t)b.header->dir_off), 0);
	ck_assert_int_eq(smx_view_refresh(view, &error), -EBADMSG);
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 2);
	close(fd);
}
END_TEST

static blkcnt_t
blocks(void)
{
	struct stat st;

	ck_assert_int_eq(fstatat(dir.fd, FILE_NAME, &st, 0), 0);
	return st.st_blocks;
}

START_TEST(makes_no_page_where_holes_were_punched)
{
	const struct smx_header *h = b.header;
	int fd = writable(), lease = build_lease(dir.fd, FILE_NAME, 0);
	blkcnt_t before;

	ck_assert_int_eq(open_as(NULL), 0);
	ck_assert_int_eq(take(), 0);
	ck_assert_int_eq(fallocate(fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)h->gauge_off,
	    (off_t)(h->size - h->gauge_off)), 0);
	before = blocks();
	ck_assert_int_eq(take(), 0);
	ck_assert_uint_eq(shot.cells[counter / 8], 0);
	ck_assert_int_eq(blocks(), before);
	/* slots and lanes as well */
	ck_assert_int_eq(fallocate(fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)h->slot_off,
	    (off_t)(h->dir_off - h->slot_off)), 0);
	before = blocks();
	ck_assert_int_eq(take(), 0);
	ck_assert_uint_eq(shot.n_live, 0);
	ck_assert_int_eq(blocks(), before);
	close(lease);
	close(fd);
}
END_TEST

/* A process that cuts and restores the file as fast as it can. */
static pid_t
start_cutter(void)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = openat(dir.fd, FILE_NAME, O_RDWR);
	for (;;) {
		if (ftruncate(fd, 0) < 0 ||
		    ftruncate(fd, (off_t)b.header->size) < 0)
			_exit(1);
		for (off_t at = 0; at < (off_t)b.header->size; at += SMX_PAGE)
			if (pwrite(fd, b.bytes + at, SMX_PAGE, at) < 0)
				_exit(1);
	}
}

START_TEST(survives_a_file_cut_at_any_moment)
{
	pid_t pid = start_cutter();
	int opened = 0, taken = 0, failed = 0;

	/* the cutter may be asleep between its two calls for a while */
	for (int i = 0; i < 3000 || opened == 0; i++) {
		if (open_as(NULL) < 0)
			continue;
		opened++;
		for (int k = 0; k < 5; k++) {
			(void)smx_view_refresh(view, &error);
			if (take() == 0)
				taken++;
			else
				failed++;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(taken + failed, 5 * opened);
}
END_TEST

/* A fault of somebody else's is still deadly, as it was before us. */
START_TEST(passes_on_faults_that_are_not_its_own)
{
	int fd = writable(), status;
	pid_t pid;

	ck_assert_int_eq(open_as(NULL), 0);
	ck_assert_int_eq(take(), 0);
	pid = fork();
	if (pid == 0) {
		const unsigned char *p = mmap(NULL, SMX_PAGE, PROT_READ,
		    MAP_SHARED, fd, 0);

		if (ftruncate(fd, 0) == 0)
			(void)__atomic_load_n(p, __ATOMIC_RELAXED);
		_exit(SURVIVED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* sanitizers exit with a report instead */
	ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS :
	    WEXITSTATUS(status) != SURVIVED);
	close(fd);
}
END_TEST

START_TEST(works_where_the_signal_is_blocked)
{
	sigset_t set;
	int fd = writable();

	ck_assert_int_eq(open_as(NULL), 0);
	sigfillset(&set);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	ck_assert_int_eq(smx_view_thread_init(), 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(take(), -EFAULT);
	close(fd);
}
END_TEST

START_TEST(leaks_no_descriptor)
{
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(open_as(NULL), 0);
	ck_assert_int_eq(take(), 0);
	b.bytes[b.header->dir_off + 20] ^= 1;
	build_save(&b, dir.fd, FILE_NAME);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(open_as(NULL), -EBADMSG);
	after = dup(0);
	close(after);
	ck_assert_int_eq(after, before);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("file");
	TCase *t = tcase_create("file");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, refuses_symbolic_links);
	tcase_add_test(t, refuses_pipes_without_waiting);
	tcase_add_test(t, refuses_directories);
	tcase_add_test(t, refuses_what_is_not_there);
	tcase_add_test(t, refuses_paths_instead_of_names);
	tcase_add_test(t, keeps_messages_on_one_line);
	tcase_add_test(t, refuses_text_and_short_files);
	tcase_add_test(t, refuses_strangers_files);
	tcase_add_test(t, survives_a_file_cut_under_it);
	tcase_add_test(t, survives_a_directory_cut_short);
	tcase_add_test(t, makes_no_page_where_holes_were_punched);
	tcase_add_test(t, survives_a_file_cut_at_any_moment);
	tcase_add_test(t, passes_on_faults_that_are_not_its_own);
	tcase_add_test(t, works_where_the_signal_is_blocked);
	tcase_add_test(t, leaks_no_descriptor);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
