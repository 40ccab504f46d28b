/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/number.h"

static const struct passwd *
find(const char *user)
{
	const struct passwd *pw = getpwnam(user);
	int64_t uid;

	if (!pw && number_parse(user, 0, UINT32_MAX - 1, &uid) == 0)
		pw = getpwuid((uid_t)uid);
	return pw;
}

/* Who we are, without what root could do; reading remains. */
static int
stay(void)
{
	/* a service manager may have taken them, and capset() with them */
	if (capng_get_caps_process() == 0 &&
	    capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return 0;
	capng_clear(CAPNG_SELECT_ALL);
	if (geteuid() == 0)
		(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE |
		    CAPNG_PERMITTED, CAP_DAC_READ_SEARCH);
	/* only root can shrink the bounding set: no_new_privs does for all */
	return capng_apply(geteuid() == 0 ? CAPNG_SELECT_ALL :
	    CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EIO : 0;
}

static int
become(const char *user, char msg[256])
{
	const struct passwd *pw = find(user);

	if (!pw) {
		snprintf(msg, 256, "no user \"%.100s\"", user);
		return -EINVAL;
	}
	if (geteuid() != 0 && (pw->pw_uid != geteuid() ||
	    pw->pw_uid != getuid())) {
		snprintf(msg, 256, "only root can become user \"%.100s\"", user);
		return -EPERM;
	}
	if (geteuid() != 0 || pw->pw_uid == 0)
		return stay();
	capng_clear(CAPNG_SELECT_ALL);
	return capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
	    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING |
	    CAPNG_CLEAR_AMBIENT) < 0 ? -EIO : 0;
}

int
privileges_drop(const char *user, char msg[256])
{
	const struct rlimit none = { 0, 0 };
	int err;

	snprintf(msg, 256, "privileges cannot be given up");
	err = user ? become(user, msg) : stay();
	if (err == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -EIO;
	if (err < 0)
		return err;
	/* as for any process of this user: its own /proc stays open to it */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	return 0;
}
