/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the signal service as a process: what its parts share.
 *
 * Thread   the loop's.
 */
#ifndef CDB_SIGNAL_APP_H
#define CDB_SIGNAL_APP_H

#include "metrics.h"
#include "services/common/intake.h"
#include "services/common/quiet.h"
#include "services/common/service.h"
#include "services/common/watermark.h"
#include "signal.h"

#define CDB_SIGNAL_GROUP "signal"
#define CDB_SIGNAL_JSON	 2048	/* bytes; the longest message is below 1000 */

/* A signal that waits for its transaction. */
struct cdb_output {
	char symbol[CDB_SYMBOL_TEXT];
	int64_t origin_us;	/* when its tick was sent */
	size_t len;
	char json[CDB_SIGNAL_JSON];
};

/* What the entries amounted to that are finished and not committed. */
struct cdb_step {
	uint64_t ticks;
	uint64_t bad;		/* messages that could not be understood */
	uint64_t low_volume;
	uint64_t cooling;
	bool gap;		/* in the numbers of the ticks */
	size_t n_out;
	struct cdb_output out[CDB_INTAKE_COUNT];
};

struct cdb_signal_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_quiet quiet;
	struct cdb_engine engine;
	struct cdb_signal_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper output;
	struct cdb_watermark told;	/* id: of the last signal committed */
	int64_t stream_limit;
	int64_t cooldown_ms;	/* -1: as the profile has it */
	struct cdb_names groups;	/* of signals, to be made */
	uint64_t acked_signals;
	uint64_t acked_ticks;
	struct cdb_step step;
	/* the transaction under way */
	bool committing;
	bool reading;
};

/*
 * cdb_signal_save -- add what changed in the engine to the transaction.
 *
 * The windows are lists that follow by LTRIM and RPUSH; cool-downs, counts
 * and the lengths of the windows are fields of one hash.
 */
void cdb_signal_save(struct cdb_signal_app *app);

/*
 * cdb_signal_load -- the engine from the reply of HGETALL.
 *
 * Asks for the windows and then calls cdb_bus_loaded(), or ends the service:
 * a state that contradicts itself is not guessed at.
 */
void cdb_signal_load(struct cdb_signal_app *app, const redisReply *reply);

#endif
