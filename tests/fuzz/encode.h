/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_ENCODE_H
#define TESTS_FUZZ_ENCODE_H

#include "expo/expo.h"

/*
 * fuzz_encode -- every format of these sources, and what must hold of it: no
 * byte past what was asked for or announced, whole lines of text, and no line
 * without the labels of one of the sources.
 */
void fuzz_encode(
    const struct expo_source *, size_t n, const struct smx_snapshot *const *);

#endif
