/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h -- the book of risk.h as named texts, to be kept with the outputs.
 *
 *	config	the limits and the seed: a state of others is refused
 *	core	time, money, breakers, counts
 *	orders	pending orders, times of the last orders, outcomes
 *	sym:X	one holding
 *
 * Thread   one; pure.
 */
#ifndef CDB_RISK_STATE_H
#define CDB_RISK_STATE_H

#include "risk.h"

/*
 * cdb_risk_save -- put() with each field that has changed since the last
 * save.  The strings live during the call.
 */
void cdb_risk_save(struct cdb_risk *risk,
    void (*put)(void *arg, const char *field, const char *value), void *arg);

/*
 * cdb_risk_load_begin, _field, _end -- go on from a state; unknown fields are
 * ignored, and none at all is the beginning.  Symbols come before orders:
 * give `orders` after all others.
 *
 * Errors   -EINVAL the text cannot be understood, or a part is missing;
 *          -EXDEV other limits, exchange or seed.
 */
void cdb_risk_load_begin(struct cdb_risk *risk);
int cdb_risk_load_field(struct cdb_risk *risk, const char *field,
    const char *value);
int cdb_risk_load_end(struct cdb_risk *risk);

#endif
