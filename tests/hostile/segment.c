/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose bytes lie: each is refused, none does harm. */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.hostile"
#define CASES	  20000
#define SLOTS	  2
#define LANES	  2
#define DIR_OFF	  (3 * SMX_PAGE)

static struct build_dir dir;
static struct build b;
static struct smx_error error;
static uint64_t families[3]; /* offsets: counter, gauge, histogram */

static const struct smx_bucket buckets[] = {
	{ 10, SMX_NATIVE_ZERO, SMX_BUCKET_EXPLICIT },
	{ 15, 3, SMX_BUCKET_POWER },
	{ 20, 3, SMX_BUCKET_EXPLICIT | SMX_BUCKET_POWER },
	{ UINT64_MAX, 4, 0 },
};

static void
build_exemplars(uint32_t cell, uint32_t n, uint64_t off)
{
	const struct smx_exemplars_record r = { .cell = cell, .n = n,
		.off = off };

	build_record(&b, SMX_RECORD_EXEMPLARS, &r.cell,
	    sizeof(r) - sizeof(r.record));
}

static void
build_sample(void)
{
	struct build_family f = { .name = "orders_total", .unit = "",
		.help = "Orders.", .labels = { "side", "venue" },
		.type = SMX_TYPE_COUNTER };
	struct build_family g = { .name = "depth", .help = "Depth.",
		.type = SMX_TYPE_GAUGE, .gauge_mode = SMX_GAUGE_MAX };
	struct build_family h = { .name = "wait_seconds", .unit = "seconds",
		.help = "Wait.", .type = SMX_TYPE_HISTOGRAM, .exponent = 9,
		.hist_flags = SMX_HIST_EXPLICIT | SMX_HIST_NATIVE,
		.buckets = buckets, .n_buckets = 4 };
	struct build_shape shape = { .slots = SLOTS, .lanes = LANES,
		.dir_size = 4096, .exemplars = 4096 };

	build_begin(&b, &shape);
	families[0] = build_family(&b, &f);
	build_series(&b, families[0], 1, "buy\0x", 6);
	build_series(&b, families[0], 1, "sell\0x", 7);
	families[1] = build_family(&b, &g);
	build_gauge_series(&b, families[1], NULL, 0);
	families[2] = build_family(&b, &h);
	build_series(&b, families[2], SMX_HIST_BUCKET + 4, NULL, 0);
	build_observe(&b, 1, b.next_cell - 7 * 8, 1, 12);
}

/* The histogram of the sample keeps exemplars, and has one. */
static void
build_sample_exemplars(void)
{
	struct smx_exemplar_slot *slot =
	    (void *)(b.bytes + b.header->exemplar_off + 64);

	build_exemplars(b.next_cell - 7 * 8, 3, 64);
	slot[1] = (struct smx_exemplar_slot){ .seq = 2, .value = 12, .len = 6 };
	memcpy(slot[1].text, "id\00017", 6);
}

static void
set_up(void)
{
	build_dir_make(&dir);
	build_sample();
	memset(&error, 0, sizeof(error));
}

static void
tear_down(void)
{
	build_free(&b);
	build_dir_remove(&dir);
}

/* Opens, reads all there is, closes; what opening said. */
static int
visit(void)
{
	struct smx_view_options o = { .max_bytes = 1 << 20 };
	struct smx_snapshot shot = { 0 };
	struct smx_view *view = NULL;
	int err = smx_view_open(&view, dir.fd, FILE_NAME, &o, &error);

	if (err == 0) {
		(void)smx_snapshot_take(&shot, view, NULL);
		(void)smx_view_refresh(view, NULL);
		smx_snapshot_free(&shot);
		smx_view_close(view);
	}
	return err;
}

static int
visit_built(void)
{
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
	return visit();
}

/* What the test wrote is refused as a lie, and the words name the file. */
static void
refused(const char *word)
{
	int err = visit_built();

	ck_assert_msg(err == -EBADMSG, "%d %s", err, error.msg);
	ck_assert_msg(strstr(error.msg, word) != NULL, "%s", error.msg);
	ck_assert_ptr_nonnull(strstr(error.msg, FILE_NAME ": "));
	ck_assert_int_eq(error.code, -EBADMSG);
}

START_TEST(takes_what_is_sound)
{
	ck_assert_msg(visit_built() == 0, "%s", error.msg);
}
END_TEST

START_TEST(refuses_a_flip_of_any_bit_of_the_header)
{
	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	for (size_t bit = 0; bit < 8 * 152; bit++) {
		b.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_msg(visit() < 0, "bit %zu of byte %zu", bit % 8,
		    bit / 8);
		b.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	ck_assert_int_eq(visit(), 0);
}
END_TEST

START_TEST(refuses_a_flip_of_any_bit_of_the_directory)
{
	unsigned char *at;

	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	at = b.bytes + b.header->dir_off;
	for (size_t bit = 0; bit < 8 * b.tail; bit++) {
		at[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_msg(visit() == -EBADMSG, "bit %zu of byte %zu",
		    bit % 8, bit / 8);
		at[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}
END_TEST

/* Every 32-bit word of the geometry, sealed again, so that only the checks of
 * the fields stand in the way. */
START_TEST(survives_any_extreme_in_any_word_of_the_header)
{
	static const uint32_t extremes[] = { 0, 1, 7, 8, 63, 64, 4095, 4096,
		65536, 65537, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };
	uint32_t word;

	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	for (size_t at = 8; at < 148; at += 4) {
		memcpy(&word, b.bytes + at, 4);
		for (size_t i = 0; i < sizeof(extremes) / 4; i++) {
			memcpy(b.bytes + at, &extremes[i], 4);
			build_seal(&b);
			(void)visit();
		}
		memcpy(b.bytes + at, &word, 4);
	}
	build_seal(&b);
	ck_assert_int_eq(visit(), 0);
}
END_TEST

START_TEST(refuses_regions_that_leave_the_file)
{
	struct smx_header good, *h;

	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	h = b.header;
	good = *h;
	const struct {
		uint64_t *field;
		uint64_t value;
	} lies[] = {
		{ &h->slot_off, 0 },
		{ &h->slot_off, UINT64_MAX - 63 },
		{ &h->slot_off, h->slot_off + 8 },
		{ &h->lane_tab_off, h->slot_off },
		{ &h->dir_off, h->size },
		{ &h->dir_size, UINT64_MAX - 7 },
		{ &h->dir_size, h->dir_size + 8 },
		{ &h->gauge_off, UINT64_C(1) << 63 },
		{ &h->gauge_stride, UINT64_C(1) << 62 },
		{ &h->lane_off, h->gauge_off },
		{ &h->lane_off, h->size },
		{ &h->lane_stride, h->lane_stride * 4 },
		{ &h->lane_stride, UINT64_C(1) << 63 },
		{ &h->lane_size, h->lane_stride },
		{ &h->gauge_size, h->gauge_stride + 8 },
		{ &h->size, h->size + SMX_PAGE },
		{ &h->size, h->size - SMX_PAGE },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t at = (size_t)((char *)lies[i].field - (char *)h);

		memcpy(b.bytes + at, &lies[i].value, 8);
		build_seal(&b);
		ck_assert_int_eq(visit(), -EBADMSG);
		ck_assert_msg(strstr(error.msg, "CRC") == NULL, "lie %zu", i);
		memcpy(b.bytes + at, (char *)&good + at, 8);
	}
	build_seal(&b);
	ck_assert_int_eq(visit(), 0);
}
END_TEST

START_TEST(refuses_other_versions_and_features)
{
	b.header->version = 2;
	ck_assert_int_eq(visit_built(), -EPROTO);
	b.header->version = 1;
	b.header->features = UINT64_C(1) << 31;
	ck_assert_int_eq(visit_built(), -EPROTO);
	b.header->features = UINT64_C(1) << 63; /* may be ignored */
	ck_assert_int_eq(visit_built(), 0);
	b.header->features = SMX_FEATURE_EXEMPLARS;
	b.header->exemplar_off = 0; /* nowhere */
	ck_assert_int_eq(visit_built(), -EBADMSG);
}
END_TEST

START_TEST(refuses_a_tail_past_the_directory)
{
	static const uint64_t lies[] = { 4104, 4, UINT64_MAX - 7,
		UINT64_C(1) << 63 };

	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		b.header->dir_tail = lies[i];
		ck_assert_int_eq(visit(), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(error.msg, "dir_tail"));
	}
	b.header->dir_tail = b.tail - 8; /* within the last record */
	ck_assert_int_eq(visit(), -EBADMSG);
	b.header->dir_tail = b.tail + 8; /* zeros: a record of no size */
	ck_assert_int_eq(visit(), -EBADMSG);
}
END_TEST

START_TEST(refuses_overlapping_series)
{
	build_series_at(&b, families[0], SMX_SINK, 1, "hold\0x", 7);
	refused("another series");
}
END_TEST

START_TEST(refuses_overlap_with_the_middle_of_a_histogram)
{
	build_series_at(&b, families[0], b.next_cell - 16, 1, "hold\0x", 7);
	refused("another series");
}
END_TEST

START_TEST(refuses_cells_outside_the_lane)
{
	build_series_at(&b, families[0], (uint32_t)b.header->lane_size, 1,
	    "hold\0x", 7);
	refused("past the end");
}
END_TEST

START_TEST(refuses_histograms_across_the_end_of_the_lane)
{
	uint64_t f = families[2];

	build_series_at(&b, f, (uint32_t)b.header->lane_size - 48, 7, NULL, 0);
	refused("past the end");
}
END_TEST

START_TEST(refuses_gauges_outside_their_area)
{
	uint32_t end = (uint32_t)b.header->gauge_size; /* a lane has more */

	build_series_at(&b, families[1], end, 1, NULL, 0);
	refused("past the end");
}
END_TEST

START_TEST(refuses_cells_in_the_sink)
{
	build_series_at(&b, families[0], 56, 1, "hold\0x", 7);
	refused("sink");
}
END_TEST

START_TEST(refuses_cells_off_the_grid)
{
	build_series_at(&b, families[0], 4004, 1, "hold\0x", 7);
	refused("across others");
}
END_TEST

START_TEST(refuses_wrong_numbers_of_cells)
{
	build_series_at(&b, families[0], 4000, UINT32_MAX, "hold\0x", 7);
	refused("number of cells");
}
END_TEST

START_TEST(refuses_series_of_no_family)
{
	build_series_at(&b, families[0] + 8, 4000, 1, "hold\0x", 7);
	refused("no family");
}
END_TEST

START_TEST(refuses_series_that_come_twice)
{
	build_series_at(&b, families[0], 4000, 1, "sell\0x", 7);
	refused("twice");
}
END_TEST

static const struct {
	uint32_t cell, n; /* 0: those of the sample's histogram */
	uint64_t off;
	const char *why;
} exemplars[] = {
	{ 0, 0, 64, "another series'" },	/* as those of the sample */
	{ 0, 0, 64 + 2 * 192, "another series'" },
	{ 0, 0, 0, "sink" },
	{ 0, 0, 64 + 3 * 192 + 8, "sink" },
	{ 0, 0, 4096 - 2 * 192, "past the end" },
	{ 0, 0, 4096 - 512, "past the end" },
	{ 0, 0, UINT64_MAX - 63, "sink" },
	{ 0, 2, 1024, "suit no histogram" },
	{ 0, 4, 1024, "suit no histogram" },
	{ 0, UINT32_MAX, 1024, "cannot be" },
	{ 64, 0, 1024, "suit no histogram" },	/* a counter */
	{ 8, 0, 1024, "suit no histogram" },
	{ UINT32_MAX, 0, 1024, "suit no histogram" },
};

START_TEST(refuses_exemplars_that_are_nobodys)
{
	uint32_t cell = exemplars[_i].cell, n = exemplars[_i].n;

	build_sample_exemplars();
	build_exemplars(cell ? cell : b.next_cell - 7 * 8, n ? n : 3,
	    exemplars[_i].off);
	refused(exemplars[_i].why);
}
END_TEST

/* Every word of a slot in turn, and what goes with it. */
START_TEST(survives_any_extreme_in_any_word_of_a_slot)
{
	static const uint64_t values[] = { 0, 1, 3, 152, 153, UINT32_MAX,
		UINT64_C(1) << 63, UINT64_MAX };
	uint64_t *words = (uint64_t *)(void *)(b.bytes +
	    b.header->exemplar_off + 64 + 192);

	build_sample_exemplars();
	for (size_t w = 0; w < 192 / 8; w++)
		for (size_t v = 0; v < sizeof(values) / 8; v++) {
			uint64_t was = words[w];

			words[w] = values[v];
			ck_assert_int_eq(visit_built(), 0);
			words[w] = was;
		}
}
END_TEST

START_TEST(refuses_bad_label_values)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "one", 4 },		   /* one of two */
		{ "one\0two\0three", 14 }, /* three of two */
		{ "one\0two", 7 },	   /* the last without its end */
		{ "", 0 },
		{ "\xff\0x", 4 },     /* no UTF-8 */
		{ "\xc0\x80\0x", 5 }, /* overlong */
		{ "\xed\xa0\x80\0x", 6 }, /* surrogate */
		{ "\xf4\x90\x80\x80\0x", 7 }, /* past the last character */
		{ "a\x1b[2J\0x", 8 },  /* a terminal would obey */
		{ "\xc2\x9b\0x", 5 }, /* likewise */
	};
	uint64_t tail = b.tail;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b.tail = tail;
		build_series_at(&b, families[0], 4000, 1, bad[i].bytes,
		    bad[i].len);
		refused("label value");
	}
}
END_TEST

START_TEST(refuses_label_values_beyond_their_length)
{
	char value[SMX_MAX_VALUE + 4];

	memset(value, 'v', sizeof(value));
	memcpy(value + SMX_MAX_VALUE, "\0x", 3);
	build_series_at(&b, families[0], 4000, 1, value, SMX_MAX_VALUE + 3);
	ck_assert_int_eq(visit_built(), 0);
	b.tail = 0;
	families[0] = build_family(&b, &(struct build_family){
	    .name = "a_total", .type = SMX_TYPE_COUNTER, .labels = { "l" } });
	memset(value, 'v', sizeof(value));
	value[SMX_MAX_VALUE + 1] = '\0';
	build_series_at(&b, families[0], 4000, 1, value, SMX_MAX_VALUE + 2);
	refused("too long");
}
END_TEST

/* One family that may not be, by each of its fields. */
static const struct build_family bad_families[] = {
	{ .name = "", .type = 1 },
	{ .name = "1_total", .type = 1 },
	{ .name = "a-b_total", .type = 1 },
	{ .name = "orders", .type = 1 },
	{ .name = "_total", .type = 1 },
	{ .name = "a_total", .type = 0 },
	{ .name = "a_total", .type = 4 },
	{ .name = "a_total", .type = 1, .gauge_mode = 1 },
	{ .name = "a", .type = 2, .gauge_mode = 4 },
	{ .name = "a_total", .type = 1, .exponent = 19 },
	{ .name = "a_total", .type = 1, .exponent = -128 },
	{ .name = "a_total", .type = 1, .hist_flags = 1 },
	{ .name = "a_total", .type = 1, .n_buckets = 4, .buckets = buckets },
	{ .name = "a_total", .type = 1, .unit = "m/s" },
	{ .name = "a_total", .type = 1, .help = "\a" },
	{ .name = "a_total", .type = 1, .labels = { "le" } },
	{ .name = "a_total", .type = 1, .labels = { "quantile" } },
	{ .name = "a_total", .type = 1, .labels = { "service" } },
	{ .name = "a_total", .type = 1, .labels = { "service_instance" } },
	{ .name = "a_total", .type = 1, .labels = { "__name__" } },
	{ .name = "a_total", .type = 1, .labels = { "a:b" } },
	{ .name = "a_total", .type = 1, .labels = { "" } },
	{ .name = "a_total", .type = 1, .labels = { "x", "y", "x" } },
	{ .name = "a", .type = 2, .gauge_mode = SMX_GAUGE_EACH,
	    .labels = { "process" } },
	{ .name = "a", .type = 3 },
	{ .name = "a", .type = 3, .hist_flags = 1 },
	{ .name = "a", .type = 3, .n_buckets = 4, .buckets = buckets },
	{ .name = "a", .type = 3, .n_buckets = 4, .buckets = buckets,
	    .hist_flags = 4 },
	{ .name = "a", .type = 3, .n_buckets = 4, .buckets = buckets,
	    .hist_flags = 2, .schema = 9 },
	{ .name = "a", .type = 3, .n_buckets = 4, .buckets = buckets,
	    .hist_flags = 2, .schema = -1 },
	{ .name = "a", .type = 3, .n_buckets = 3, .buckets = buckets,
	    .hist_flags = 1 }, /* the last is not infinite */
};

START_TEST(refuses_families_that_may_not_be)
{
	b.tail = 0;
	build_family(&b, &bad_families[_i]);
	refused("directory record at 0");
}
END_TEST

START_TEST(refuses_buckets_out_of_order)
{
	struct smx_bucket bad[4];
	struct build_family f = { .name = "a", .type = 3, .buckets = bad,
		.n_buckets = 4, .hist_flags = 3 };

	memcpy(bad, buckets, sizeof(bad));
	bad[1].upper = bad[0].upper;
	b.tail = 0;
	build_family(&b, &f);
	refused("ascend");
	memcpy(bad, buckets, sizeof(bad));
	bad[3].native = 2;
	b.tail = 0;
	build_family(&b, &f);
	refused("descend");
	memcpy(bad, buckets, sizeof(bad));
	bad[3].native = INT32_MAX;
	b.tail = 0;
	build_family(&b, &f);
	refused("beyond");
}
END_TEST

/* Sizes in a record that reach for more than there is, with a right CRC. */
START_TEST(refuses_huge_counts)
{
	static const struct {
		size_t field;
		size_t size;
	} counts[] = {
		{ offsetof(struct smx_family_record, n_buckets), 4 },
		{ offsetof(struct smx_family_record, help_len), 4 },
		{ offsetof(struct smx_family_record, labels_len), 4 },
		{ offsetof(struct smx_family_record, name_len), 2 },
		{ offsetof(struct smx_family_record, unit_len), 2 },
		{ offsetof(struct smx_family_record, n_labels), 1 },
	};
	unsigned char *record = b.bytes + b.header->dir_off + families[2];
	unsigned char before[64];

	memcpy(before, record, sizeof(before));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		memset(record + counts[i].field, 0xff, counts[i].size);
		build_seal_record(&b, families[2]);
		refused("directory record");
		memcpy(record, before, sizeof(before));
	}
	memset(record, 0xff, 4); /* the record itself */
	refused("impossible size");
	memset(record, 0xf8, 1);
	refused("larger than any");
	memcpy(record, "\xf8\xff\x0f\0", 4);
	refused("past the tail");
}
END_TEST

/* One string a little longer than the record that holds it. */
START_TEST(refuses_parts_that_overfill_their_record)
{
	unsigned char *record = b.bytes + b.header->dir_off;
	struct smx_family_record *f = (void *)(record + families[2]);
	struct smx_series_record *s = (void *)(record + b.tail - 48);

	f->help_len += 8;
	build_seal_record(&b, families[2]);
	refused("do not fill");
	f->help_len -= 16;
	build_seal_record(&b, families[2]);
	refused("directory record");
	f->help_len += 8;
	f->n_buckets++;
	build_seal_record(&b, families[2]);
	refused("do not fill");
	f->n_buckets--;
	build_seal_record(&b, families[2]);
	s->values_len = 8;
	build_seal_record(&b, b.tail - 48);
	refused("do not fill");
	s->values_len = UINT32_MAX;
	build_seal_record(&b, b.tail - 48);
	refused("do not fill");
}
END_TEST

START_TEST(lies_of_tables_are_clamped)
{
	build_publish(&b);
	memset(b.slots, 0xfe, 64 * b.header->slot_cap);
	memset(b.lanes, 0xff, 64 * b.header->lane_cap);
	memset(&b.header->cells_reserved, 0xff, 128);
	build_save(&b, dir.fd, FILE_NAME);
	for (uint32_t i = 0; i < b.header->slot_cap; i++) {
		int lease = build_lease(dir.fd, FILE_NAME, i);

		ck_assert_int_eq(visit(), 0);
		(void)lease; /* held until the process ends */
	}
}
END_TEST

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t
random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Numbers that have broken readers before. */
static uint64_t
random_number(void)
{
	static const uint64_t odd[] = { 0, 1, 7, 8, 40, 48, 56, 63, 64, 65,
		255, 256, 4095, 4096, 4104, 8192, 65535, 65536, INT32_MAX,
		UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63 };

	if (random_u64() % 2 == 0)
		return odd[random_u64() % (sizeof(odd) / sizeof(odd[0]))];
	return random_u64() >> random_u64() % 64;
}

/* Regions worth spoiling: header, its live part, tables, directory. */
static size_t
random_place(void)
{
	switch (random_u64() % 8) {
	case 0:
		return random_u64() % 152;
	case 1:
		return 192 + random_u64() % 128;
	case 2:
		return SMX_PAGE + random_u64() % (SLOTS * SMX_LINE);
	case 3:
		return 2 * SMX_PAGE + random_u64() % (LANES * SMX_LINE);
	default:
		return DIR_OFF + random_u64() % (b.tail - 8);
	}
}

static void
mutate(void)
{
	size_t at = random_place(), size = (size_t)1 << random_u64() % 4;
	uint64_t value = random_number();

	if (size > 1)
		at = at / size * size;
	memcpy(b.bytes + at, &value, size);
}

/* Seals what a mutation has broken, as a liar would. */
static void
seal_all(void)
{
	uint64_t off = 0;
	const struct smx_record *r;

	b.header->crc = 0;
	build_seal(&b);
	while (off + sizeof(*r) <= b.tail) {
		r = (const void *)(b.bytes + DIR_OFF + off);
		if (r->size < sizeof(*r) || r->size % 8 != 0 ||
		    r->size > b.tail - off)
			return;
		build_seal_record(&b, off);
		off += r->size;
	}
}

/* The reader looks at the file; the builder's own idea of it is restored
 * from `good` before each case. */
START_TEST(survives_random_mutations)
{
	size_t n;
	unsigned char *good;
	int opened = 0;

	build_sample_exemplars();
	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	n = b.header->dir_off + b.tail;
	good = malloc(n);
	ck_assert_ptr_nonnull(good);
	memcpy(good, b.bytes, n);
	for (int i = 0; i < CASES; i++) {
		memcpy(b.bytes, good, n);
		for (uint64_t k = random_u64() % 6; k > 0; k--)
			mutate();
		/* build_seal_record needs the true place of the directory */
		if (random_u64() % 8 != 0) {
			uint64_t dir_off = b.header->dir_off;

			b.header->dir_off = DIR_OFF;
			seal_all();
			b.header->dir_off = dir_off;
			build_seal(&b);
		}
		opened += visit() == 0;
	}
	memcpy(b.bytes, good, n);
	build_seal(&b);
	free(good);
	ck_assert_int_gt(opened, CASES / 50); /* not all stop at the door */
	ck_assert_int_lt(opened, CASES);
}
END_TEST

static TCase *
lies(void)
{
	TCase *t = tcase_create("lies");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, takes_what_is_sound);
	tcase_add_test(t, refuses_regions_that_leave_the_file);
	tcase_add_test(t, refuses_other_versions_and_features);
	tcase_add_test(t, refuses_a_tail_past_the_directory);
	tcase_add_test(t, refuses_overlapping_series);
	tcase_add_test(t, refuses_overlap_with_the_middle_of_a_histogram);
	tcase_add_test(t, refuses_cells_outside_the_lane);
	tcase_add_test(t, refuses_histograms_across_the_end_of_the_lane);
	tcase_add_test(t, refuses_gauges_outside_their_area);
	tcase_add_test(t, refuses_cells_in_the_sink);
	tcase_add_test(t, refuses_cells_off_the_grid);
	tcase_add_test(t, refuses_wrong_numbers_of_cells);
	tcase_add_test(t, refuses_series_of_no_family);
	tcase_add_test(t, refuses_series_that_come_twice);
	tcase_add_loop_test(t, refuses_exemplars_that_are_nobodys, 0,
	    sizeof(exemplars) / sizeof(exemplars[0]));
	tcase_add_test(t, survives_any_extreme_in_any_word_of_a_slot);
	tcase_add_test(t, refuses_bad_label_values);
	tcase_add_test(t, refuses_label_values_beyond_their_length);
	tcase_add_loop_test(t, refuses_families_that_may_not_be, 0,
	    sizeof(bad_families) / sizeof(bad_families[0]));
	tcase_add_test(t, refuses_buckets_out_of_order);
	tcase_add_test(t, refuses_huge_counts);
	tcase_add_test(t, refuses_parts_that_overfill_their_record);
	tcase_add_test(t, lies_of_tables_are_clamped);
	return t;
}

static TCase *
noise(void)
{
	TCase *t = tcase_create("noise");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, refuses_a_flip_of_any_bit_of_the_header);
	tcase_add_test(t, refuses_a_flip_of_any_bit_of_the_directory);
	tcase_add_test(t, survives_any_extreme_in_any_word_of_the_header);
	tcase_add_test(t, survives_random_mutations);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("segment");
	SRunner *runner = srunner_create(s);
	int failed;

	suite_add_tcase(s, lies());
	suite_add_tcase(s, noise());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
