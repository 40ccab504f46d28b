/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void
fuzz_require(bool ok, const char *promise)
{
	if (ok)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

uint64_t
fuzz_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint32_t
fuzz_below(uint64_t *state, uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)(fuzz_next(state) >> 32) % n;
}

uint64_t
fuzz_seed(unsigned seed)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;

	for (int i = 0; i < 4; i++)
		fuzz_next(&state);
	return state;
}

uint64_t
fuzz_number(uint64_t *state)
{
	static const uint64_t ends[] = { 0, 1, 2, 7, 8, 16, 18, 24, 40, 48, 63,
		64, 65, 255, 256, 512, 1023, 1024, 4095, 4096, 8192, 16384,
		65535, 65536, 1048576, INT32_MAX, UINT32_MAX, UINT64_C(1) << 30,
		UINT64_C(1) << 36, UINT64_C(1) << 63, INT64_MAX };
	uint64_t n = ends[fuzz_below(state, sizeof(ends) / sizeof(ends[0]))];

	switch (fuzz_below(state, 5)) {
	case 0:
		return n + 1;
	case 1:
		return n - 1;
	case 2:
		return -n;
	case 3:
		return fuzz_next(state) >> fuzz_below(state, 64);
	default:
		return n;
	}
}
