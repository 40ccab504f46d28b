/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a header and a directory.  CRCs are put right first, so that
 * the checks behind them are reached.
 *
 * With -Dfuzz=true and clang: fuzz_view_check CORPUS...
 * Else a program that runs the files it is given, or, without any, a sample
 * and 20,000 mutations of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshm/src/crc32.h"
#include "libshm/src/directory.h"
#include "libshm/src/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
seal_header(unsigned char *bytes)
{
	uint32_t crc = smx__crc32(bytes + 8,
	    offsetof(struct smx_header, crc) - 8);

	memcpy(bytes + offsetof(struct smx_header, crc), &crc, 4);
}

static void
seal_records(unsigned char *bytes, size_t n)
{
	struct smx_record *r;

	for (size_t at = 0; n - at >= sizeof(*r); at += r->size) {
		r = (void *)(bytes + at);
		if (r->size < sizeof(*r) || r->size % 8 != 0 ||
		    r->size > n - at)
			return;
		r->crc = smx__crc32(bytes + at + 8, r->size - 8);
	}
}

/* Everything that an encoder would touch. */
static uint64_t
read_all(const struct smx_catalog *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->n_families; i++) {
		const struct smx_family_info *f = &c->families[i];

		sum += strlen(f->name) + strlen(f->unit) + strlen(f->help);
		for (uint32_t k = 0; k < f->n_buckets; k++)
			sum += f->buckets[k].upper;
	}
	for (uint32_t i = 0; i < c->n_series; i++) {
		const struct smx_series_info *s = &c->series[i];
		const char *value = s->values;

		if (s->family >= c->n_families)
			abort();
		for (uint32_t k = 0; k < c->families[s->family].n_labels; k++)
			value += strlen(value) + 1;
		sum += (uint64_t)(value - s->values);
	}
	return sum;
}

/* In two parts, so that the second can be refused and rolled back. */
static void
read_directory(const unsigned char *bytes, size_t n)
{
	struct smx__directory d;
	struct smx_error error;
	size_t used = 0, at = 0, part = n / 2;
	int err;

	smx__directory_init(&d, 1 << 16, 1 << 12, 1 << 20);
	for (int i = 0; i < 2; i++, part = n) {
		smx__directory_begin(&d);
		err = smx__directory_add(&d, bytes + at, part - at, i == 1,
		    &used, &error);
		at += used;
		if (err == 0)
			err = smx__directory_commit(&d, &error);
		if (err < 0)
			smx__directory_rollback(&d);
		if (read_all(&d.catalog) == UINT64_MAX || err < 0)
			break;
	}
	smx__directory_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *bytes = malloc(size + 8); /* aligned */
	struct smx_header h;
	size_t head = size < sizeof(h) ? 0 : sizeof(h);

	memcpy(bytes, data, size);
	if (head > 0) {
		seal_header(bytes);
		memcpy(&h, bytes, sizeof(h));
		(void)smx__header_check(&h, h.size, NULL);
	}
	seal_records(bytes + head, size - head);
	read_directory(bytes + head, size - head);
	free(bytes);
	return 0;
}

#ifndef SMX_LIBFUZZER
#include "tests/segment_builder.h"

#define CASES 20000

static int
run_file(const char *path)
{
	static unsigned char bytes[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return LLVMFuzzerTestOneInput(bytes, n);
}

static size_t
make_sample(unsigned char *to)
{
	static const uint64_t bounds[] = { 10, 20, 40 };
	struct build_family f = { .name = "a_total", .unit = "things",
		.help = "Help.", .type = SMX_TYPE_COUNTER,
		.labels = { "x", "y" } };
	struct build b;
	size_t n;

	build_begin(&b, NULL);
	build_series(&b, build_family(&b, &f), 1, "1\0" "2", 4);
	build_histogram(&b, "h", 9, bounds, 3);
	build_gauge(&b, "g", SMX_GAUGE_EACH);
	build_retire(&b, 0);
	n = sizeof(*b.header) + b.tail;
	memcpy(to, b.header, sizeof(*b.header));
	memcpy(to + sizeof(*b.header), b.bytes + b.header->dir_off, b.tail);
	build_free(&b);
	return n;
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
run_mutations(void)
{
	static unsigned char sample[16384], bytes[16384];
	size_t n = make_sample(sample), at, size;
	uint64_t seed = 20201122, value;

	for (int i = 0; i < CASES; i++) {
		memcpy(bytes, sample, n);
		for (uint64_t k = next_random(&seed) % 5; k > 0; k--) {
			size = (size_t)1 << next_random(&seed) % 4;
			at = next_random(&seed) % (n / size) * size;
			value = next_random(&seed) >> next_random(&seed) % 64;
			memcpy(bytes + at, &value, size);
		}
		LLVMFuzzerTestOneInput(bytes,
		    i % 4 ? n : n - next_random(&seed) % 64);
	}
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	if (argc == 1)
		run_mutations();
	return failed;
}
#endif
