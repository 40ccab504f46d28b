/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (8u << 20)

/* What a year later one still wants to know. */
static const char *const chosen[] = {
	"market_data_published_total", "cdb_ticks_total",
	"signals_generated_total", "signals_received_total", "orders_total",
	"orders_blocked_total", "execution_orders_filled_total",
	"execution_orders_rejected_total", "cdb_fees_quote_total",
	"cdb_tick_to_signal_seconds_sum", "cdb_tick_to_signal_seconds_count",
	"cdb_signal_to_order_seconds_sum", "cdb_signal_to_order_seconds_count",
	"cdb_order_ack_seconds_sum", "cdb_order_ack_seconds_count",
	"cdb_tick_to_trade_seconds_sum", "cdb_tick_to_trade_seconds_count",
	"cdb_db_write_seconds_sum", "cdb_db_write_seconds_count",
	"cdb_http_request_duration_seconds_sum",
	"cdb_http_request_duration_seconds_count",
	"cdb_total_exposure_ratio", "cdb_daily_drawdown_ratio",
	"cdb_bus_consumer_lag",
	"process_cpu_seconds_total", "process_resident_memory_bytes",
};

static bool
is_chosen(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++)
		if (strlen(chosen[i]) == len &&
		    memcmp(chosen[i], name, len) == 0)
			return true;
	return false;
}

/* One label value behind its quote, unescaped; the end quote, or NULL. */
static const char *
value_read(const char *s, char *dst, size_t cap)
{
	size_t n = 0;

	for (; *s && *s != '"' && *s != '\n'; s++) {
		char c = *s;

		if (c == '\\' && s[1]) {
			c = *++s == 'n' ? '\n' : *s;
		}
		if (n + 1 < cap)
			dst[n++] = c;
	}
	dst[n] = '\0';
	return *s == '"' ? s : NULL;
}

/* {a="x",b="y"} into `labels`; what comes behind it, or NULL. */
static const char *
labels_read(const char *s, json_t *labels)
{
	while (*s == '{' || *s == ',') {
		char name[128];
		char value[512];
		size_t len = strcspn(++s, "=}\n");

		if (*s == '}')
			break;
		if (s[len] != '=' || s[len + 1] != '"' ||
		    len >= sizeof(name))
			return NULL;
		memcpy(name, s, len);
		name[len] = '\0';
		s = value_read(s + len + 2, value, sizeof(value));
		if (!s)
			return NULL;
		s++;
		json_object_set_new(labels, name, json_string(value));
	}
	return *s == '}' ? s + 1 : s;
}

/* The row of one line, NULL when it is not chosen or no sample. */
static json_t *
row_of(const char *line, int64_t ts_s, int window_s)
{
	size_t len = strcspn(line, "{ \n");
	json_t *labels;
	const char *service;
	const char *rest;
	char *end;
	double value;
	json_t *row;

	if (!is_chosen(line, len))
		return NULL;
	labels = json_object();
	rest = labels_read(line + len, labels);
	value = rest ? strtod(rest, &end) : 0;
	if (!rest || end == rest || value - value != 0) {
		json_decref(labels);	/* NaN and infinities say nothing */
		return NULL;
	}
	service = json_string_value(json_object_get(labels, "service"));
	row = json_pack("{s:I, s:s, s:s#, s:i, s:f}", "ts",
	    (json_int_t)ts_s, "service", service ? service : "", "name",
	    line, (int)len, "window_s", window_s, "value", value);
	json_object_del(labels, "service");
	json_object_set_new(row, "labels", labels);
	return row;
}

int
cdb_sample_parse(const char *text, int64_t ts_s, int window_s, char **array)
{
	json_t *rows = json_array();

	while (rows && *text) {
		size_t len = strcspn(text, "\n");
		json_t *row = row_of(text, ts_s, window_s);

		if (row)
			json_array_append_new(rows, row);
		text += len + (text[len] == '\n');
	}
	*array = json_array_size(rows) ? json_dumps(rows, JSON_COMPACT)
				       : NULL;
	json_decref(rows);
	return *array ? 0 : -EBADMSG;
}

/* http://HOST[:PORT] in parts; 0 or -EINVAL. */
static int
url_split(const char *url, char host[128], char port[8])
{
	const char *s = strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
	size_t len = s ? strcspn(s, ":/") : 0;
	size_t digits;

	if (len == 0 || len >= 128)
		return -EINVAL;
	memcpy(host, s, len);
	host[len] = '\0';
	strcpy(port, "80");
	if (s[len] != ':')
		return 0;
	digits = strspn(s + len + 1, "0123456789");
	if (digits == 0 || digits > 5)
		return -EINVAL;
	memcpy(port, s + len + 1, digits);
	port[digits] = '\0';
	return 0;
}

static int
connected(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct timeval patience = { .tv_sec = 5 };
	struct addrinfo *list;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		    sizeof(patience));
		if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

/* All that comes until the end, NUL behind it, to be freed; or NULL. */
static char *
answer_read(int fd)
{
	size_t cap = 1u << 16;
	size_t len = 0;
	char *text = malloc(cap);

	while (text) {
		ssize_t got = recv(fd, text + len, cap - len - 1, 0);

		if (got <= 0) {
			text[len] = '\0';
			return text;	/* cut off: without its last line */
		}
		len += (size_t)got;
		if (cap - len < 4096 && cap < ANSWER_MAX) {
			char *more = realloc(text, cap *= 2);

			if (!more)
				free(text);
			text = more;
		} else if (cap - len < 2) {
			break;
		}
	}
	free(text);
	return NULL;
}

static int
body_parse(const char *answer, int64_t ts_s, int window_s, char **array,
    char why[CDB_SAMPLE_WHY])
{
	const char *body = strstr(answer, "\r\n\r\n");
	int err = -EBADMSG;

	if (strncmp(answer, "HTTP/1.", 7) != 0 ||
	    strncmp(answer + 8, " 200", 4) != 0 || !body)
		snprintf(why, CDB_SAMPLE_WHY, "the answer is not 200: %.40s",
		    answer);
	else if ((err = cdb_sample_parse(body + 4, ts_s, window_s, array)) < 0)
		snprintf(why, CDB_SAMPLE_WHY, "none of our metrics is there");
	return err;
}

int
cdb_sample_fetch(const char *url, int64_t ts_s, int window_s, char **array,
    char why[CDB_SAMPLE_WHY])
{
	char host[128];
	char port[8];
	char request[256];
	char *answer;
	int len;
	int fd;
	int err;

	if (url_split(url, host, port) < 0) {
		snprintf(why, CDB_SAMPLE_WHY, "not http://HOST:PORT");
		return -EINVAL;
	}
	fd = connected(host, port);
	snprintf(why, CDB_SAMPLE_WHY, "no answer from %.90s:%s", host, port);
	if (fd < 0)
		return -EHOSTUNREACH;
	/* 1.0: the body comes as it is, and ends with the connection */
	len = snprintf(request, sizeof(request), "GET /metrics HTTP/1.0\r\n"
	    "Host: %s\r\nAccept: text/plain\r\nConnection: close\r\n\r\n",
	    host);
	answer = send(fd, request, (size_t)len, MSG_NOSIGNAL) == len
	    ? answer_read(fd) : NULL;
	close(fd);
	if (!answer || !answer[0]) {
		free(answer);
		return -EHOSTUNREACH;
	}
	err = body_parse(answer, ts_s, window_s, array, why);
	free(answer);
	return err;
}
