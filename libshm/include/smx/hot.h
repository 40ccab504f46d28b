/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_HOT_H
#define SMX_HOT_H
/*
 * hot -- updates of counters, gauges and histograms.  Header only; no call
 * in here can fail, block, allocate or enter the kernel, save the first
 * update of a thread, which claims a lane.
 *
 * Thread   any; each thread writes a lane of its own (layout.h, I3).  Signal
 *          handlers too, on x86-64; elsewhere an update that interrupts an
 *          update of the same cell may be lost.  Not across longjmp out of an
 *          update, nor in fibers that change threads inside one.
 * Order    none against other memory: a scrape may lag, but never sees a
 *          torn value, nor one smaller than before.
 * Handles  plain values, free to copy, good until the process ends (after
 *          fork in the child too).  A zeroed or refused one is harmless.
 * Also compiles as C++11.  With SMX_OFF defined everything is empty.
 */
#include <stdint.h>
#include <string.h>

struct smx__index;

struct smx_counter {
	uint32_t cell; /* bytes from the start of a lane; 0 is the sink */
};
struct smx_gauge {
	uint32_t cell; /* bytes from the start of the gauge area */
};
struct smx_histogram {
	const struct smx__index *index;
	uint32_t cell;
	uint32_t exemplars; /* bytes from the start of their region; 0: none */
};

struct smx_label {
	const char *name, *value;
};

#ifdef SMX_OFF
#include "smx/off.h"
#else

#ifdef __cplusplus
extern "C" {
#endif

#define SMX__SLOW  ((uintptr_t)1)
#define SMX__XOR   UINT64_C(0x7ff0000051c4a9e3) /* SMX_GAUGE_XOR */
#define SMX__API   __attribute__((visibility("default")))
#define SMX__COLD  __attribute__((cold, noinline, visibility("default")))

__extension__ typedef unsigned __int128 smx__u128;

/*
 * The base of this thread's lane.  Bit 0 set: not a plain lane (first use,
 * overflow, detached), take the slow way; never add through such a base.
 */
extern SMX__API __thread uintptr_t smx__lane
    __attribute__((tls_model("initial-exec")));

/* The base of this process's gauge area.  Bit 0 set: none now. */
extern SMX__API uintptr_t smx__gauges;

/* Ticks to nanoseconds: (ticks x mult) >> 32; mult 0: ticks are ns. */
extern SMX__API uint64_t smx__ticks_mult;

SMX__COLD void smx__add_slow(uint32_t cell, uint64_t n);
SMX__COLD void smx__observe_slow(struct smx_histogram, uint64_t value);
SMX__API void smx__exemplar_put(
    struct smx_histogram, uint64_t value, const struct smx_label *);
SMX__COLD void smx__gauge_set_slow(uint32_t cell, double value);
SMX__COLD void smx__gauge_add_slow(uint32_t cell, double delta);
SMX__API uint64_t smx__clock_ns(void);

/*
 * Which bucket holds a value.  The bits of v as a double, shifted right, are
 * its octave and the leading bits below: a log-linear position, as in
 * HdrHistogram.  The table has for each position the first bucket that a
 * value there can be in; one comparison with its bound corrects it.  Where
 * bounds are closer together than positions, the entry says so (CROWD).
 * Immutable; shared by all histograms with equal bounds.  The bounds follow
 * the struct: one load less.
 */
struct smx__index {
	uintptr_t table; /* of uint16_t: where position 0 would be */
	uint32_t shift;	 /* of the bits of a double */
	uint32_t n_buckets;
	/* uint64_t upper[n_buckets]: ascending, the last UINT64_MAX */
};

#define SMX__CROWD 0x8000u

static inline const uint64_t *
smx__index_upper(const struct smx__index *ix)
{
	return (const uint64_t *)(ix + 1);
}

/* v < 2^63 */
static inline uint64_t
smx__bucket_of(const struct smx__index *ix, uint64_t v)
{
	const uint64_t *upper = smx__index_upper(ix);
	/* 0 shares the position of 1; above 2^53 the double is rounded, which
	 * the table allows for */
	double d = (double)(int64_t)(v | 1);
	uint32_t shift = ix->shift;
	uint64_t bits;
	uint64_t i;

	/* All of it: clang 14 loads one byte into the register of the last
	 * index, and each look-up waits for the one before: 5 ns, not 2. */
	__asm__("" : "+r"(shift));
	memcpy(&bits, &d, sizeof(bits));
	i = ((const uint16_t *)ix->table)[bits >> shift];
	if (__builtin_expect(i & SMX__CROWD, 0)) {
		i &= SMX__CROWD - 1;
		i += v > upper[i];
		while (v > upper[i])
			i++;
	}
	return i + (v > upper[i]);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SMX__TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define SMX__TSAN 1
#endif

/*
 * One owner adds to a cell.  On x86-64 one `add` instruction: not locked,
 * since nobody else writes here, but one instruction, so that a signal
 * handler on the same thread loses nothing.  Stores are not reordered there;
 * elsewhere `order` is the caller's.  smx__cell_add is relaxed: a counter
 * publishes nothing but itself.
 */
#if defined(__x86_64__) && !defined(SMX__TSAN)
static inline void
smx__cell_add(uint64_t *cell, uint64_t n)
{
	__asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(n) : "cc");
}
static inline void
smx__cell_add_release(uint64_t *cell, uint64_t n)
{
	smx__cell_add(cell, n);
}

/* An aligned 8-byte store, and the XOR where the value is: compilers take
 * both over to the integer side. */
typedef long long smx__mask __attribute__((vector_size(16)));

static inline void
smx__gauge_store(uint64_t *cell, double value)
{
	smx__mask mask = { (long long)SMX__XOR, 0 };

	__asm__("xorpd %1, %0" : "+x"(value) : "x"(mask));
	__asm__ volatile("movsd %1, %0" : "=m"(*cell) : "x"(value));
}
#else
static inline void
smx__cell_add(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell,
	    __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
/* pairs with the reader's acquire loads of end, sum and buckets (I7) */
static inline void
smx__cell_add_release(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell,
	    __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELEASE);
}
/* relaxed: a gauge publishes nothing but itself */
static inline void
smx__gauge_store(uint64_t *cell, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	__atomic_store_n(cell, bits ^ SMX__XOR, __ATOMIC_RELAXED);
}
#endif

/*
 * smx_add -- add n to a counter; smx_inc adds 1.
 *
 * Unit     as registered ("orders", "bytes", nanoseconds …); n may be 0.
 * Cost     one predicted branch and one unlocked add (bench/hot.c, `inc`).
 */
static inline void
smx_add(struct smx_counter c, uint64_t n)
{
	uintptr_t lane = smx__lane;

	if (__builtin_expect(lane & SMX__SLOW, 0))
		smx__add_slow(c.cell, n);
	else
		smx__cell_add((uint64_t *)(lane + c.cell), n);
}

static inline void
smx_inc(struct smx_counter c)
{
	smx_add(c, 1);
}

/*
 * smx_set -- set a gauge of this process.
 *
 * Unit     the base unit, as exposed.
 * Thread   the last store wins.
 * Cost     one predicted branch and one store.
 */
static inline void
smx_set(struct smx_gauge g, double value)
{
	uintptr_t base = __atomic_load_n(&smx__gauges, __ATOMIC_RELAXED);

	if (__builtin_expect(base & SMX__SLOW, 0)) {
		smx__gauge_set_slow(g.cell, value);
		return;
	}
	smx__gauge_store((uint64_t *)(base + g.cell), value);
}

/*
 * smx_gauge_add -- add to a gauge of this process; an unset one counts as 0.
 *
 * Thread   any: compare-and-swap, nothing is lost.  delta may be negative.
 */
static inline void
smx_gauge_add(struct smx_gauge g, double delta)
{
	uintptr_t base = __atomic_load_n(&smx__gauges, __ATOMIC_RELAXED);
	uint64_t *cell = (uint64_t *)(base + g.cell);
	uint64_t seen, bits;
	double value;

	if (__builtin_expect(base & SMX__SLOW, 0)) {
		smx__gauge_add_slow(g.cell, delta);
		return;
	}
	seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
	do {
		bits = seen ? seen ^ SMX__XOR : 0;
		memcpy(&value, &bits, sizeof(value));
		value += delta;
		memcpy(&bits, &value, sizeof(bits));
	} while (!__atomic_compare_exchange_n(cell, &seen, bits ^ SMX__XOR, 1,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

/*
 * smx_observe -- count a value in a histogram.
 *
 * Unit     as registered (latency: nanoseconds).  A value of 2^63 or more,
 *          which is what a clock that ran backwards yields, is dropped and
 *          counted as dropped.
 * Order    begin, then sum and bucket, then end (layout.h, I7).
 * Cost     an index look-up and four unlocked adds.
 */
static inline void
smx_observe(struct smx_histogram h, uint64_t value)
{
	const struct smx__index *index = h.index;
	uint32_t offset = h.cell;
	uintptr_t lane = smx__lane;
	uint64_t *cell = (uint64_t *)(lane + offset);
	uint64_t i;

	if (__builtin_expect(lane & SMX__SLOW, 0) ||
	    __builtin_expect((int64_t)value < 0, 0) ||
	    __builtin_expect(index == 0, 0)) {
		/* put together here: gcc 12 keeps a whole copy loaded else */
		struct smx_histogram again = { index, offset, 0 };

		smx__observe_slow(again, value);
		return;
	}
	i = smx__bucket_of(index, value);
	smx__cell_add(cell, 1);			    /* SMX_HIST_BEGIN */
	smx__cell_add_release(cell + 2, value);	    /* SMX_HIST_SUM */
	smx__cell_add_release(cell + 3 + i, 1);	    /* SMX_HIST_BUCKET */
	smx__cell_add_release(cell + 1, 1);	    /* SMX_HIST_END */
}

/*
 * smx_observe_exemplar -- smx_observe(), and remember whose value it was: the
 * last one of each bucket goes to Prometheus as its exemplar.
 * smx_observe_labels: with several labels, ended by a NULL name.
 *
 * Labels   trace_id, order_id …: names as of any label; names and values are
 *          at most 128 code points and, with a NUL each, 152 bytes in all.
 *          Copied.  The value counts in any case; its labels are left out if
 *          they are not valid, or while another thread writes this bucket's.
 * Opt-in   smx_desc.exemplars; else this is smx_observe().
 * Cost     where opted in, some 50 ns more (bench/hot.c, `exemplar`).
 */
static inline void
smx_observe_labels(
    struct smx_histogram h, uint64_t value, const struct smx_label *labels)
{
	smx_observe(h, value);
	if (h.exemplars)
		smx__exemplar_put(h, value, labels);
}

static inline void
smx_observe_exemplar(
    struct smx_histogram h, uint64_t value, const char *name, const char *id)
{
	struct smx_label labels[2] = { { name, id }, { 0, 0 } };

	smx_observe_labels(h, value, labels);
}

/*
 * smx_ticks -- a cheap clock for smx_observe_since() and smx_ticks_ns().
 *
 * Unit     ticks of the invariant time-stamp counter, or nanoseconds of
 *          CLOCK_MONOTONIC where there is none.  smx_attach() decides which.
 */
static inline uint64_t
smx_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(
	    __atomic_load_n(&smx__ticks_mult, __ATOMIC_RELAXED) != 0, 1))
		return __builtin_ia32_rdtsc();
#endif
	return smx__clock_ns();
}

/* smx_ticks_ns -- a difference of two smx_ticks() in nanoseconds; one that
 * is negative comes out as 2^63 or more. */
static inline uint64_t
smx_ticks_ns(uint64_t delta)
{
	/* relaxed: the multiplier stands for itself (src/ticks.h) */
	uint64_t mult = __atomic_load_n(&smx__ticks_mult, __ATOMIC_RELAXED);

	if (mult == 0 || delta >> 63)
		return delta;
	return (uint64_t)((smx__u128)delta * mult >> 32);
}

/*
 * smx_observe_since -- observe the nanoseconds since t0 = smx_ticks().
 *
 * Only for histograms in nanoseconds (exponent 9), as
 * smx_histogram_latency() makes them.
 */
static inline void
smx_observe_since(struct smx_histogram h, uint64_t t0)
{
	smx_observe(h, smx_ticks_ns(smx_ticks() - t0));
}

#ifdef __cplusplus
}
#endif
#endif /* SMX_OFF */
#endif
