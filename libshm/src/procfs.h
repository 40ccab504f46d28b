/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_PROCFS_H
#define SMX_SRC_PROCFS_H
/*
 * procfs -- figures of this process from /proc and the cgroup file systems.
 *
 * All return NAN for what cannot be read, errno says why; nothing stays open.
 */

/* Bytes. */
void smx__procfs_memory(double *resident, double *virtual_memory);

double smx__procfs_threads(void);

/* Seconds since the epoch, to 1/100 s.  Computed from the clocks of now: ask
 * once, or it moves whenever the clock is set. */
double smx__procfs_start(void);

/* Without the descriptor that the counting takes. */
double smx__procfs_open_fds(void);

/* Bytes: the least memory limit of the cgroup and those above it, as far as
 * they can be seen; NAN if there is none. */
double smx__procfs_memory_limit(void);

#endif
