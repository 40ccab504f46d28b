/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_FORK_H
#define SMX_SRC_FORK_H
/*
 * fork -- a child must neither write into its parent's lanes nor keep its
 * parent's lease.  Every mapping it inherited becomes private pages at the
 * same address, for updates that were under way; the next update attaches.
 */
#include "process.h"

/* Once in a process.  -errno. */
int smx__fork_register(void);

/*
 * smx__let_go -- point the hot path away from the segment and put private
 * pages where it was, the header last (P2, P3).
 *
 * copy_gauges  keep a private copy of the gauges rather than zeros.
 */
void smx__let_go(struct smx__process *, bool copy_gauges);

/* What was let go of stays mapped for ever; keep it where leak checkers and
 * debuggers find it. */
void smx__fork_bury(struct smx__process *);
void smx__fork_bury_lane(struct smx__lane_ref *);

#endif
