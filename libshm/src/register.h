/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_REGISTER_H
#define SMX_SRC_REGISTER_H

#include "define.h"
#include "process.h"

struct smx__handle {
	uint32_t cell;
	const struct smx__index *index;
	uint32_t exemplars;
};

/*
 * smx__register_series -- get or create a series, and its family.
 *
 * values_len  0 with a definition that has labels: the family alone.
 * series_max  0: no limit; else -EDQUOT if the family has that many already
 *             and this one is new.
 * Errors      as in writer.h; a refusal is counted in the segment.
 */
int smx__register_series(struct smx__handle *, const struct smx__definition *,
    const char *values, size_t values_len, uint32_t series_max,
    struct smx_error *);

/* A record at the end of the directory, and into the keys; under the
 * registration lock.  -ENOSPC; -errno. */
int smx__append(struct smx__process *, int fd, const struct smx_record *,
    struct smx_error *);

/* Whether the series was there when the directory was last read; no system
 * call. */
bool smx__series_exists(const struct smx__definition *, const char *values,
    size_t values_len);

/* Count a description that was refused before it came this far. */
void smx__count_refusal(void);

#endif
