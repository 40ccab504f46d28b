/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/confine.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/privileges.h"

/* check runs each test in a process of its own: what is given up is gone. */

static char dir[] = "/tmp/smx-confine-XXXXXX", inside[64], outside[64];

static void
put_file(char path[64], const char *below, const char *name)
{
	FILE *f;

	snprintf(path, 64, "%.40s/%.20s", below, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("text", f);
	fclose(f);
	chmod(path, 0644);
}

static void
setup(void)
{
	char sub[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	mkdir(sub, 0755);
	put_file(inside, sub, "file");
	put_file(outside, dir, "file");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void
teardown(void)
{
	char command[128];

	/* in the parent: the child may not */
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* False: not here; the line says so once. */
static bool
confined_calls(void)
{
	int err = confine_calls();

	if (err == -EOPNOTSUPP)
		fprintf(stderr, "no filter for system calls here\n");
	else
		ck_assert_int_eq(err, 0);
	return err == 0;
}

static bool
confined_files(void)
{
	char sub[64];
	/* sanitizers look at /proc when they end */
	const char *dirs[] = { "/nowhere/at/all", sub, "/proc" };
	int err;

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	err = confine_files(&(struct confine_files){ .read_below = dirs,
	    .n_read = 3 });
	if (err == -EOPNOTSUPP)
		fprintf(stderr, "no Landlock here\n");
	else
		ck_assert_int_eq(err, 0);
	return err == 0;
}

static void
assert_refused(long ret, int error, const char *what)
{
	ck_assert_msg(ret < 0 && errno == error, "%s: %ld, %s", what, ret,
	    strerror(errno));
}

START_TEST(system_calls_of_other_trades_are_refused)
{
	char *argv[] = { "true", NULL };

	if (!confined_calls())
		return;
	assert_refused(execv("/bin/true", argv), EPERM, "execv");
	assert_refused(fork(), EPERM, "fork");
	assert_refused(vfork(), EPERM, "vfork");
	assert_refused(socket(AF_INET, SOCK_STREAM, 0), EPERM, "inet socket");
	assert_refused(socket(AF_NETLINK, SOCK_RAW, 0), EPERM, "netlink");
	assert_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM, "ptrace");
	assert_refused(kill(getppid(), 0), EPERM, "kill");
	assert_refused(chmod(inside, 0777), EPERM, "chmod");
	assert_refused(rename(inside, outside), EPERM, "rename");
	assert_refused(truncate(inside, 0), EPERM, "truncate");
	assert_refused(setuid(0), EPERM, "setuid");
	assert_refused(mkdir("/tmp/x/y", 0700), EPERM, "mkdir");
	assert_refused(mprotect(dir, 1, PROT_READ | PROT_EXEC), EPERM,
	    "mprotect");
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
}
END_TEST

START_TEST(no_file_can_be_written)
{
	if (!confined_calls())
		return;
	assert_refused(open(inside, O_WRONLY), EPERM, "O_WRONLY");
	assert_refused(open(inside, O_RDWR), EPERM, "O_RDWR");
	assert_refused(open(inside, O_RDONLY | O_TRUNC), EPERM, "O_TRUNC");
	assert_refused(open("/tmp/smx-new", O_RDONLY | O_CREAT, 0600), EPERM,
	    "O_CREAT");
	ck_assert_int_ge(open(inside, O_RDONLY), 0);
}
END_TEST

static void *
thread(void *arg)
{
	char *p = malloc(1 << 20);

	memset(p, 1, 1 << 20);
	free(p);
	return arg;
}

START_TEST(what_a_server_needs_goes_on)
{
	struct rlimit lim;
	pthread_t t;
	void *ret;
	int fds[2];

	if (!confined_calls())
		return;
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, thread, dir), 0);
		ck_assert_int_eq(pthread_join(t, &ret), 0);
		ck_assert_ptr_eq(ret, dir);
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), -1);
	ck_assert_int_ge(socket(AF_UNIX, SOCK_DGRAM, 0), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
}
END_TEST

START_TEST(abort_still_ends_us)
{
	if (!confined_calls())
		raise(SIGABRT);
	abort();
}
END_TEST

START_TEST(only_what_is_listed_can_be_read)
{
	if (!confined_files())
		return;
	ck_assert_int_ge(open(inside, O_RDONLY), 0);
	assert_refused(open(inside, O_RDWR), EACCES, "writing inside");
	assert_refused(unlink(inside), EACCES, "unlink inside");
	assert_refused(open(outside, O_RDONLY), EACCES, "outside");
	assert_refused(open("/etc/passwd", O_RDONLY), EACCES, "passwd");
	assert_refused(open("/", O_RDONLY | O_DIRECTORY), EACCES, "the root");
	assert_refused(open("/tmp/smx-new", O_RDWR | O_CREAT, 0600), EACCES,
	    "a new file");
}
END_TEST

/* The value of a line of /proc/self/status. */
static unsigned long long
status_of(const char *key)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long long v = ~0ull;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			v = strtoull(line + strlen(key) + 1, NULL, 16);
	fclose(f);
	return v;
}

START_TEST(root_becomes_another_for_good)
{
	char msg[256];
	struct stat st;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(privileges_drop("nobody", msg), 0);
	ck_assert_uint_eq(geteuid(), 65534);
	ck_assert_int_lt(setuid(0), 0);
	ck_assert_int_eq(stat("/proc/self/fd", &st), 0);
	ck_assert_uint_eq(st.st_uid, 65534);
	for (const char *const *key = (const char *const[]){ "CapInh:",
	    "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", NULL }; *key; key++)
		ck_assert_msg(status_of(*key) == 0, "%s", *key);
	ck_assert_uint_eq(status_of("NoNewPrivs:"), 1);
	ck_assert_int_eq(getgroups(0, NULL), 1);
}
END_TEST

START_TEST(root_that_stays_can_read_and_no_more)
{
	char msg[256];

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(privileges_drop(NULL, msg), 0);
	ck_assert_uint_eq(status_of("CapEff:"), 1 << 2);
	ck_assert_uint_eq(status_of("CapPrm:"), 1 << 2);
	ck_assert_uint_eq(status_of("CapBnd:"), 0);
	/* not setuid(): the C library ends a process whose threads differ,
	 * and a sanitizer has one of its own */
	ck_assert_int_lt(syscall(SYS_setuid, 65534), 0);
}
END_TEST

START_TEST(nobody_becomes_who_is_not_there)
{
	char msg[256];

	ck_assert_int_eq(privileges_drop("nobody-knows-him", msg), -EINVAL);
	ck_assert_ptr_nonnull(strstr(msg, "nobody-knows-him"));
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(privileges_drop("root", msg), -EPERM);
	ck_assert_int_eq(privileges_drop(NULL, msg), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("confine");
	TCase *tc = tcase_create("confine");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, system_calls_of_other_trades_are_refused);
	tcase_add_test(tc, no_file_can_be_written);
	tcase_add_test(tc, what_a_server_needs_goes_on);
	tcase_add_test_raise_signal(tc, abort_still_ends_us, SIGABRT);
	tcase_add_test(tc, only_what_is_listed_can_be_read);
	tcase_add_test(tc, root_becomes_another_for_good);
	tcase_add_test(tc, root_that_stays_can_read_and_no_more);
	tcase_add_test(tc, nobody_becomes_who_is_not_there);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
