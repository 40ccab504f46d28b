/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_EXEMPLAR_PUT_H
#define SMX_SRC_EXEMPLAR_PUT_H
/* exemplar_put -- the region of exemplars in this process; under its lock. */
#include "process.h"

/*
 * smx__exemplars_get -- have slots for the histogram of this family that
 * begins at `cell`; under the registration lock.
 *
 * Errors   none: a histogram without room for them is still one.  It goes
 *          without, and that is counted as a refusal.
 */
void smx__exemplars_get(struct smx__process *, int fd,
    const struct smx__family_key *, uint32_t cell);

/* Where they are, from the start of the region; 0: none that may be written. */
uint32_t smx__exemplars_of(const struct smx__process *, uint32_t cell);

/* Have the region committed and mapped up to `end`.  -ENOSPC; -errno. */
int smx__exemplars_commit(struct smx__process *, int fd, uint64_t end,
    struct smx_error *);

/* Slots below what is committed may be written from now on. */
void smx__exemplars_publish(const struct smx__process *);

/* None any more; what is mapped becomes private (P2). */
void smx__exemplars_let_go(struct smx__process *);

#endif
