/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"

#define MESSAGE_MAX 4096	/* bytes; the longest is below 1500 */

/* *array with room for `need` elements of `size` bytes. */
static void *
grown(void *array, size_t *cap, size_t need, size_t size)
{
	size_t now = *cap ? *cap : 256;

	if (need <= *cap)
		return array;
	while (now < need)
		now *= 2;
	array = realloc(array, now * size);
	if (!array)
		abort();
	*cap = now;
	return array;
}

void
cdb_outbox_put(struct cdb_outbox *box, const char *topic, int64_t origin_us,
    cdb_write_fn *write, const void *message)
{
	struct cdb_outbox_item *item;
	size_t len;

	box->bytes = grown(box->bytes, &box->cap, box->len + MESSAGE_MAX, 1);
	box->items = grown(box->items, &box->cap_items, box->n + 1,
	    sizeof(*box->items));
	len = write(message, box->bytes + box->len, MESSAGE_MAX);
	if (len == 0 || len > MESSAGE_MAX)
		abort();
	item = &box->items[box->n++];
	*item = (struct cdb_outbox_item){ topic, box->len, len, origin_us };
	box->len += len;
}

static void
item_add(const struct cdb_outbox *box, const struct cdb_outbox_item *item,
    struct cdb_bus *bus, const char *sent)
{
	char origin[24];
	const char *argv[] = { "XADD", item->topic, "*", CDB_FIELD_DATA,
		box->bytes + item->off, CDB_FIELD_SENT, sent,
		CDB_FIELD_ORIGIN, origin };
	size_t lens[9];

	snprintf(origin, sizeof(origin), "%" PRId64, item->origin_us);
	for (size_t i = 0; i < 9; i++)
		lens[i] = i == 4 ? item->len : strlen(argv[i]);
	cdb_bus_add(bus, item->origin_us ? 9 : 7, argv, lens);
}

void
cdb_outbox_add(const struct cdb_outbox *box, struct cdb_bus *bus)
{
	char sent[24];

	snprintf(sent, sizeof(sent), "%" PRId64, cdb_wall_us());
	for (size_t i = 0; i < box->n; i++)
		item_add(box, &box->items[i], bus, sent);
}

size_t
cdb_outbox_count(const struct cdb_outbox *box, const char *topic)
{
	size_t n = 0;

	for (size_t i = 0; i < box->n; i++)
		n += strcmp(box->items[i].topic, topic) == 0;
	return n;
}

void
cdb_outbox_clear(struct cdb_outbox *box)
{
	box->n = box->len = 0;
}

void
cdb_outbox_free(struct cdb_outbox *box)
{
	free(box->bytes);
	free(box->items);
	memset(box, 0, sizeof(*box));
}
