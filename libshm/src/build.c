/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "area.h"

static int
write_at(int fd, const void *data, size_t size, uint64_t off)
{
	ssize_t n = pwrite(fd, data, size, (off_t)off);

	if (n == (ssize_t)size)
		return 0;
	return n < 0 ? -errno : -ENOSPC;
}

int
smx__segment_build(int fd, const struct smx_header *h)
{
	struct smx_lane shared = { .owner = SMX_OWNER_SHARED };
	uint64_t magic = SMX_MAGIC;
	int rc;

	if (fchmod(fd, 0640) < 0 || ftruncate(fd, 0) < 0 ||
	    ftruncate(fd, (off_t)h->size) < 0)
		return -errno;
	rc = smx__allocate(fd, 0, h->dir_off);
	if (rc == 0)
		rc = write_at(fd, h, sizeof(*h), 0);
	if (rc == 0)
		rc = write_at(fd, &shared, sizeof(shared), h->lane_tab_off);
	if (rc == 0)
		rc = write_at(fd, &magic, sizeof(magic), 0);
	return rc;
}
