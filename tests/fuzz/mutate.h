/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H
/* mutate -- changes that keep what surrounds them sound. */
#include "tests/fuzz/fuzz.h"

/* A directory: one record, or one part of it, becomes another. */
size_t fuzz_mutate_directory(
    uint8_t *, size_t size, size_t max, uint64_t *state);

/* A header: one field becomes another, magic and version stay. */
void fuzz_mutate_header(uint8_t *, uint64_t *state);

#endif
