/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_WRITER_H
#define SMX_WRITER_H
/*
 * writer -- attach a service to its segment and register its metrics.
 *
 * A service attaches once, registers what it has, keeps the handles and
 * updates them with the calls of hot.h.  Nothing here is needed for the
 * service to go on: if attaching or registering fails, the handles write
 * into a private sink.
 *
 * Which calls may meet: all may, from any threads; registration, attach,
 * lane claims and process metrics exclude each other by a mutex of the
 * process, and writers of other processes by a lock on the segment.
 * Not from signal handlers: nothing here but what hot.h offers.
 */
#include <stddef.h>
#include <stdint.h>

#include "smx/error.h"
#include "smx/hot.h"

#ifdef __cplusplus
extern "C" {
/* smx_counter() stands beside struct smx_counter: in C++ g++ says that it
 * hides a constructor, which nobody calls. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/* smx_options.flags */
#define SMX_FRESH	 1u /* begin with an empty segment; -EBUSY if others live */
#define SMX_FORK_GAUGES	 2u /* a forked child starts with its parent's gauges */

/* Zero means the default in every field. */
struct smx_options {
	const char *dir;      /* default $SMX_DIR, else /dev/shm */
	const char *instance; /* file smx.<service>@<instance> */
	uint32_t slots;	      /* processes at a time; default 64 */
	uint32_t lanes;	      /* threads at a time; default 64 */
	uint32_t cells;	      /* u64 of a lane; default 16384 */
	uint32_t gauges;      /* per process; default 1024 */
	uint32_t dir_bytes;   /* of the directory; default 4 MiB */
	uint32_t series_max;  /* series of a family with labels; default 1000 */
	uint32_t lock_ms;     /* patience with a stopped sibling; default 1000 */
	uint32_t flags;
	uint32_t exemplars; /* buckets that keep one; default 1024 */
};

/* Gauges over the live processes of a service: SMX_GAUGE_* of layout.h. */
#define SMX_SUM	 0
#define SMX_MIN	 1
#define SMX_MAX	 2
#define SMX_EACH 3

/*
 * struct smx_desc -- what a metric is.  Zero means the default everywhere;
 * name and help are required.  Strings are copied.
 */
struct smx_desc {
	const char *name;  /* ends in the base unit; counters in _total */
	const char *help;
	const char *unit;  /* "seconds", "bytes", …: must end the name */
	int exponent;	   /* cells count 10^-exponent of the exposed unit */
	int gauge_mode;	   /* SMX_SUM … */
	uint32_t series_max; /* families: limit of series */

	/* Fixed labels of one series, ended by a NULL name; or, for the
	 * family calls, the names alone, ended by NULL. */
	const struct smx_label *labels;
	const char *const *label_names;

	/* Histograms.  Explicit bounds in the exposed unit, ascending, at most
	 * 64, each a whole number of 10^-exponent.  And/or native buckets:
	 * 2^schema of them to a power of two, from native_min to native_max
	 * (exposed unit; rounded outwards to powers of two).  Neither: the
	 * bounds of smx_histogram_latency(). */
	const double *bounds;
	uint32_t n_bounds;
	int native;	/* 1: has native buckets */
	int schema;	/* 1..8; 0: the default, 3 (9 % wide); -1: schema 0 */
	double native_min, native_max; /* default 2^-20 and 2^4 */
	/* 1: smx_observe_exemplar() keeps one for each classic bucket.  If
	 * there is no room (smx_options.exemplars) the histogram goes without,
	 * which counts as a refusal. */
	int exemplars;
};

#ifndef SMX_OFF

/*
 * smx_attach -- open or create the segment of `service` and take a slot.
 *
 * Name     [a-z0-9_-]+, at most 64 bytes; instance likewise.
 * Again    returns 0 if this process is attached to the same segment.
 * Errors   -EINVAL a bad name or option; -EBUSY attached elsewhere, or
 *          SMX_FRESH with others alive, or a layout that live processes use;
 *          -ETIMEDOUT the registration lock is held too long; -ENOLCK leases
 *          do not hold in this directory (overlayfs); -ENOSPC no room;
 *          -EFBIG RLIMIT_FSIZE is below the segment's size; -EPERM a
 *          stranger's file under our name; -errno of open, mmap, ftruncate.
 */
SMX__API int smx_attach(const char *service, const struct smx_options *);
SMX__API int smx_attach_error(const char *service, const struct smx_options *,
    struct smx_error *);

/*
 * smx_detach -- give the slot and all lanes of this process back.
 *
 * The caller's other threads must not update meanwhile.  Handles stay
 * harmless.  Not needed before exit: the kernel ends the lease.
 */
SMX__API void smx_detach(void);

/* smx_attached -- 1 if this process has a segment, else 0. */
SMX__API int smx_attached(void);

/*
 * smx_thread_attach -- claim a lane for this thread now rather than at its
 * first update.  For threads whose first update would be in a signal handler
 * or must not be slow.  0, or -ENOSPC if it has to share the overflow lane.
 */
SMX__API int smx_thread_attach(void);

/*
 * Register, or find if it is there already: from an earlier life of the
 * service, from a sibling process, or from this one.  The short calls return
 * a harmless handle if refused, and count the refusal; the others say why.
 *
 * Errors   -EINVAL a name, label, unit, exponent or bound that cannot be;
 *          -EEXIST the name is registered otherwise by this process;
 *          -ENOTCONN not attached; -ENOSPC the segment, directory or tmpfs
 *          is full (the message names the option to raise); -ESTALE the
 *          path names another file by now; -ETIMEDOUT as smx_attach().
 */
SMX__API struct smx_counter smx_counter(const char *name, const char *help);
SMX__API struct smx_gauge smx_gauge(const char *name, const char *help);
/* In nanoseconds, exposed as seconds: 10 us to 2.5 s and native buckets. */
SMX__API struct smx_histogram smx_histogram_latency(const char *name,
    const char *help);

/*
 * smx_info -- facts about this process as the labels of a metric that is
 * always 1: a version, a build.  The name ends in _info; labels end with a
 * NULL name.  Errors as above.
 */
SMX__API int smx_info(const char *name, const char *help,
    const struct smx_label *labels);

SMX__API int smx_counter_register(struct smx_counter *, const struct smx_desc *,
    struct smx_error *);
SMX__API int smx_gauge_register(struct smx_gauge *, const struct smx_desc *,
    struct smx_error *);
SMX__API int smx_histogram_register(struct smx_histogram *,
    const struct smx_desc *, struct smx_error *);

/*
 * Families whose label values are known at run time only.  The look-up goes
 * through a lock-free cache; a miss registers (and may then block).  Beyond
 * series_max series, updates go to one series whose values are all "other".
 *
 * values   as many as the family has label names, in their order.  Invalid
 *          UTF-8 or more than 1,023 bytes: counted under "other".
 */
struct smx__family;
struct smx_counter_family {
	struct smx__family *family;
};
struct smx_gauge_family {
	struct smx__family *family;
};
struct smx_histogram_family {
	struct smx__family *family;
};

SMX__API int smx_counter_family(struct smx_counter_family *,
    const struct smx_desc *, struct smx_error *);
SMX__API int smx_gauge_family(struct smx_gauge_family *,
    const struct smx_desc *, struct smx_error *);
SMX__API int smx_histogram_family(struct smx_histogram_family *,
    const struct smx_desc *, struct smx_error *);

SMX__API struct smx_counter smx_counter_with(struct smx_counter_family,
    const char *const *values);
SMX__API struct smx_gauge smx_gauge_with(struct smx_gauge_family,
    const char *const *values);
SMX__API struct smx_histogram smx_histogram_with(struct smx_histogram_family,
    const char *const *values);

/*
 * smx_process_metrics -- publish what /proc says of this process:
 * process_cpu_seconds_total, process_resident_memory_bytes,
 * process_virtual_memory_bytes, process_open_fds, process_max_fds,
 * process_start_time_seconds, process_threads, process_memory_limit_bytes,
 * context switches and page faults.  Call it from a slow timer (5 s).
 *
 * Errors   -ENOTCONN; what cannot be read is left out.
 */
SMX__API int smx_process_metrics(void);

/* smx_version -- of the library, "0.1.0". */
SMX__API const char *smx_version(void);

#endif /* SMX_OFF */

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif
#endif
