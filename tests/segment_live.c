/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

char live_path[128];

static char case_path[64];

void
live_require(int ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: (pid %d) not so: %s (errno %d)\n", file, line,
	    (int)getpid(), what, errno);
	fflush(stderr);
	_exit(99);
}

const char *
live_file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", live_path, name);
	return path;
}

static void
begin_case(void)
{
	snprintf(case_path, sizeof(case_path), "/dev/shm/smx-test-XXXXXX");
	REQUIRE(mkdtemp(case_path) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void
end_case(void)
{
	(void)nftw(case_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
begin_test(void)
{
	snprintf(live_path, sizeof(live_path), "%s/XXXXXX", case_path);
	REQUIRE(mkdtemp(live_path) != NULL);
	REQUIRE(setenv(SMX_DIR_ENV, live_path, 1) == 0);
}

TCase *
live_case(Suite *s, const char *name, double timeout_s)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, timeout_s);
	tcase_add_unchecked_fixture(tc, begin_case, end_case);
	tcase_add_checked_fixture(tc, begin_test, NULL);
	suite_add_tcase(s, tc);
	return tc;
}

int
live_main(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

pid_t
live_start(int (*fn)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(fn(arg));
}

int
live_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		REQUIRE(errno == EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
live_run(int (*fn)(void *), void *arg)
{
	return live_wait(live_start(fn, arg));
}

int
live_kill(pid_t pid, int signal)
{
	REQUIRE(kill(pid, signal) == 0);
	return live_wait(pid);
}

static void
serve(int (*fn)(int), int in, int out)
{
	int step, rc;

	while (read(in, &step, sizeof(step)) == (ssize_t)sizeof(step)) {
		rc = fn(step);
		if (write(out, &rc, sizeof(rc)) != (ssize_t)sizeof(rc))
			break;
	}
	_exit(0);
}

void
live_peer_start(struct live_peer *p, int (*fn)(int step))
{
	int to[2], from[2];

	REQUIRE(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
	fflush(NULL);
	p->pid = fork();
	REQUIRE(p->pid >= 0);
	if (p->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		serve(fn, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	p->to = to[1];
	p->from = from[0];
}

int
live_peer_do(struct live_peer *p, int step)
{
	int rc;

	REQUIRE(write(p->to, &step, sizeof(step)) == (ssize_t)sizeof(step));
	REQUIRE(read(p->from, &rc, sizeof(rc)) == (ssize_t)sizeof(rc));
	return rc;
}

void
live_peer_end(struct live_peer *p)
{
	close(p->to);
	close(p->from);
	/* not by end of file: later peers have inherited the pipe's end */
	(void)live_kill(p->pid, SIGKILL);
}

void
live_look(struct live *l, const char *file)
{
	struct smx_error err = { 0 };
	int fd, rc = 0;

	if (l->view == NULL) {
		REQUIRE(smx_view_thread_init() == 0);
		fd = open(live_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		REQUIRE(fd >= 0);
		rc = smx_view_open(&l->view, fd, file, NULL, &err);
		close(fd);
	}
	if (rc == 0)
		rc = smx_view_refresh(l->view, &err);
	if (rc >= 0)
		rc = smx_snapshot_take(&l->snap, l->view, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.msg);
	REQUIRE(rc == 0);
}

void
live_close(struct live *l)
{
	smx_snapshot_free(&l->snap);
	smx_view_close(l->view);
	memset(l, 0, sizeof(*l));
}

static bool
is_it(const struct smx_series_info *s, const struct smx_family_info *f,
    const char *values)
{
	const char *at = s->values;
	size_t n;
	uint32_t i;

	for (i = 0; i < f->n_labels; i++, at += strlen(at) + 1) {
		n = strlen(at);
		if (strncmp(at, values, n) != 0)
			return false;
		values += n;
		if (i + 1 < f->n_labels && *values++ != '|')
			return false;
	}
	return *values == '\0';
}

const struct smx_family_info *
live_family(const struct live *l, const char *name)
{
	const struct smx_catalog *c = l->snap.catalog;
	uint32_t i;

	for (i = 0; i < c->n_families; i++)
		if (!c->families[i].retired &&
		    strcmp(c->families[i].name, name) == 0)
			return &c->families[i];
	return NULL;
}

const struct smx_series_info *
live_series(const struct live *l, const char *name, const char *values)
{
	const struct smx_catalog *c = l->snap.catalog;
	const struct smx_family_info *f = live_family(l, name);
	uint32_t i;

	for (i = 0; f && i < c->n_series; i++)
		if (&c->families[c->series[i].family] == f &&
		    is_it(&c->series[i], f, values ? values : ""))
			return &c->series[i];
	return NULL;
}

static const struct smx_series_info *
series_there(const struct live *l, const char *name, const char *values)
{
	const struct smx_series_info *s = live_series(l, name, values);

	if (s == NULL)
		fprintf(stderr, "no series %s{%s}\n", name,
		    values ? values : "");
	REQUIRE(s != NULL);
	return s;
}

uint64_t
live_cell(const struct live *l, const char *name, const char *values)
{
	return l->snap.cells[series_there(l, name, values)->cell];
}

uint64_t
live_count(const struct live *l, const char *name, const char *values)
{
	return smx_histogram_count(&l->snap, series_there(l, name, values));
}

uint64_t
live_sum(const struct live *l, const char *name, const char *values)
{
	return l->snap.cells[series_there(l, name, values)->cell +
	    SMX_HIST_SUM];
}

uint64_t
live_bucket(const struct live *l, const char *name, uint32_t i)
{
	return l->snap.cells[series_there(l, name, NULL)->cell +
	    SMX_HIST_BUCKET + i];
}

bool
live_gauge(const struct live *l, const char *name, const char *values,
    double *value)
{
	return smx_gauge_value(&l->snap, series_there(l, name, values), value);
}

void
live_header(const char *file, struct smx_header *h)
{
	int fd = open(live_file(file), O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h));
	close(fd);
}

int
live_locked(const char *file, int64_t byte, int64_t n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = byte, .l_len = n };
	int fd = open(live_file(file), O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(fcntl(fd, F_OFD_GETLK, &lock) == 0);
	close(fd);
	return lock.l_type != F_UNLCK;
}

uint64_t
live_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}
