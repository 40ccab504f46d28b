/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h -- the command line of the exchange.
 */
#ifndef CDB_EXECUTION_OPTIONS_H
#define CDB_EXECUTION_OPTIONS_H

#include "exchange.h"
#include "services/common/options.h"

/* What the options fill in; the `arg` of cdb_usage. */
struct cdb_execution_options {
	struct cdb_exchange_rules rules;
	double speed;		/* 0 is max */
	int64_t stream_limit;
	struct cdb_names groups;	/* of order_results, to be made */
};

extern const struct cdb_option cdb_execution_options[];
extern const size_t cdb_execution_n_options;

#endif
