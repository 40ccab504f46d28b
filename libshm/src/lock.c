/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "fail.h"
#include "smx/layout.h"

static int
set_lock(int fd, short type, int64_t byte)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int
smx__lock_write(int fd, int64_t byte)
{
	return set_lock(fd, F_WRLCK, byte);
}

int
smx__lock_read(int fd, int64_t byte)
{
	return set_lock(fd, F_RDLCK, byte);
}

int
smx__lock_release(int fd, int64_t byte)
{
	return set_lock(fd, F_UNLCK, byte);
}

int
smx__lock_held(int fd, int64_t byte, int64_t n)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte,
		.l_len = n
	};

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

/* A read lock on a lease byte is not a life: who may read the file may take
 * one.  So these are asked for with one, which only write locks refuse. */
int
smx__lock_alive(int fd)
{
	struct flock lease = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0, .l_len = SMX_MAX_SLOTS };

	if (fcntl(fd, F_OFD_GETLK, &lease) < 0)
		return -errno;
	return lease.l_type != F_UNLCK ? 1
				       : smx__lock_held(fd, SMX_LOCK_CROWD, 1);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int
smx__lock_register(int fd, uint32_t lock_ms, struct smx_error *err)
{
	uint64_t end = now_ns() + lock_ms * UINT64_C(1000000);
	struct timespec pause = { .tv_nsec = 20000 };
	int rc;

	while ((rc = smx__lock_write(fd, SMX_LOCK_REGISTER)) == -EAGAIN) {
		if (now_ns() >= end)
			return smx__fail(err, -ETIMEDOUT, "the registration "
			    "lock was held for %u ms (a stopped process?)",
			    lock_ms);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 5000000)
			pause.tv_nsec *= 2;
	}
	return rc < 0 ? smx__fail(err, rc, "registration lock:") : 0;
}

void
smx__unlock_register(int fd)
{
	/* Explicitly: closing would leave it to a forked copy of fd. */
	(void)smx__lock_release(fd, SMX_LOCK_REGISTER);
}
