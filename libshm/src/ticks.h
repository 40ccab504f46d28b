/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_TICKS_H
#define SMX_SRC_TICKS_H
/*
 * ticks -- decide what smx_ticks() counts; see hot.h.
 */
#include "smx/hot.h"

/*
 * smx__ticks_calibrate -- set smx__ticks_mult, once per process.
 *
 * With an invariant time-stamp counter (x86-64, CPUID 0x80000007) it is
 * compared with CLOCK_MONOTONIC for about a millisecond; else the multiplier
 * stays 0 and ticks are nanoseconds.
 * Thread   any; a second call waits for the first and then does nothing.
 *          A pair of smx_ticks() with the first calibration between them
 *          yields one senseless difference: attach before measuring.
 * Error    of the rate: below 100 in a million, unless the machine stalls
 *          the process at both ends.
 * Cost     at most 2 ms, the first time.
 */
void smx__ticks_calibrate(void);

#endif
