/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build.h"
#include "fail.h"
#include "header.h"
#include "lock.h"

/* Somebody else may replace the file each time we look; not for ever. */
#define TRIES 100
#define AGAIN 1 /* the path names another file now: open it */

struct segment {
	int dirfd, fd;
	const char *file;
	struct stat st;
};

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int
open_regular(struct segment *s, struct smx_error *err)
{
	/* O_NONBLOCK: somebody may have put a FIFO there */
	s->fd = openat(
	    s->dirfd, s->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (s->fd < 0)
		return smx__fail(err, -errno, "%s:", s->file);
	if (fstat(s->fd, &s->st) < 0)
		return smx__fail(err, -errno, "%s:", s->file);
	if (!S_ISREG(s->st.st_mode))
		return smx__fail(
		    err, -EPERM, "%s is not a regular file", s->file);
	return 0;
}

/* Somebody's notes may be called smx.c.  What was set aside may well be no
 * segment: that is why it was. */
static int
check_ours(const struct segment *s, struct smx_error *err)
{
	uint64_t magic = 0;
	bool aside = begins(s->file, SMX_ASIDE_PREFIX);

	if (!aside && begins(s->file, SMX_FILE_PREFIX) &&
	    pread(s->fd, &magic, sizeof(magic), 0) < 0)
		return smx__fail(err, -errno, "%s:", s->file);
	if (!aside && (!begins(s->file, SMX_FILE_PREFIX) ||
			  (magic != 0 && magic != SMX_MAGIC)))
		return smx__fail(err, -EPROTO, "%s is not a segment", s->file);
	return 0;
}

/* Under the lock: is it still the file of that name, and nobody's? */
static int
check_unused(const struct segment *s, struct smx_error *err)
{
	struct stat now;
	int alive;

	if (fstatat(s->dirfd, s->file, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	    now.st_dev != s->st.st_dev || now.st_ino != s->st.st_ino)
		return AGAIN;
	alive = smx__lock_alive(s->fd);
	if (alive < 0)
		return smx__fail(err, alive, "leases of %s:", s->file);
	return alive ? smx__fail(err, -EBUSY, "%s is in use by a live process",
			   s->file)
		     : 0;
}

static int
try(struct segment *s, uint32_t lock_ms,
    int (*act)(const struct segment *, struct smx_error *),
    struct smx_error *err)
{
	int rc = open_regular(s, err);

	if (rc == 0)
		rc = check_ours(s, err);
	if (rc == 0)
		rc = smx__lock_register(s->fd, lock_ms, err);
	if (rc == 0) {
		rc = check_unused(s, err);
		if (rc == 0)
			rc = act(s, err);
		smx__unlock_register(s->fd);
	}
	if (s->fd >= 0)
		close(s->fd);
	return rc;
}

static int
with_unused(int dirfd, const char *file, uint32_t lock_ms,
    int (*act)(const struct segment *, struct smx_error *),
    struct smx_error *err)
{
	struct segment s = { .dirfd = dirfd, .file = file };
	int rc = AGAIN;

	for (int i = 0; i < TRIES && rc == AGAIN; i++)
		rc = try(&s, lock_ms, act, err);
	return rc == AGAIN ? smx__fail(err, -EBUSY,
				 "%s is replaced again and again", file)
			   : rc;
}

static int
unlink_it(const struct segment *s, struct smx_error *err)
{
	if (unlinkat(s->dirfd, s->file, 0) < 0)
		return smx__fail(err, -errno, "remove %s:", s->file);
	return 0;
}

/* The header of a segment with the same regions that begins now. */
static int
next_header(
    const struct segment *s, struct smx_header *h, struct smx_error *err)
{
	struct smx_error why;
	struct timespec now;
	int rc;

	memset(h, 0, sizeof(*h));
	if (pread(s->fd, h, sizeof(*h), 0) < 0)
		return smx__fail(err, -errno, "%s:", s->file);
	rc = smx__header_check(h, (uint64_t)s->st.st_size, &why);
	if (rc < 0)
		return smx__fail(err, rc, "%.80s: %.60s", s->file, why.msg);
	clock_gettime(CLOCK_REALTIME, &now);
	memset((char *)h + offsetof(struct smx_header, reserved0), 0,
	    sizeof(*h) - offsetof(struct smx_header, reserved0));
	h->magic = 0;
	/* what a later library meant by its fields and bits is not made */
	h->header_size = sizeof(*h);
	h->features &= SMX_FEATURES_KNOWN;
	h->created_ns =
	    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	h->pid = (uint32_t)getpid();
	h->crc = smx__header_crc(h);
	return 0;
}

/* Complete, but under a name that nobody opens. */
static int
build_beside(
    const struct segment *s, const char *beside, const struct smx_header *h)
{
	int fd, rc;

	if (unlinkat(s->dirfd, beside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(
	    s->dirfd, beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = smx__segment_build(fd, h);
	/* root may empty what its services must be able to open */
	if (rc == 0 && s->st.st_uid != geteuid() &&
	    fchown(fd, s->st.st_uid, s->st.st_gid) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The path names one or the other at every moment. */
static int
exchange(const struct segment *s, const char *beside, const char *aside)
{
	if (unlinkat(s->dirfd, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	if (linkat(s->dirfd, s->file, s->dirfd, aside, 0) < 0 ||
	    renameat(s->dirfd, beside, s->dirfd, s->file) < 0)
		return -errno;
	return 0;
}

static int
empty_it(const struct segment *s, struct smx_error *err)
{
	char aside[256 + 16], beside[256 + 32];
	struct smx_header h;
	int rc = next_header(s, &h, err);

	if (rc < 0)
		return rc;
	(void)snprintf(aside, sizeof(aside), ".old.%.255s", s->file);
	/* an aside too: a kill leaves nothing that `smx ls` does not show */
	(void)snprintf(beside, sizeof(beside), "%s.reset", aside);
	rc = build_beside(s, beside, &h);
	if (rc == 0)
		rc = exchange(s, beside, aside);
	if (rc < 0)
		(void)unlinkat(s->dirfd, beside, 0);
	return rc < 0 ? smx__fail(err, rc, "reset %s:", s->file) : 0;
}

int
smx__admin_remove(
    int dirfd, const char *file, uint32_t lock_ms, struct smx_error *err)
{
	return with_unused(dirfd, file, lock_ms, unlink_it, err);
}

int
smx__admin_reset(
    int dirfd, const char *file, uint32_t lock_ms, struct smx_error *err)
{
	if (!begins(file, SMX_FILE_PREFIX))
		return smx__fail(err, -EPROTO,
		    "%s is not the name of a "
		    "segment",
		    file);
	return with_unused(dirfd, file, lock_ms, empty_it, err);
}
