/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/*
 * What each version of Landlock can refuse; the headers may be older than the
 * kernel.  13 bits at first, then refer, truncate and, with the fifth version,
 * ioctl of devices.
 */
static uint64_t
rights_of(long version)
{
	uint64_t n = 13;

	if (version >= 2)
		n++;
	if (version >= 3)
		n++;
	if (version >= 5)
		n++;
	return (UINT64_C(1) << n) - 1;
}

static int
allow_below(int ruleset, const char *dir, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	int err = 0;

	rule.parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == EACCES ||
		    errno == ENOTDIR ? 0 : -errno;
	if (syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		err = -errno;
	close(rule.parent_fd);
	return err;
}

int
confine_files(const struct confine_files *f)
{
	struct landlock_ruleset_attr attr = { 0 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	int fd, err = 0;

	if (version < 0)
		return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	attr.handled_access_fs = rights_of(version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < f->n_read && err == 0; i++)
		err = allow_below(fd, f->read_below[i], READ);
	for (size_t i = 0; i < f->n_remove && err == 0; i++)
		err = allow_below(fd, f->remove_below[i],
		    LANDLOCK_ACCESS_FS_REMOVE_FILE);
	if (err == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err;
}
