/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.h -- what Alertmanager posts, as messages of our own.
 *
 * Thread   any; pure.
 */
#ifndef CDB_NOTIFY_WEBHOOK_H
#define CDB_NOTIFY_WEBHOOK_H

#include "services/common/trade.h"

#define CDB_WEBHOOK_MAX 64	/* alerts of one post */

/*
 * cdb_webhook_read -- the alerts of a post (webhook format, version 4).
 *
 * The same alert posted again has the same event_id.
 * Returns their number; those beyond max are an error.
 * Errors   -EBADMSG no such post; why says what is wrong with it.
 */
int cdb_webhook_read(const char *json, size_t len, struct cdb_alert *out,
    size_t max, char why[CDB_WHY_TEXT]);

#endif
