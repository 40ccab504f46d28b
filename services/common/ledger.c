/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cdb_ledger_row {
	char id[CDB_STREAM_ID_TEXT];
	bool held;
	bool finished;
};

/* Room for one more of `size` bytes. */
static void *
grown(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 256;
	array = realloc(array, *cap * size);
	if (!array)
		abort();	/* Redis still has everything */
	return array;
}

static void
ids_put(struct cdb_ids *ids, const char *id)
{
	ids->at = grown(ids->at, ids->n, &ids->cap, sizeof(*ids->at));
	strcpy(ids->at[ids->n++], id);
}

void
cdb_ledger_reset(struct cdb_ledger *l, const char *place, int64_t read)
{
	l->n = l->first_open = l->n_finished = 0;
	l->holds.n = l->acks.n = 0;
	l->moved = false;
	snprintf(l->place, sizeof(l->place), "%s", place);
	l->read = read;
}

void
cdb_ledger_free(struct cdb_ledger *l)
{
	free(l->rows);
	free(l->holds.at);
	free(l->acks.at);
	memset(l, 0, sizeof(*l));
}

void
cdb_ledger_add(struct cdb_ledger *l, const char *id, bool held)
{
	struct cdb_ledger_row *row;

	l->rows = grown(l->rows, l->n, &l->cap, sizeof(*l->rows));
	row = &l->rows[l->n++];
	snprintf(row->id, sizeof(row->id), "%s", id);
	row->held = held;
	row->finished = false;
}

void
cdb_ledger_finish(struct cdb_ledger *l, const char *id)
{
	size_t i = l->first_open;

	while (i < l->n && strcmp(l->rows[i].id, id) != 0)
		i++;
	assert(i < l->n && !l->rows[i].finished);
	l->rows[i].finished = true;
	l->n_finished++;
	while (l->first_open < l->n && l->rows[l->first_open].finished)
		l->first_open++;
}

/* How many rows the place has to pass: up to the last that is finished. */
static size_t
rows_to_pass(const struct cdb_ledger *l)
{
	size_t n = l->n;

	while (n > 0 && (l->rows[n - 1].held || !l->rows[n - 1].finished))
		n--;
	return n;
}

static void
place_move(struct cdb_ledger *l, size_t pass)
{
	l->moved = pass > 0;
	if (!l->moved)
		return;
	strcpy(l->place, l->rows[pass - 1].id);
	for (size_t i = 0; i < pass && l->read >= 0; i++)
		l->read += !l->rows[i].held;
}

void
cdb_ledger_settle(struct cdb_ledger *l)
{
	size_t pass = rows_to_pass(l);
	size_t kept = 0;

	l->holds.n = l->acks.n = 0;
	place_move(l, pass);
	for (size_t i = 0; i < l->n; i++) {
		struct cdb_ledger_row *row = &l->rows[i];

		if (row->finished) {
			if (row->held)
				ids_put(&l->acks, row->id);
			continue;
		}
		if (i < pass && !row->held) {
			ids_put(&l->holds, row->id);
			row->held = true;
		}
		l->rows[kept++] = *row;
	}
	l->n = kept;
	l->first_open = l->n_finished = 0;
}
