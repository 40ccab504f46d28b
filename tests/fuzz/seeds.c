/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound segments to begin with, in the forms that the targets take.
 *
 * usage: fuzz_seeds CORPUS: writes CORPUS/{segment,view_check,expo}/seed-*
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/image.h"
#include "tests/segment_builder.h"

/* Bytes of the region: four slots behind the sink. */
#define EXEMPLARS 832u

static const char *corpus;

static const struct smx_bucket both_kinds[] = {
	{ 1, SMX_NATIVE_ZERO, SMX_BUCKET_POWER },
	{ 2, 1, SMX_BUCKET_POWER },
	{ 3, 2, SMX_BUCKET_EXPLICIT },
	{ 4, 2, SMX_BUCKET_POWER },
	{ 8, 3, SMX_BUCKET_POWER | SMX_BUCKET_EXPLICIT },
	{ 100, 4, SMX_BUCKET_EXPLICIT },
	{ UINT64_MAX, 4, 0 },
};

static void
add_counters(struct build *b)
{
	struct build_family f = { .name = "orders_total",
		.unit = "",
		.help = "Orders \"sent\".\nAll.",
		.labels = { "side", "venue" },
		.type = SMX_TYPE_COUNTER };
	uint64_t at = build_family(b, &f);

	*build_cell(b, 1, build_series(b, at, 1, "buy\0x", 6)) = 7;
	*build_cell(b, 2, build_series(b, at, 1, "sell\0\"\\\n", 9)) = 11;
	*build_cell(b, 0, build_counter(b, "busy_seconds_total", 9)) = 3;
}

static void
add_gauges(struct build *b)
{
	for (uint8_t mode = SMX_GAUGE_SUM; mode <= SMX_GAUGE_EACH; mode++) {
		char name[] = "depth_a";
		uint32_t cell;

		name[6] = (char)('a' + mode);
		cell = build_gauge(b, name, mode);
		build_set_gauge(b, 0, cell, 2.5);
		build_set_gauge(b, 1, cell, -1e-9);
	}
}

/* In each bucket below 1000, 5000, 1e9 and above. */
static void
add_exemplars(struct build *b, uint32_t cell)
{
	static const uint64_t values[] = { 900, 4000, 90000,
		UINT64_C(1) << 40 };
	struct smx_exemplars_record r = {
		.cell = cell, .n = 4, .off = SMX_LINE
	};
	struct smx_exemplar_slot *slot =
	    (void *)(b->bytes + b->header->exemplar_off + SMX_LINE);

	for (uint32_t i = 0; i < r.n; i++) {
		slot[i] = (struct smx_exemplar_slot){ .seq = 2,
			.len = 9,
			.value = values[i],
			.time_ns = UINT64_C(1600000002000000000) };
		memcpy(slot[i].text, "id\0order\0", 9);
	}
	build_record(b, SMX_RECORD_EXEMPLARS,
	    (unsigned char *)&r + sizeof(r.record),
	    sizeof(r) - sizeof(r.record));
}

static void
add_histograms(struct build *b)
{
	static const uint64_t bounds[] = { 1000, 5000, 1000000000 };
	struct build_family f = { .name = "size_bytes",
		.unit = "bytes",
		.help = "Size.",
		.type = SMX_TYPE_HISTOGRAM,
		.schema = 1,
		.hist_flags = SMX_HIST_EXPLICIT | SMX_HIST_NATIVE,
		.buckets = both_kinds,
		.n_buckets = 7,
		.labels = { "kind" } };
	uint32_t cell = build_histogram(b, "wait_seconds", 9, bounds, 3);

	add_exemplars(b, cell);
	build_observe(b, 1, cell, 1, 4000);
	build_observe(b, 2, cell, 3, UINT64_C(1) << 62);
	cell =
	    build_series(b, build_family(b, &f), SMX_HIST_BUCKET + 7, "a", 2);
	build_observe(b, 0, cell, 5, 60);
	f.name = "depth_ratio";
	f.hist_flags = SMX_HIST_NATIVE;
	f.zero_exp2 = -3;
	cell =
	    build_series(b, build_family(b, &f), SMX_HIST_BUCKET + 7, "b", 2);
	build_observe(b, 1, cell, 2, 3);
}

/* Other definitions of a name, names that collide, retirements, a record of a
 * later version. */
static void
add_changes(struct build *b)
{
	struct build_family f = { .name = "state_total",
		.type = SMX_TYPE_COUNTER };
	uint64_t first = build_family(b, &f);

	build_series(b, first, 1, NULL, 0);
	build_gauge(b, "state", SMX_GAUGE_SUM);
	build_gauge(b, "turn", SMX_GAUGE_SUM);
	build_retire(b, first);
	f.labels[0] = "state";
	build_series(b, build_family(b, &f), 1, "on", 3);
	build_histogram(b, "turn", 0, NULL, 0);
	build_record(b, 77, "of tomorrow", 12);
	f.name = "gone_total";
	build_retire(b, build_family(b, &f));
}

static FILE *
create(const char *target, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", corpus, target);
	(void)mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/seed-%s", corpus, target, name);
	f = fopen(path, "wb");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	return f;
}

static void
write_directory(const struct build *b, const char *target, const char *name,
    const void *front)
{
	FILE *f = create(target, name);

	fwrite(front, 512, 1, f);
	fwrite(b->bytes + b->header->dir_off, b->tail, 1, f);
	fclose(f);
}

static void
write_image(const struct build *b, const char *name, uint8_t trouble)
{
	const struct smx_header *h = b->header;
	struct image_shape s = { .n_slots = 2,
		.n_lanes = 3,
		.leases = 3,
		.gauge_bytes = (uint16_t)b->next_gauge,
		.lane_bytes = (uint16_t)b->next_cell,
		.exemplar_bytes = EXEMPLARS,
		.first = 128,
		.trouble = trouble };
	FILE *f = create("segment", name);

	fwrite(&s, sizeof(s), 1, f);
	fwrite(h, sizeof(*h), 1, f);
	fwrite(b->slots, SMX_LINE, s.n_slots, f);
	fwrite(b->lanes, SMX_LINE, s.n_lanes, f);
	for (uint32_t i = 0; i < s.n_slots; i++)
		fwrite(b->bytes + h->gauge_off + i * h->gauge_stride,
		    s.gauge_bytes, 1, f);
	for (uint32_t i = 0; i < s.n_lanes; i++)
		fwrite(b->bytes + h->lane_off + i * h->lane_stride,
		    s.lane_bytes, 1, f);
	fwrite(b->bytes + h->exemplar_off, s.exemplar_bytes, 1, f);
	fwrite(b->bytes + h->dir_off, b->tail, 1, f);
	fclose(f);
}

static void
write_seeds(const char *name, void (*const *parts)(struct build *), uint32_t n,
    uint8_t trouble)
{
	uint64_t values[64];
	struct build_shape shape = { .exemplars = EXEMPLARS };
	struct build b;

	build_begin(&b, &shape);
	for (uint32_t i = 0; i < n; i++)
		parts[i](&b);
	build_publish(&b);
	for (uint32_t i = 0; i < 64; i++)
		values[i] = UINT64_C(0x9e3779b97f4a7c15) * (i + 1) >> i;
	write_image(&b, name, trouble);
	write_directory(&b, "view_check", name, b.header);
	write_directory(&b, "expo", name, values);
	build_free(&b);
}

int
main(int argc, char **argv)
{
	static void (*const parts[])(struct build *) = { add_counters,
		add_gauges, add_histograms, add_changes };

	if (argc != 2) {
		fputs("usage: fuzz_seeds CORPUS\n", stderr);
		return 2;
	}
	corpus = argv[1];
	(void)mkdir(corpus, 0777);
	write_seeds("counters", parts, 1, TROUBLE_CUT);
	write_seeds("gauges", parts + 1, 1, TROUBLE_HOLES);
	write_seeds("histograms", parts + 2, 1, TROUBLE_HALF);
	write_seeds("changes", parts + 3, 1, TROUBLE_TABLES);
	write_seeds("all", parts, 4, TROUBLE_TAIL);
	write_seeds("empty", parts, 0, TROUBLE_HEADER);
	return 0;
}
