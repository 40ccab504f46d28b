/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_VIEW_H
#define SMX_VIEW_H
/*
 * view -- a segment, mapped read-only.  The collector's and the tools' only
 * door; it trusts no byte of the file.
 *
 * Thread   a view is used by one thread at a time; different views at once.
 *          smx_view_thread_init() once in each thread that takes snapshots.
 */
#include <sys/types.h>

#include "smx/error.h"
#include "smx/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct smx_view;

struct smx_view_options {
	/* Whose files are taken: this user's, the caller's own and root's.
	 * Not looked at unless check_owner. */
	uid_t owner;
	int check_owner;
	uint64_t max_bytes; /* of private memory for one catalog; 0: 256 MiB */
};

/*
 * smx_view_open -- map the segment `file` (a name like "smx.feed") of the
 * directory `dirfd`, and read its directory.
 *
 * Owner    the caller from 0 until smx_view_close(); on error nothing is held.
 * Errors   -EAGAIN still being created; -EPROTO not ours, or another version;
 *          -EBADMSG a field or record lies; -EPERM a stranger's file;
 *          -ENOMEM, -E2BIG over budget; -errno of openat, fstat, pread, mmap.
 */
int smx_view_open(struct smx_view **, int dirfd, const char *file,
    const struct smx_view_options *, struct smx_error *);
void smx_view_close(struct smx_view *);

/*
 * smx_view_refresh -- read what was added to the directory.
 *
 * Return   1 if the catalog changed, else 0.  On error the catalog says what
 *          it said.  Pointers that its arrays hold, and to the arrays, are
 *          invalid after 1 and after an error; to the catalog they are not.
 * Errors   as smx_view_open().
 */
int smx_view_refresh(struct smx_view *, struct smx_error *);

/* Until the next smx_view_refresh() that returns 1, or smx_view_close(). */
const struct smx_catalog *smx_view_catalog(const struct smx_view *);

/* Device and inode: tells whether a path still names this segment. */
void smx_view_identity(const struct smx_view *, dev_t *, ino_t *);

/*
 * smx_snapshot_take -- copy all values out of a view.
 *
 * Order    cells are relaxed or acquire loads; every cell is a value that the
 *          writer had, and never smaller than in an earlier snapshot.
 *          Histograms belong together (I7) or are counted as approximate.
 * Owner    the snapshot's arrays are reused and grown; smx_snapshot_free().
 * Cost     follows the bytes that exist, not the sizes that the file claims.
 * Errors   -EFAULT the file was cut under the mapping; -EBADMSG a histogram
 *          of 2^63 observations or more; -ENOMEM; -E2BIG more live processes
 *          or locks than can be asked for in half a second; -errno of lseek,
 *          fcntl, mremap.
 */
int smx_snapshot_take(struct smx_snapshot *, struct smx_view *,
    struct smx_error *);

/*
 * smx_view_thread_init -- prepare this thread for files that shrink while
 * they are read: an alternate path for SIGBUS.  Installs a process-wide
 * SIGBUS handler on the first call, which passes on what is not ours.
 */
int smx_view_thread_init(void);

#ifdef __cplusplus
}
#endif

#endif
