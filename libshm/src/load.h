/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_LOAD_H
#define SMX_SRC_LOAD_H
/*
 * load -- the only ways in which a reader looks at shared memory.  Aligned
 * addresses inside a mapping, under smx__guard_run().
 */
#include <stdatomic.h>
#include <stdint.h>

/* What is loaded afterwards is at least as new as the release store that
 * made this value. */
static inline uint64_t
smx__load_acquire(const void *at)
{
	return atomic_load_explicit((const _Atomic uint64_t *)at,
	    memory_order_acquire);
}

static inline uint32_t
smx__load_acquire_u32(const void *at)
{
	return atomic_load_explicit((const _Atomic uint32_t *)at,
	    memory_order_acquire);
}

/* Whole and never older than an earlier load of the same cell; says nothing
 * of other cells. */
static inline uint64_t
smx__load_relaxed(const void *at)
{
	return atomic_load_explicit((const _Atomic uint64_t *)at,
	    memory_order_relaxed);
}

static inline uint32_t
smx__load_relaxed_u32(const void *at)
{
	return atomic_load_explicit((const _Atomic uint32_t *)at,
	    memory_order_relaxed);
}

#endif
