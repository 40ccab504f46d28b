/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a fuzz target without libFuzzer.
 *
 * usage: PROGRAM [-runs=N] [-seed=N] FILE-OR-FOLDER...
 *
 * Runs every file once, then N inputs made of them by the target's mutator,
 * each one or several steps away from a file.  The same seed makes the same
 * inputs, whatever the folder's order.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536
#define STEPS_MAX 8

struct input {
	char *name; /* of its file */
	uint8_t *bytes;
	size_t size;
};

struct corpus {
	struct input *v;
	size_t n;
};

static void *
need(void *p)
{
	if (p != NULL)
		return p;
	fputs("runner: out of memory\n", stderr);
	exit(1);
}

static void
add_file(struct corpus *c, const char *path)
{
	uint8_t *bytes = need(malloc(INPUT_MAX));
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	c->v = need(realloc(c->v, (c->n + 1) * sizeof(*c->v)));
	c->v[c->n++] = (struct input){ need(strdup(path)), bytes,
		fread(bytes, 1, INPUT_MAX, f) };
	fclose(f);
}

static void
add_path(struct corpus *c, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	char name[4096];

	if (dir == NULL && errno == ENOTDIR)
		add_file(c, path);
	else if (dir == NULL)
		add_file(c, path); /* says what is wrong */
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			add_path(c, name);
	}
	if (dir != NULL)
		closedir(dir);
}

static int
compare(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* On a copy that ends where the input does, so that a sanitizer sees a step
 * beyond it. */
static void
run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = need(malloc(size > 0 ? size : 1));

	if (size > 0)
		memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static uint64_t mutate_state = 1;

static size_t
insert_byte(uint8_t *bytes, size_t at, size_t size)
{
	memmove(bytes + at + 1, bytes + at, size - at);
	bytes[at] = (uint8_t)fuzz_next(&mutate_state);
	return size + 1;
}

size_t
LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t max)
{
	size_t at = fuzz_below(&mutate_state, (uint32_t)size);

	switch (fuzz_below(&mutate_state, 4)) {
	case 0:
		if (size < max)
			return insert_byte(bytes, at, size);
		break;
	case 1:
		if (size > 1) {
			memmove(bytes + at, bytes + at + 1, size - at - 1);
			return size - 1;
		}
		break;
	case 2:
		if (size > 0)
			bytes[at] = (uint8_t)fuzz_number(&mutate_state);
		return size;
	default:
		break;
	}
	if (size > 0)
		bytes[at] ^= (uint8_t)(1u << fuzz_below(&mutate_state, 8));
	return size;
}

/* For targets without one. */
__attribute__((weak)) size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max, unsigned seed)
{
	(void)seed;
	return LLVMFuzzerMutate(bytes, size, max);
}

static void
run_mutations(const struct corpus *c, unsigned long runs, unsigned seed)
{
	static uint8_t bytes[INPUT_MAX];
	const struct input *from;
	uint64_t state = fuzz_seed(seed);
	size_t size;

	mutate_state = fuzz_seed(seed + 1);
	for (unsigned long i = 0; i < runs; i++) {
		from = &c->v[fuzz_below(&state, (uint32_t)c->n)];
		size = from->size;
		memcpy(bytes, from->bytes, size);
		for (uint32_t k = fuzz_below(&state, STEPS_MAX) + 1; k > 0; k--)
			size = LLVMFuzzerCustomMutator(bytes, size,
			    sizeof(bytes), (unsigned)fuzz_next(&state));
		run(bytes, size);
	}
}

int
main(int argc, char **argv)
{
	struct corpus c = { 0 };
	unsigned long runs = 0, seed = 1;

	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "-runs=%lu", &runs) != 1 &&
		    sscanf(argv[i], "-seed=%lu", &seed) != 1)
			add_path(&c, argv[i]);
	}
	if (c.n == 0) {
		fputs("runner: no inputs\n", stderr);
		return 2;
	}
	qsort(c.v, c.n, sizeof(*c.v), compare);
	for (size_t i = 0; i < c.n; i++)
		run(c.v[i].bytes, c.v[i].size);
	run_mutations(&c, runs, (unsigned)seed);
	printf("ok - %zu files and %lu mutations of them\n", c.n, runs);
	for (size_t i = 0; i < c.n; i++) {
		free(c.v[i].name);
		free(c.v[i].bytes);
	}
	free(c.v);
	return 0;
}
