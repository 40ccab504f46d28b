/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of an image that leave its other parts where they belong. */
#include <string.h>

#include "tests/fuzz/image.h"
#include "tests/fuzz/mutate.h"

static void
change_shape(const struct image *im, uint8_t *data, uint64_t *state)
{
	struct image_shape s = im->shape;

	switch (fuzz_below(state, 5)) {
	case 0:
		s.leases = (uint8_t)fuzz_next(state);
		break;
	case 1:
		s.trouble = (uint8_t)fuzz_below(state, N_TROUBLES);
		break;
	case 2:
		s.first = (uint8_t)fuzz_next(state);
		break;
	case 3:
		s.first = UINT8_MAX;
		break;
	default:
		s.flags = (uint8_t)(1u << fuzz_below(state, 3));
	}
	memcpy(data, &s, sizeof(s));
}

/* One number of the tables or of the values. */
static void
change_word(const struct image *im, uint8_t *data, uint64_t *state)
{
	size_t words = (im->dir - im->slots) / 8;
	uint64_t value = fuzz_number(state);

	if (words > 0)
		memcpy(
		    data + im->slots + fuzz_below(state, (uint32_t)words) * 8,
		    &value, 8);
}

static size_t
change_directory(
    const struct image *im, uint8_t *data, size_t max, uint64_t *state)
{
	return im->dir + fuzz_mutate_directory(data + im->dir,
			     im->size - im->dir, max - im->dir, state);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t state = fuzz_seed(seed);
	struct image im;

	if (size > max || !image_of(&im, data, size) ||
	    fuzz_below(&state, 16) == 0)
		return LLVMFuzzerMutate(data, size, max);
	switch (fuzz_below(&state, 8)) {
	case 0:
		change_shape(&im, data, &state);
		return size;
	case 1:
		fuzz_mutate_header(data + im.header, &state);
		return size;
	case 2:
	case 3:
		change_word(&im, data, &state);
		return size;
	default:
		return change_directory(&im, data, max, &state);
	}
}
