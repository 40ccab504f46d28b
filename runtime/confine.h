/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h -- what the kernel lets this process and its later threads do:
 * files by Landlock, system calls by seccomp.
 *
 * For a server inside a libuv loop that reads files, accepts connections and
 * tells its service manager; it starts no program, opens no connection and
 * writes to no file.  Needs no_new_privs (privileges_drop()).
 *
 * Thread   before there is a second one; neither can be undone.
 */
#ifndef SMX_RUNTIME_CONFINE_H
#define SMX_RUNTIME_CONFINE_H

#include <stddef.h>

struct confine_files {
	const char *const *read_below;	/* directories; missing ones are
					 * passed over */
	size_t n_read;
	const char *const *remove_below;	/* where files may be removed */
	size_t n_remove;
};

/*
 * confine_files -- nothing but what `f` lists can be opened from now on.
 *
 * Errors   -EOPNOTSUPP the kernel has no Landlock, or it is switched off;
 *          -errno of it.
 */
int confine_files(const struct confine_files *f);

/*
 * confine_calls -- other system calls than a server needs fail with EPERM.
 *
 * Errors   -EOPNOTSUPP the kernel has no seccomp filters, or this is a build
 *          for sanitizers, whose calls nobody knows; -errno of it.
 */
int confine_calls(void);

#endif
