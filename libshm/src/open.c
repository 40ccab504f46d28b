/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build.h"
#include "fail.h"
#include "geometry.h"
#include "header.h"
#include "lock.h"

/* Somebody else may replace the file each time we look; not for ever. */
#define TRIES 100

struct path {
	char name[4096 + 160 + 8];
};

static void
path_of(struct path *path, const struct smx__process *p, const char *prefix)
{
	(void)snprintf(path->name, sizeof(path->name), "%s/%s%s", p->dir,
	    prefix, p->file);
}

/* A plain file of our own: a stranger could cut it under our mapping. */
static int
check_file(const char *path, const struct stat *st, struct smx_error *err)
{
	if (!S_ISREG(st->st_mode))
		return smx__fail(err, -EPERM, "%s is not a regular file", path);
	if (st->st_uid != geteuid())
		return smx__fail(err, -EPERM, "%s belongs to user %u", path,
		    (unsigned)st->st_uid);
	return 0;
}

/* O_NONBLOCK: somebody may have put a FIFO there. */
#define OPEN_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static int
open_file(const char *path, int flags, struct stat *st, struct smx_error *err)
{
	int fd = open(path, OPEN_FLAGS | flags, 0640);
	int rc;

	if (fd < 0) {
		rc = -errno;
		return smx__fail(err, rc, "%s:", path);
	}
	rc = fstat(fd, st) < 0 ? smx__fail(err, -errno, "%s:", path)
			       : check_file(path, st, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* Not O_CREAT alone: in a sticky directory the kernel refuses it for files
 * of others, and says so less clearly than check_file(). */
static int
open_or_create(const char *path, struct stat *st, struct smx_error *err)
{
	int fd = open_file(path, 0, st, err);

	if (fd != -ENOENT)
		return fd;
	fd = open_file(path, O_CREAT | O_EXCL, st, err);
	return fd == -EEXIST ? open_file(path, 0, st, err) : fd;
}

static bool
path_names(const char *path, const struct stat *st)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_dev == st->st_dev &&
	    now.st_ino == st->st_ino;
}

static int
check_file_limit(uint64_t end, struct smx_error *err)
{
	struct rlimit limit;

	/* writing past it would end the process by SIGXFSZ */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < end)
		return smx__fail(err, -EFBIG, "the segment needs %llu bytes, "
		    "but RLIMIT_FSIZE allows %llu", (unsigned long long)end,
		    (unsigned long long)limit.rlim_cur);
	return 0;
}

static int
create(int fd, const char *path, const struct smx_header *wanted,
    struct smx_header *h, struct smx_error *err)
{
	int rc = check_file_limit(wanted->size, err);

	if (rc == 0) {
		rc = smx__segment_build(fd, wanted);
		if (rc < 0)
			(void)smx__fail(err, rc, "create %s:", path);
	}
	if (rc < 0) {
		(void)unlink(path); /* nobody could use it */
		return rc;
	}
	*h = *wanted;
	h->magic = SMX_MAGIC;
	return 0;
}

#define AGAIN 1 /* the path names another file now: open it */

static int
set_aside(struct smx__process *p, const char *path, struct smx_error *err)
{
	struct path aside;

	path_of(&aside, p, ".old.");
	if (rename(path, aside.name) < 0)
		return smx__fail(err, -errno, "set %s aside:", path);
	return AGAIN;
}

/* Can the directory be read to its end?  A scratch index says. */
static int
check_directory(const struct smx__process *p, int fd)
{
	struct smx__keys keys;
	int rc = smx__keys_create(&keys);

	if (rc == 0)
		rc = smx__keys_refresh(&keys, fd, &p->geometry, &p->geometry,
		    NULL);
	smx__keys_destroy(&keys);
	return rc;
}

/* Alive users and another version: no; and other regions: theirs. */
static int
judge_used(const struct smx__process *p, const char *path, int check,
    struct smx_error *err)
{
	if (check < 0)
		return smx__fail(err, -EBUSY, "%s has another layout, and "
		    "processes that use it", path);
	if (p->options.flags & SMX_FRESH)
		return smx__fail(err, -EBUSY, "%s is in use by others", path);
	return 0;
}

/* Nobody uses it: aside with it, unless it is as we want it. */
static int
judge_unused(struct smx__process *p, int fd, const char *path, int check,
    const struct smx_header *wanted, struct smx_error *err)
{
	bool equal = smx__geometry_equal(wanted, &p->geometry);
	bool fresh = (p->options.flags & SMX_FRESH) != 0;

	if (check == 0 && equal && !fresh) {
		check = check_directory(p, fd);
		if (check != -EBADMSG)
			return check;
	}
	p->options.flags &= ~SMX_FRESH;
	return set_aside(p, path, err);
}

static int
open_locked(struct smx__process *p, int fd, const char *path,
    const struct stat *st, struct smx_error *err)
{
	struct smx_header wanted;
	ssize_t n;
	int rc, alive;

	if (!path_names(path, st))
		return AGAIN;
	memset(&p->geometry, 0, sizeof(p->geometry));
	n = pread(fd, &p->geometry, sizeof(p->geometry), 0);
	if (n < 0)
		return smx__fail(err, -errno, "read %s:", path);
	smx__geometry_make(&wanted, &p->options);
	alive = smx__lock_alive(fd);
	if (alive < 0)
		return smx__fail(err, alive, "leases of %s:", path);
	rc = smx__header_check(&p->geometry, (uint64_t)st->st_size, NULL);
	if (rc == -EAGAIN && !alive)
		return create(fd, path, &wanted, &p->geometry, err);
	rc = alive ? judge_used(p, path, rc, err)
		   : judge_unused(p, fd, path, rc, &wanted, err);
	return rc == 0 ? check_file_limit(p->geometry.size, err) : rc;
}

static int
try_open(struct smx__process *p, const char *path, int *fd,
    struct smx_error *err)
{
	struct stat st;
	int rc;

	*fd = open_or_create(path, &st, err);
	if (*fd < 0)
		return *fd;
	rc = smx__lock_register(*fd, p->options.lock_ms, err);
	if (rc == 0) {
		/* the size may have changed while we waited */
		rc = fstat(*fd, &st) < 0 ? -errno
					 : open_locked(p, *fd, path, &st, err);
		if (rc != 0)
			smx__unlock_register(*fd);
	}
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	if (rc != 0)
		close(*fd);
	return rc;
}

int
smx__open(struct smx__process *p, struct smx_error *err)
{
	struct path path;
	int tries, fd, rc = AGAIN;

	path_of(&path, p, "");
	for (tries = 0; tries < TRIES && rc == AGAIN; tries++)
		rc = try_open(p, path.name, &fd, err);
	if (rc == AGAIN)
		rc = smx__fail(err, -EBUSY, "%s is replaced again and again",
		    path.name);
	return rc < 0 ? rc : fd;
}

int
smx__reopen(const struct smx__process *p, struct smx_error *err)
{
	struct path path;
	struct stat st;
	int fd;

	path_of(&path, p, "");
	fd = open_file(path.name, 0, &st, err);
	if (fd < 0)
		return fd;
	if (st.st_dev == p->dev && st.st_ino == p->ino) {
		/* it may have been lowered since we attached */
		int rc = check_file_limit(p->geometry.size, err);

		if (rc == 0)
			return fd;
		close(fd);
		return rc;
	}
	close(fd);
	return smx__fail(err, -ESTALE, "%s is another file by now: this "
	    "process stays with the one it has", path.name);
}
