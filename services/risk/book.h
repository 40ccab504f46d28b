/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book.h -- the parts of risk.h that keep the book; for risk.c and state.c.
 *
 * Thread   one; pure.
 */
#ifndef CDB_RISK_BOOK_H
#define CDB_RISK_BOOK_H

#include "risk.h"

/* cdb_book_holding -- of the symbol, made if new; NULL: no room. */
struct cdb_holding *cdb_book_holding(struct cdb_risk *risk,
    const char *symbol);

/*
 * cdb_book_mark -- the price of the holding is now this.
 *
 * Errors   -ERANGE the value cannot be held; nothing has changed.
 */
int cdb_book_mark(struct cdb_holding *h, int64_t price_e8);

/* cdb_book_fill -- as cdb_risk_result() for a fill; -ERANGE. */
int cdb_book_fill(struct cdb_risk *risk, struct cdb_holding *h,
    const struct cdb_result *r);

/* cdb_book_expect -- an order is out; there must be room. */
void cdb_book_expect(struct cdb_risk *risk, const struct cdb_order *order);

/* cdb_book_answered -- forget the i-th pending order. */
void cdb_book_answered(struct cdb_risk *risk, size_t i);

/* cdb_book_exceeds -- whether part > fraction of whole; exact. */
bool cdb_book_exceeds(int64_t part_e8, int64_t fraction_e8,
    int64_t whole_e8);

/* cdb_book_reaches -- whether part >= fraction of whole; exact. */
bool cdb_book_reaches(int64_t part_e8, int64_t fraction_e8,
    int64_t whole_e8);

#endif
