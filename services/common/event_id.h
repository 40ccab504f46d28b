/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_id.h -- names of events that are a function of their cause alone.
 *
 * The first 128 bits of SHA-256 over (seed, kind, cause), in hex: the same
 * replay gives the same ids, whoever was killed on the way.
 *
 * Thread   any; pure.
 */
#ifndef CDB_EVENT_ID_H
#define CDB_EVENT_ID_H

#include <stdint.h>

#define CDB_EVENT_ID_TEXT 33	/* bytes, NUL included */

/*
 * cdb_event_id -- the id of the `kind` of event that `cause` brings about.
 *
 * `kind` keeps two events of one cause apart ("tick", "signal").
 */
void cdb_event_id(uint64_t seed, const char *kind, const char *cause,
    char dst[CDB_EVENT_ID_TEXT]);

#endif
