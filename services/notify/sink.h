/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h -- hands a notification to the file and to the command.
 *
 * The file gets one line, on disk before it counts.  The command is run by
 * the shell with the line on its standard input; exit status 0 within its
 * time means delivered.
 *
 * Thread   the loop's.
 */
#ifndef CDB_NOTIFY_SINK_H
#define CDB_NOTIFY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define CDB_SINK_MS  10000	/* patience with the command */
#define CDB_SINK_WHY 160

struct cdb_sink {
	const char *path;	/* borrowed; NULL: no file */
	const char *command;	/* borrowed; NULL: none */
	/* Called once for each cdb_sink_send(), perhaps before it returns;
	 * why is "" when delivered. */
	void (*done)(void *arg, const char *why);
	void *arg;
	/* its own */
	uv_loop_t *loop;
	uv_process_t process;
	uv_pipe_t in;
	uv_timer_t patience;
	uv_write_t write;
	unsigned open;		/* handles of the command not closed yet */
	bool in_file;		/* the line is there: not again */
	char why[CDB_SINK_WHY];
};

void cdb_sink_init(struct cdb_sink *sink, uv_loop_t *loop);

/*
 * cdb_sink_send -- deliver line[0, len), which ends in a newline and stays
 * until `done`.  `again` says that it is the line of the last call, which was
 * not delivered.
 */
void cdb_sink_send(struct cdb_sink *sink, const char *line, size_t len,
    bool again);

/* cdb_sink_close -- end a running command; the handles close in the loop. */
void cdb_sink_close(struct cdb_sink *sink);

#endif
