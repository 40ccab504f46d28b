/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
/*
 * fuzz -- what every fuzz target has, and what may drive it.
 *
 * A target defines LLVMFuzzerTestOneInput(), and LLVMFuzzerCustomMutator()
 * where bytes changed at random would not get past the first check.  Built
 * with clang's -fsanitize=fuzzer, libFuzzer drives it; else runner.c does,
 * with any compiler, and without looking at coverage.
 *
 * A finding is a crash: of a sanitizer, or of fuzz_require().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Changes the `size` bytes in place, at most `max` afterwards; returns how
 * many.  The same seed makes the same change. */
size_t LLVMFuzzerCustomMutator(
    uint8_t *, size_t size, size_t max, unsigned seed);

/* Given by the driver: some change that knows nothing of the layout. */
size_t LLVMFuzzerMutate(uint8_t *, size_t size, size_t max);

/* What must hold for any input whatsoever. */
void fuzz_require(bool ok, const char *promise);

/* xorshift64; the state is never 0 if it was not. */
uint64_t fuzz_next(uint64_t *state);
uint32_t fuzz_below(uint64_t *state, uint32_t n); /* 0 if n is 0 */

/* A state from a driver's seed. */
uint64_t fuzz_seed(unsigned seed);

/* A number that is likely to be somebody's limit. */
uint64_t fuzz_number(uint64_t *state);

#endif
