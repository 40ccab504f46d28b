/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/trade.h"

static const char *const topics[CDB_CHANNELS] = { CDB_TOPIC_SIGNALS,
	CDB_TOPIC_ORDERS, CDB_TOPIC_RESULTS, CDB_TOPIC_RISK,
	CDB_TOPIC_PORTFOLIO, CDB_TOPIC_HEALTH };

const char *
cdb_channel_topic(enum cdb_channel ch)
{
	return topics[ch];
}

static void *
grown(void *array, size_t *cap, size_t need, size_t size)
{
	size_t now = *cap ? *cap : 64;

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

static bool
is_object(const char *data, size_t len)
{
	json_t *o = data ? json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL)
			 : NULL;
	bool yes = json_is_object(o);

	json_decref(o);
	return yes;
}

static void
good_put(struct cdb_list *list, struct cdb_item *item, const char *data)
{
	/* what opens or parts them, the message, the end with its NUL */
	list->json = grown(list->json, &list->cap,
	    list->len + item->len + 3, 1);
	list->json[list->len] = list->len ? ',' : '[';
	item->off = ++list->len;
	memcpy(list->json + item->off, data, item->len);
	list->len += item->len;
}

static void
bad_put(struct cdb_list *list, struct cdb_item *item, const char *data)
{
	list->raw = grown(list->raw, &list->raw_cap,
	    list->raw_len + item->len + 1, 1);
	item->off = list->raw_len;
	item->bad = true;
	if (item->len)
		memcpy(list->raw + item->off, data, item->len);
	list->raw_len += item->len;
	list->n_bad++;
}

void
cdb_batch_put(struct cdb_batch *batch, enum cdb_channel ch, const char *id,
    const char *data, size_t len)
{
	struct cdb_list *list = &batch->lists[ch];
	struct cdb_item *item;

	list->items = grown(list->items, &list->cap_items, list->n + 1,
	    sizeof(*list->items));
	item = &list->items[list->n++];
	memset(item, 0, sizeof(*item));
	snprintf(item->id, sizeof(item->id), "%s", id);
	item->len = data ? len : 0;
	if (is_object(data, len))
		good_put(list, item, data);
	else
		bad_put(list, item, data);
}

const char *
cdb_list_array(struct cdb_list *list)
{
	if (list->len == 0)
		return "[]";
	list->json[list->len] = ']';
	list->json[list->len + 1] = '\0';
	return list->json;
}

const char *
cdb_item_data(const struct cdb_list *list, size_t i)
{
	const struct cdb_item *item = &list->items[i];

	return (item->bad ? list->raw : list->json) + item->off;
}

size_t
cdb_batch_size(const struct cdb_batch *batch)
{
	size_t n = 0;

	for (size_t ch = 0; ch < CDB_CHANNELS; ch++)
		n += batch->lists[ch].n;
	return n;
}

void
cdb_batch_clear(struct cdb_batch *batch)
{
	for (size_t ch = 0; ch < CDB_CHANNELS; ch++) {
		struct cdb_list *list = &batch->lists[ch];

		list->len = list->n = list->n_bad = list->raw_len = 0;
	}
}

void
cdb_batch_free(struct cdb_batch *batch)
{
	for (size_t ch = 0; ch < CDB_CHANNELS; ch++) {
		free(batch->lists[ch].json);
		free(batch->lists[ch].items);
		free(batch->lists[ch].raw);
	}
	memset(batch, 0, sizeof(*batch));
}
