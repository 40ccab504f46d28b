/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h -- what the kernel says of this process.
 *
 * Thread   any.
 */
#ifndef COLLECTOR_PROCESS_H
#define COLLECTOR_PROCESS_H

#include <stdint.h>

/* What is not known is negative (double) or 0 (cpu). */
struct process_facts {
	uint64_t cpu_us;	/* user and system */
	double open_fds, max_fds;
	double virtual_bytes, virtual_max_bytes, resident_bytes;
	double threads;
};

void process_facts_read(struct process_facts *facts);

#endif
