/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_GEOMETRY_H
#define SMX_SRC_GEOMETRY_H
/*
 * geometry -- where the regions of a segment lie.
 */
#include <stdbool.h>

#include "smx/error.h"
#include "smx/layout.h"
#include "smx/writer.h"

/* The defaults of the options that are zero.  -EINVAL names one that cannot
 * be. */
int smx__options_complete(struct smx_options *, struct smx_error *);

/* Fill the immutable fields, magic excepted, of a new segment. */
void smx__geometry_make(struct smx_header *, const struct smx_options *);

/* Whether two segments have their regions in the same places. */
bool smx__geometry_equal(const struct smx_header *, const struct smx_header *);

#endif
