/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_LAYOUT_H
#define SMX_LAYOUT_H
/*
 * layout -- the bytes of a segment.  docs/SEGMENT.md says the same in words
 * and is normative; the asserts below keep the two from drifting apart.
 *
 *   0            header, one page
 *   slot_off     process slots       slot_cap x 64 bytes
 *   lane_tab_off lane table          lane_cap x 64 bytes
 *   dir_off      directory           dir_size bytes of records, append-only
 *   gauge_off    gauge areas         slot_cap x gauge_stride
 *   lane_off     lanes               lane_cap x lane_stride; lane 0 is shared
 *   exemplar_off exemplars           only with SMX_FEATURE_EXEMPLARS
 *
 * I1  Offsets are bytes from byte 0 unless said otherwise, multiples of 8.
 *     Integers are little-endian.  No pointers, no enums.
 * I2  The file has its full, sparse size from creation and never changes it.
 *     A record below dir_tail never changes again.
 * I3  A lane has one writing thread; only lane 0 is shared, and there every
 *     update is an atomic read-modify-write.  Cells of counters and
 *     histograms only rise; nothing is folded, zeroed or moved.
 * I4  dir_tail is the only publication point of the directory.  Writer: fill
 *     the bytes past it, then store-release.  Reader: load-acquire, then look
 *     only below it.  A writer killed between the two leaves bytes that
 *     nobody can see; the next one writes over them.
 * I5  Lane bytes at or past `committed` of the lane are never touched by
 *     anybody: their pages may not exist.  `committed` only rises.  The same
 *     holds for gauge_committed of a slot.
 * I6  A slot is alive while somebody holds a lock on its lease byte.  Its
 *     gauges count only while it is alive and its generation is even and the
 *     same before and after they are read.
 * I7  A histogram observation in a lane of its own is: begin + 1; sum and
 *     bucket; end + 1.  A reader that takes end first and begin last, and
 *     finds them equal, holds a sum and buckets that belong together.
 * I8  The first 64 bytes of every lane, of every gauge area and of the
 *     exemplars are a sink: written at will, read by nobody.  Offset 0 is a
 *     harmless handle.
 * I9  Who writes an exemplar holds its `owner` word; its `seq` is odd
 *     meanwhile.  A reader that finds seq even, not 0, and the same before
 *     and after holds words that belong together.
 */
#include <stddef.h>
#include <stdint.h>

#define SMX_MAGIC	   UINT64_C(0x314745535f584d53) /* "SMX_SEG1" */
#define SMX_VERSION	   1u
#define SMX_PAGE	   4096u
#define SMX_LINE	   64u
#define SMX_SINK	   64u	/* I8 */
#define SMX_FILE_PREFIX	   "smx."
#define SMX_ASIDE_PREFIX   ".old.smx."
#define SMX_DIR_ENV	   "SMX_DIR"
#define SMX_DIR_DEFAULT	   "/dev/shm"

/* Feature bits.  A reader refuses a segment with an unknown bit among the
 * low 32, and may ignore unknown high ones. */
#define SMX_FEATURE_EXEMPLARS UINT64_C(1)
#define SMX_FEATURES_KNOWN    SMX_FEATURE_EXEMPLARS

/* Offsets of record locks, far past any end of file (OFD locks). */
#define SMX_LOCK_SLOT0	  (INT64_C(1) << 40) /* + slot: write lock, a lease */
#define SMX_LOCK_CROWD	  (INT64_C(1) << 41) /* read lock: alive, no slot */
#define SMX_LOCK_REGISTER (INT64_C(1) << 42) /* write lock, held briefly */

/* Limits that a reader may rely on and checks. */
#define SMX_MAX_SIZE	  (UINT64_C(1) << 36) /* of a segment */
#define SMX_MAX_LANE	  (UINT64_C(1) << 30) /* bytes, so that cells fit u32 */
#define SMX_MAX_SLOTS	  65536u
#define SMX_MAX_LANES	  65536u
#define SMX_MAX_NAME	  255u
#define SMX_MAX_UNIT	  63u
#define SMX_MAX_HELP	  4095u
#define SMX_MAX_LABELS	  16u
#define SMX_MAX_VALUE	  1023u
#define SMX_MAX_EXPLICIT  64u
#define SMX_MAX_BUCKETS	  16384u
#define SMX_MAX_EXPONENT  18	/* and at least -18 */
#define SMX_MAX_EXEMPLARS (UINT64_C(1) << 24) /* bytes of the region */

struct smx_header {
	uint64_t magic;		/* store-release, last at creation */
	uint32_t version;	/* a reader refuses any other */
	uint32_t header_size;	/* bytes of this struct; fields may be added */
	uint64_t size;		/* bytes, whole segment */
	uint64_t features;
	uint64_t slot_off;
	uint64_t lane_tab_off;
	uint64_t dir_off;
	uint64_t dir_size;
	uint64_t gauge_off;	/* a multiple of SMX_PAGE, as is the stride */
	uint64_t gauge_stride;
	uint64_t gauge_size;	/* usable bytes of one area, <= stride */
	uint64_t lane_off;	/* a multiple of SMX_PAGE */
	uint64_t lane_stride;	/* a multiple of SMX_LINE */
	uint64_t lane_size;	/* usable bytes of one lane, <= stride - PAGE */
	uint64_t exemplar_off;	/* 0 without the feature */
	uint64_t exemplar_size;
	uint64_t created_ns;	/* CLOCK_REALTIME */
	uint32_t slot_cap;
	uint32_t lane_cap;
	uint32_t pid;		/* of the creator; for people only */
	uint32_t crc;		/* CRC-32 of bytes 8 .. offsetof(crc) */
	uint64_t reserved0[5];	/* zero */

	uint64_t dir_tail;	/* I4: bytes used of the directory */
	uint64_t reserved1[7];

	uint64_t cells_reserved;  /* bytes of a lane in use or being taken */
	uint64_t gauges_reserved; /* bytes of a gauge area, likewise */
	uint64_t exemplars_committed; /* bytes of their region; only rises */
	uint64_t reserved2[5];

	/* What went wrong in writers, for the collector; atomic adds. */
	uint64_t refused;	/* registrations refused */
	uint64_t dropped;	/* observations of 2^63 or more */
	uint64_t no_slot;	/* attaches that found no free slot */
	uint64_t no_lane;	/* threads that found no free lane */
	uint64_t redefined;	/* families retired for another definition */
	uint64_t overflowed;	/* families that reached their limit of series */
	uint64_t adopted;	/* lanes of dead owners given back */
	uint64_t reserved3[17];
};

/* Owner of slots: whoever holds the lease byte.  Fields are written under the
 * registration lock, the generation odd meanwhile (I6). */
struct smx_slot {
	uint32_t generation;
	uint32_t pid;		  /* for people: pids do not cross containers */
	uint64_t start_ns;	  /* CLOCK_REALTIME of the claim */
	uint64_t gauge_committed; /* bytes of its gauge area, from its start */
	uint64_t reserved[5];
};

#define SMX_OWNER_NONE	 UINT64_C(0)
#define SMX_OWNER_SHARED UINT64_MAX /* lane 0 */

struct smx_lane {
	uint64_t owner;	    /* (slot + 1) << 32 | generation; or the above */
	uint64_t committed; /* bytes of the lane, from its start (I5) */
	uint64_t tid;	    /* for people */
	uint64_t reserved[5];
};

/* Directory: records in a row, each a multiple of 8 bytes long. */
#define SMX_RECORD_FAMILY 1u
#define SMX_RECORD_SERIES 2u
#define SMX_RECORD_RETIRE 3u
#define SMX_RECORD_EXEMPLARS 4u /* with SMX_FEATURE_EXEMPLARS */

struct smx_record {
	uint32_t size;	/* bytes, this header included */
	uint32_t crc;	/* CRC-32 of bytes 8 .. size */
	uint32_t kind;	/* a reader skips kinds it does not know */
	uint32_t flags;	/* zero */
};

#define SMX_TYPE_COUNTER   1u
#define SMX_TYPE_GAUGE	   2u
#define SMX_TYPE_HISTOGRAM 3u

/* How the gauges of live processes become one value. */
#define SMX_GAUGE_SUM  0u
#define SMX_GAUGE_MIN  1u
#define SMX_GAUGE_MAX  2u
#define SMX_GAUGE_EACH 3u /* one series each, label `process` = slot */

/* A gauge is stored as its bits XOR this: an all-zero cell is unset.  (The
 * constant is a signalling NaN that no arithmetic yields.) */
#define SMX_GAUGE_XOR UINT64_C(0x7ff0000051c4a9e3)

#define SMX_HIST_EXPLICIT 1u /* has explicit (classic) bounds */
#define SMX_HIST_NATIVE	  2u /* has native buckets */

/* Followed by n_buckets struct smx_bucket, then name, unit, help and the
 * label names, each NUL-terminated, zero-padded to 8 bytes. */
struct smx_family_record {
	struct smx_record record;
	uint8_t type;
	uint8_t gauge_mode;
	int8_t exponent;	/* value = cell x 10^-exponent */
	uint8_t n_labels;
	uint8_t hist_flags;
	int8_t schema;		/* native: 0..8 */
	int16_t zero_exp2;	/* native: zero_threshold = 2^zero_exp2 */
	uint32_t n_buckets;	/* histograms: cells after begin, end, sum */
	uint16_t name_len;	/* without the NUL */
	uint16_t unit_len;
	uint32_t help_len;
	uint32_t labels_len;	/* all label names with their NULs */
};

#define SMX_BUCKET_EXPLICIT 1u /* upper is an explicit bound */
#define SMX_BUCKET_POWER    2u /* native: upper is the floor of a power of 2 */
#define SMX_NATIVE_ZERO	    INT32_MIN /* the bucket belongs to the zero one */

/* Cell i counts values in (upper of i-1, upper of i]; the first from 0. */
struct smx_bucket {
	uint64_t upper;	 /* ascending; the last is UINT64_MAX */
	int32_t native;	 /* index of the native bucket that holds it */
	uint32_t flags;
};

/* Followed by the label values in the family's order, each NUL-terminated,
 * zero-padded to 8 bytes. */
struct smx_series_record {
	struct smx_record record;
	uint64_t family;	/* offset of its record from dir_off */
	uint64_t created_ns;	/* CLOCK_REALTIME */
	uint32_t cell;		/* bytes from the start of lane or gauge area */
	uint32_t n_cells;
	uint32_t values_len;	/* all label values with their NULs */
	uint32_t reserved;
};

/* The family, and all its series, are no longer shown. */
struct smx_retire_record {
	struct smx_record record;
	uint64_t family;
};

/* A histogram keeps exemplars: one slot for each bound of its classic view
 * and one for what is above them, in ascending order. */
struct smx_exemplars_record {
	struct smx_record record;
	uint32_t cell; /* of the histogram's series */
	uint32_t n;    /* slots */
	uint64_t off;  /* from exemplar_off: of the first slot */
};

#define SMX_EXEMPLAR_TEXT   152u /* bytes, the NULs included */
#define SMX_EXEMPLAR_POINTS 128u /* code points of names and values */

/* The last observation in a bucket that said whose it was (I9). */
struct smx_exemplar_slot {
	uint64_t owner;	  /* 0: nobody; else as in struct smx_lane */
	uint64_t seq;	  /* odd: being written; 0: never was */
	uint64_t value;	  /* as observed, in the unit of the cells */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t len;	  /* bytes of text in use */
	/* label name, value, name, value, … each NUL-terminated */
	uint64_t text[SMX_EXEMPLAR_TEXT / 8];
};

/* Cells of a histogram, in this order (I7). */
#define SMX_HIST_BEGIN	0u
#define SMX_HIST_END	1u
#define SMX_HIST_SUM	2u
#define SMX_HIST_BUCKET 3u

#ifdef __cplusplus
#define SMX__ASSERT static_assert
#else
#define SMX__ASSERT _Static_assert
#endif
SMX__ASSERT(sizeof(struct smx_header) == 512, "ABI: header size");
SMX__ASSERT(offsetof(struct smx_header, slot_cap) == 136, "ABI: slot_cap");
SMX__ASSERT(offsetof(struct smx_header, crc) == 148, "ABI: crc");
SMX__ASSERT(offsetof(struct smx_header, dir_tail) == 192, "ABI: dir_tail");
SMX__ASSERT(offsetof(struct smx_header, cells_reserved) == 256, "ABI: cells");
SMX__ASSERT(offsetof(struct smx_header, refused) == 320, "ABI: refused");
SMX__ASSERT(sizeof(struct smx_slot) == 64, "ABI: slot size");
SMX__ASSERT(sizeof(struct smx_lane) == 64, "ABI: lane size");
SMX__ASSERT(sizeof(struct smx_record) == 16, "ABI: record size");
SMX__ASSERT(sizeof(struct smx_family_record) == 40, "ABI: family size");
SMX__ASSERT(sizeof(struct smx_bucket) == 16, "ABI: bucket size");
SMX__ASSERT(sizeof(struct smx_series_record) == 48, "ABI: series size");
SMX__ASSERT(sizeof(struct smx_retire_record) == 24, "ABI: retire size");
SMX__ASSERT(offsetof(struct smx_header, exemplars_committed) == 272,
    "ABI: exemplars_committed");
SMX__ASSERT(sizeof(struct smx_exemplars_record) == 32, "ABI: exemplars size");
SMX__ASSERT(sizeof(struct smx_exemplar_slot) == 192, "ABI: exemplar size");

#endif
