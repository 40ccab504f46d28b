/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_DEFINE_H
#define SMX_SRC_DEFINE_H
/*
 * define -- a description of writer.h as records of the directory.
 */
#include <stdbool.h>

#include "record.h"
#include "smx/writer.h"

struct smx__definition {
	struct smx_family_record *record; /* complete, CRC and all */
	struct smx__family_parts parts;	  /* of it */
	char *values; /* of the fixed labels, each with its NUL; may be NULL */
	size_t values_len;
	uint32_t n_cells;
	bool exemplars; /* a histogram that keeps them */
};

/*
 * smx__define -- check and encode.
 *
 * type     SMX_TYPE_*.
 * dynamic  label_names are the labels, and there are no values.
 * Owner    the caller, until smx__definition_free().
 * Errors   -EINVAL, the message names the metric; -ENOMEM.
 */
int smx__define(struct smx__definition *, uint8_t type, bool dynamic,
    const struct smx_desc *, struct smx_error *);
void smx__definition_free(struct smx__definition *);

/* Whether two family records mean the same; help is not compared. */
bool smx__same_meaning(const struct smx__family_parts *,
    const struct smx__family_parts *);

/* A series record in a fresh buffer; NULL without memory. */
struct smx_series_record *smx__series_encode(uint64_t family, uint32_t cell,
    uint32_t n_cells, uint64_t created_ns, const char *values,
    size_t values_len);

/* Set size and CRC of a record whose bytes are complete. */
void smx__record_seal(struct smx_record *, uint32_t kind, size_t size);

#endif
