/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "services/common/event_id.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static enum cdb_level
level_of(const char *severity, bool resolved)
{
	if (resolved)
		return CDB_INFO;
	if (strcmp(severity, "critical") == 0)
		return CDB_CRITICAL;
	return strcmp(severity, "warning") == 0 || strcmp(severity, "high") == 0
	    ? CDB_WARNING : CDB_INFO;
}

/* RFC 3339 to ms; 0 for what is none. */
static int64_t
time_of(const char *s)
{
	struct tm tm = { 0 };

	if (sscanf(s, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000;
}

/* Bytes of s that fit, without a broken character at the end. */
static void
text_fit(char *dst, size_t cap, const char *s)
{
	size_t len = strlen(s);

	if (len >= cap) {
		len = cap - 1;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(dst, s, len);
	dst[len] = '\0';
}

static void
alert_read(const json_t *o, struct cdb_alert *a)
{
	const json_t *labels = json_object_get(o, "labels");
	const json_t *notes = json_object_get(o, "annotations");
	bool resolved = strcmp(text_of(o, "status"), "resolved") == 0;
	const char *what = text_of(notes, "summary");
	char cause[256];
	char message[512];

	memset(a, 0, sizeof(*a));
	if (!what[0])
		what = text_of(notes, "description");
	snprintf(cause, sizeof(cause), "%.64s %.16s %.64s",
	    text_of(o, "fingerprint"), text_of(o, "status"),
	    text_of(o, resolved ? "endsAt" : "startsAt"));
	cdb_event_id(0, "alertmanager", cause, a->meta.event_id);
	strcpy(a->meta.correlation_id, a->meta.event_id);
	a->level = level_of(text_of(labels, "severity"), resolved);
	a->ts_ms = time_of(text_of(o, resolved ? "endsAt" : "startsAt"));
	text_fit(a->code, sizeof(a->code), text_of(labels, "alertname"));
	snprintf(message, sizeof(message), "%s%.450s",
	    resolved ? "resolved: " : "", what);
	text_fit(a->message, sizeof(a->message), message);
}

int
cdb_webhook_read(const char *json, size_t len, struct cdb_alert *out,
    size_t max, char why[CDB_WHY_TEXT])
{
	json_error_t error;
	json_t *o = json_loadb(json, len, 0, &error);
	const json_t *alerts = json_object_get(o, "alerts");
	size_t n = json_array_size(alerts);

	why[0] = '\0';
	if (!o)
		snprintf(why, CDB_WHY_TEXT, "no JSON: %.80s", error.text);
	else if (!json_is_array(alerts))
		snprintf(why, CDB_WHY_TEXT, "there are no alerts in it");
	else if (n > max)
		snprintf(why, CDB_WHY_TEXT, "more than %zu alerts", max);
	for (size_t i = 0; i < n && !why[0]; i++) {
		alert_read(json_array_get(alerts, i), &out[i]);
		if (!out[i].code[0])
			snprintf(why, CDB_WHY_TEXT,
			    "an alert without the label alertname");
	}
	json_decref(o);
	return why[0] ? -EBADMSG : (int)n;
}
