/* SPDX-License-Identifier: Apache-2.0 */
/* smx rm and smx reset, beside processes that really write. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tool_run.h"

#define FILE_NAME "smx.t"
#define ROUNDS	  150

static int
run(const char *arguments)
{
	return tool_run(live_path, arguments);
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(live_file(name), &st) == 0;
}

static ino_t
inode(const char *name)
{
	struct stat st;

	REQUIRE(stat(live_file(name), &st) == 0);
	return st.st_ino;
}

static int
count_three(void *arg)
{
	const struct smx_options o = { .lanes = 5, .slots = 3, .cells = 512 };

	(void)arg;
	REQUIRE(smx_attach("t", &o) == 0);
	smx_add(smx_counter("hits_total", "Hits."), 3);
	return 0;
}

static int
stay(int step)
{
	struct smx_options o = { .slots = 1 };

	(void)step;
	return smx_attach("t", &o);
}

START_TEST(rm_removes_what_nobody_uses)
{
	live_run(count_three, NULL);
	ck_assert_int_eq(run("rm t"), 0);
	ck_assert_str_eq(tool_out, "");
	ck_assert(!exists(FILE_NAME));
	ck_assert_int_eq(run("rm t"), 1);
	tool_says("smx: smx.t: No such file or directory in ");
}
END_TEST

START_TEST(both_refuse_while_a_process_lives)
{
	struct live_peer one, two;
	ino_t before;

	live_peer_start(&one, stay);
	live_peer_start(&two, stay);
	ck_assert_int_eq(live_peer_do(&one, 0), 0);
	before = inode(FILE_NAME);
	ck_assert_int_eq(run("rm t"), 1);
	tool_says("smx.t is in use by a live process");
	/* without a slot, and then alone */
	ck_assert_int_eq(live_peer_do(&two, 0), 0);
	live_peer_end(&one);
	ck_assert_int_eq(run("reset t"), 1);
	tool_says("smx.t is in use by a live process");
	ck_assert_int_eq(run("rm t"), 1);
	ck_assert_uint_eq(inode(FILE_NAME), before);
	live_peer_end(&two);
	ck_assert_int_eq(run("rm t"), 0);
}
END_TEST

/* Who may read the file may lock it for reading. */
START_TEST(readers_that_hold_locks_do_not_hinder)
{
	struct flock lock = { .l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0,
		.l_len = SMX_MAX_SLOTS };
	int fd;

	live_run(count_three, NULL);
	fd = open(live_file(FILE_NAME), O_RDONLY);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(run("rm t"), 0);
	close(fd);
}
END_TEST

START_TEST(a_held_registration_lock_is_waited_for_then_named)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = SMX_LOCK_REGISTER,
		.l_len = 1 };
	int fd;

	live_run(count_three, NULL);
	fd = open(live_file(FILE_NAME), O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(run("rm t"), 1);
	tool_says("the registration lock was held for 1000 ms");
	ck_assert(exists(FILE_NAME));
	close(fd);
}
END_TEST

START_TEST(reset_begins_from_zero_with_the_same_bounds)
{
	struct smx_header before, after;
	struct live l = { 0 };

	live_run(count_three, NULL);
	live_run(count_three, NULL);
	live_header(FILE_NAME, &before);
	ck_assert_int_eq(run("reset t"), 0);
	live_header(FILE_NAME, &after);
	ck_assert_mem_eq(&before.size, &after.size,
	    offsetof(struct smx_header, created_ns) -
		offsetof(struct smx_header, size));
	ck_assert_uint_eq(before.slot_cap, after.slot_cap);
	ck_assert_uint_eq(before.lane_cap, after.lane_cap);
	ck_assert_uint_gt(after.created_ns, before.created_ns);
	ck_assert_uint_eq(after.dir_tail, 0);
	ck_assert_int_eq(run("check t"), 0);
	live_run(count_three, NULL);
	live_look(&l, FILE_NAME);
	ck_assert_uint_eq(live_cell(&l, "hits_total", NULL), 3);
	live_close(&l);
}
END_TEST

START_TEST(reset_keeps_the_old_numbers_aside)
{
	live_run(count_three, NULL);
	ck_assert_int_eq(run("reset t"), 0);
	ck_assert_int_eq(run("dump .old.smx.t"), 0);
	tool_says("hits_total 3\n");
	ck_assert_int_eq(run("ls"), 0);
	tool_says(".old.smx.t ");
	tool_says("set aside\n");
	ck_assert_int_eq(run("reset .old.smx.t"), 1);
	ck_assert_int_eq(run("rm .old.smx.t"), 0);
	ck_assert(!exists(".old.smx.t"));
	ck_assert(exists(FILE_NAME));
	ck_assert(!exists(".old.smx.t.reset"));
}
END_TEST

START_TEST(reset_leaves_the_file_to_its_user)
{
	struct stat st;

	if (geteuid() != 0)
		return; /* only root can take part */
	live_run(count_three, NULL);
	ck_assert_int_eq(chown(live_file(FILE_NAME), 65534, 65533), 0);
	ck_assert_int_eq(run("reset t"), 0);
	ck_assert_int_eq(stat(live_file(FILE_NAME), &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	ck_assert_uint_eq(st.st_gid, 65533);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(reset_needs_a_sound_header)
{
	int fd;

	live_run(count_three, NULL);
	fd = open(live_file(FILE_NAME), O_RDWR);
	ck_assert_int_eq(pwrite(fd, "\377", 1, 100), 1);
	close(fd);
	ck_assert_int_eq(run("reset t"), 1);
	tool_says("smx.t: header: wrong CRC");
	ck_assert_int_eq(run("rm t"), 0);
	ck_assert(!exists(FILE_NAME));
}
END_TEST

START_TEST(reset_that_fails_leaves_all_as_it_was)
{
	struct rlimit before, small;
	ino_t inode_before;

	live_run(count_three, NULL);
	inode_before = inode(FILE_NAME);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 8192;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(run("reset t"), 1);
	tool_says("smx: reset smx.t: File too large");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_uint_eq(inode(FILE_NAME), inode_before);
	ck_assert(!exists(".old.smx.t") && !exists(".old.smx.t.reset"));
}
END_TEST

START_TEST(nothing_but_segments_is_touched)
{
	char words[256];
	FILE *f = fopen(live_file("smx.c"), "w");

	fputs("/* somebody's program */\n", f);
	fclose(f);
	ck_assert_int_eq(run("rm c"), 1);
	tool_says("smx.c is not a segment");
	ck_assert_int_eq(symlink("smx.c", live_file("smx.link")), 0);
	ck_assert_int_eq(run("rm link"), 1);
	ck_assert_int_eq(mkfifo(live_file("smx.pipe"), 0600), 0);
	ck_assert_int_eq(run("rm pipe"), 1);
	tool_says("smx.pipe is not a regular file");
	ck_assert_int_eq(mkdir(live_file("smx.dir"), 0700), 0);
	ck_assert_int_eq(run("rm dir"), 1);
	f = fopen(live_file("notes"), "w");
	fclose(f);
	snprintf(words, sizeof(words), "rm %s", live_file("notes"));
	ck_assert_int_eq(run(words), 1);
	tool_says("notes is not a segment");
	ck_assert(exists("smx.c") && exists("smx.link") && exists("smx.pipe") &&
		  exists("smx.dir") && exists("notes"));
}
END_TEST

static int
exec_rm(void *arg)
{
	char program[512];

	(void)arg;
	snprintf(program, sizeof(program), "%s/tools/smx", getenv("SMX_BUILD"));
	execl(program, "smx", "rm", "t", (char *)NULL);
	return 99;
}

/* Until the process has the file open: not the copy of ours that it has until
 * it is another program. */
static void
await_open(pid_t pid, const char *path)
{
	char link[64], target[256];

	for (int fd = 3;; fd = fd < 9 ? fd + 1 : 3) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, fd);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, path) == 0)
			return;
	}
}

/* It waits for the lock of a file whose name another has by then. */
START_TEST(rm_looks_again_once_it_has_the_lock)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = SMX_LOCK_REGISTER,
		.l_len = 1 };
	struct live_peer peer;
	pid_t rm;
	int first, fd;

	live_peer_start(&peer, stay);
	live_run(count_three, NULL);
	first = open(live_file(FILE_NAME), O_RDWR | O_CLOEXEC);
	fd = fcntl(first, F_DUPFD_CLOEXEC, 100); /* out of await_open's sight */
	close(first);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	rm = live_start(exec_rm, NULL);
	await_open(rm, live_file(FILE_NAME));
	ck_assert_int_eq(unlink(live_file(FILE_NAME)), 0);
	ck_assert_int_eq(live_peer_do(&peer, 0), 0);
	close(fd);
	ck_assert_int_eq(live_wait(rm), 1);
	ck_assert(exists(FILE_NAME));
	live_peer_end(&peer);
}
END_TEST

/* Attached means: the path names the file that our lease is on. */
static int
attach_and_look(void *arg)
{
	(void)arg;
	if (smx_attach("t", NULL) < 0)
		return 2;
	return exists(FILE_NAME) &&
		       live_locked(FILE_NAME, SMX_LOCK_SLOT0, 1) == 1
		   ? 0
		   : 1;
}

static int
attach_often(void *arg)
{
	int lost = 0;

	for (int i = 0; i < ROUNDS; i++)
		lost |= live_run(attach_and_look, arg);
	return lost;
}

START_TEST(no_attaching_writer_loses_its_file)
{
	static const char *const ways[] = { "rm t", "reset t" };
	pid_t writer = live_start(attach_often, NULL);
	unsigned done = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		done += run(ways[i % 2]) == 0;
	ck_assert_int_eq(live_wait(writer), 0);
	ck_assert_uint_gt(done, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("admin");
	TCase *t = live_case(s, "admin", 60);

	tcase_add_test(t, rm_removes_what_nobody_uses);
	tcase_add_test(t, both_refuse_while_a_process_lives);
	tcase_add_test(t, readers_that_hold_locks_do_not_hinder);
	tcase_add_test(t, a_held_registration_lock_is_waited_for_then_named);
	tcase_add_test(t, reset_begins_from_zero_with_the_same_bounds);
	tcase_add_test(t, reset_keeps_the_old_numbers_aside);
	tcase_add_test(t, reset_leaves_the_file_to_its_user);
	tcase_add_test(t, reset_needs_a_sound_header);
	tcase_add_test(t, reset_that_fails_leaves_all_as_it_was);
	tcase_add_test(t, nothing_but_segments_is_touched);
	tcase_add_test(t, rm_looks_again_once_it_has_the_lock);
	tcase_add_test(t, no_attaching_writer_loses_its_file);
	return live_main(s);
}
