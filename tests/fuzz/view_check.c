/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a header (512) and a directory (the rest).  CRCs are put right
 * first, so that the checks behind them are reached.
 */
#include <stdlib.h>
#include <string.h>

#include "libshm/src/directory.h"
#include "libshm/src/header.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/records.h"

#define HEADER sizeof(struct smx_header)

/* Everything that an encoder would touch. */
static uint64_t
read_all(const struct smx_catalog *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->n_families; i++) {
		const struct smx_family_info *f = &c->families[i];

		sum += strlen(f->name) + strlen(f->unit) + strlen(f->help) +
		       f->retired;
		for (uint32_t k = 0; k < f->n_buckets; k++)
			sum += f->buckets[k].upper;
	}
	for (uint32_t i = 0; i < c->n_series; i++) {
		const struct smx_series_info *s = &c->series[i];
		const char *value = s->values;

		fuzz_require(
		    s->family < c->n_families, "a series has a family");
		for (uint32_t k = 0; k < c->families[s->family].n_labels; k++)
			value += strlen(value) + 1;
		sum += (uint64_t)(value - s->values);
	}
	return sum;
}

/* What a refused addition must leave as it was. */
struct outline {
	uint32_t n_families, n_series, n_cells, n_gauges;
	uint64_t generation, done, sum;
};

static struct outline
outline_of(const struct smx__directory *d)
{
	const struct smx_catalog *c = &d->catalog;

	return (struct outline){ c->n_families, c->n_series, c->n_cells,
		c->n_gauges, c->generation, d->done, read_all(c) };
}

/* In two parts, so that the second can be refused and rolled back. */
static void
read_directory(const unsigned char *bytes, size_t n)
{
	struct smx__directory d;
	struct smx_error error = { 0 };
	struct outline before, after;
	size_t used = 0, at = 0, part = n / 2;
	int err = 0;

	smx__directory_init(&d, 1 << 16, 1 << 12, 1 << 20);
	for (int i = 0; i < 2 && err >= 0; i++, part = n) {
		before = outline_of(&d);
		smx__directory_begin(&d);
		err = smx__directory_add(
		    &d, bytes + at, part - at, i == 1, &used, &error);
		at += used;
		if (err == 0)
			err = smx__directory_commit(&d, &error);
		if (err < 0)
			smx__directory_rollback(&d);
		after = outline_of(&d);
		fuzz_require(
		    err >= 0 || memcmp(&before, &after, sizeof(after)) == 0,
		    "a refused addition changes nothing");
		fuzz_require(
		    err >= 0 || error.code == err, "an error has words");
	}
	smx__directory_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *bytes = malloc(size + 8); /* aligned */
	struct smx_header h;
	size_t head = size < HEADER ? 0 : HEADER;

	fuzz_require(bytes != NULL, "there is memory");
	if (size > 0)
		memcpy(bytes, data, size);
	if (head > 0) {
		fuzz_seal_header(bytes);
		memcpy(&h, bytes, sizeof(h));
		(void)smx__header_check(&h, h.size, NULL);
	}
	fuzz_seal_directory(bytes + head, size - head);
	read_directory(bytes + head, size - head);
	free(bytes);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max, unsigned seed)
{
	uint64_t state = fuzz_seed(seed);

	if (size < HEADER || max < HEADER || fuzz_below(&state, 16) == 0)
		return LLVMFuzzerMutate(bytes, size, max);
	if (fuzz_below(&state, 4) != 0)
		return HEADER + fuzz_mutate_directory(bytes + HEADER,
				    size - HEADER, max - HEADER, &state);
	fuzz_mutate_header(bytes, &state);
	return size;
}
