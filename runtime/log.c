/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Room kept back so that `,"cut":true}\n` always fits. */
#define TAIL_ROOM 16

/*
 * A line being written.  I1: at every moment text[0..len) is the start of a
 * line that closing makes valid; what does not fit is undone, never half
 * there.
 */
struct line {
	size_t len;
	bool cut;
	char text[LOG_LINE_MAX];
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static size_t
room(const struct line *l)
{
	return sizeof(l->text) - TAIL_ROOM - l->len;
}

static bool
put(struct line *l, const char *s, size_t n)
{
	if (n > room(l))
		return false;
	memcpy(l->text + l->len, s, n);
	l->len += n;
	return true;
}

/*
 * Bytes of the well-formed UTF-8 sequence at s, 0 when there is none
 * (surrogates, overlong forms and values past U+10FFFF are not).
 */
static size_t
utf8_len(const unsigned char *s, size_t n)
{
	size_t want = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	size_t i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < want)
		return 0;
	for (i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return want;
}

/* One character, escaped; *used is what it took from s. */
static bool
put_char(struct line *l, const unsigned char *s, size_t n, size_t *used)
{
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	const char *at = s[0] ? strchr(from, s[0]) : NULL;
	size_t len = utf8_len(s, n);
	char esc[8];

	*used = len ? len : 1;
	if (at) {
		esc[0] = '\\';
		esc[1] = to[at - from];
		return put(l, esc, 2);
	}
	if (s[0] < 0x20 || s[0] == 0x7f) {
		snprintf(esc, sizeof(esc), "\\u%04x", s[0]);
		return put(l, esc, 6);
	}
	if (len == 0)
		return put(l, "\xef\xbf\xbd", 3);
	return put(l, (const char *)s, len);
}

static bool
put_string(struct line *l, const char *s, size_t n)
{
	size_t used;

	if (room(l) < 8 || !put(l, "\"", 1))
		return false;
	while (n > 0) {
		/* keep room for the dots and the quote */
		if (room(l) < 6 + 4 ||
		    !put_char(l, (const unsigned char *)s, n, &used)) {
			l->cut = true;
			return put(l, "...\"", 4);
		}
		s += used;
		n -= used;
	}
	return put(l, "\"", 1);
}

static bool
put_text(struct line *l, const char *s)
{
	return s ? put_string(l, s, strlen(s)) : put(l, "null", 4);
}

static bool
put_number(struct line *l, const struct log_field *f)
{
	char text[40];
	int n;

	if (f->kind == LOG_KIND_INT)
		n = snprintf(text, sizeof(text), "%" PRId64, f->v.i);
	else if (f->kind == LOG_KIND_UINT)
		n = snprintf(text, sizeof(text), "%" PRIu64, f->v.u);
	else if (isfinite(f->v.d))
		n = snprintf(text, sizeof(text), "%.17g", f->v.d);
	else		/* JSON has no such numbers */
		n = snprintf(text, sizeof(text), "\"%f\"", f->v.d);
	return put(l, text, (size_t)n);
}

static bool
put_value(struct line *l, const struct log_field *f)
{
	char text[96];

	switch (f->kind) {
	case LOG_KIND_STRN:
		return put_string(l, f->v.s, f->len);
	case LOG_KIND_STR:
		return put_text(l, f->v.s);
	case LOG_KIND_BOOL:
		return put(l, f->v.b ? "true" : "false", f->v.b ? 4 : 5);
	case LOG_KIND_ERR:
		return put_text(l, strerror_r((int)-f->v.i, text,
		    sizeof(text)));
	default:
		return put_number(l, f);
	}
}

static void
put_field(struct line *l, const struct log_field *f)
{
	size_t start = l->len;

	if (put(l, ",\"", 2) && put(l, f->key, strlen(f->key)) &&
	    put(l, "\":", 2) && put_value(l, f))
		return;
	l->len = start;		/* I1 */
	l->cut = true;
}

static void
put_head(struct line *l, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	int n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = snprintf(l->text, 80,
	    "{\"ts\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"level\":\"%s\"",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000, level_names[level]);
	l->len = (size_t)n;
}

/* Of the whole process, whatever it logs to: normally that is one place. */
static uint64_t lost;

/* Whether one line can be written without waiting: a pipe with room at all
 * has it for a page, and so has the socket of a journal. */
static bool
takes_a_line(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) != 0;
}

void
log_write(const struct log *log, enum log_level level, const char *msg,
    const struct log_field *fields)
{
	struct line l;
	int saved = errno;
	uint64_t gone;
	ssize_t n;

	if (level < log->min)
		return;
	if (!takes_a_line(log->fd)) {
		__atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
		errno = saved;
		return;
	}
	/* relaxed: a number for people */
	gone = __atomic_exchange_n(&lost, 0, __ATOMIC_RELAXED);
	l.cut = false;
	put_head(&l, level);
	put_field(&l, &LOG_STR("service", log->service));
	put_field(&l, &LOG_STR("msg", msg));
	if (gone > 0)
		put_field(&l, &LOG_UINT("lost", gone));
	for (; fields->kind != LOG_KIND_END; fields++)
		put_field(&l, fields);
	if (l.cut) {	/* TAIL_ROOM */
		memcpy(l.text + l.len, ",\"cut\":true", 11);
		l.len += 11;
	}
	memcpy(l.text + l.len, "}\n", 2);
	do
		n = write(log->fd, l.text, l.len + 2);
	while (n < 0 && errno == EINTR);
	errno = saved;
}

int
log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool
log_rate_pass(struct log_rate *rate, uint64_t now_ms, uint64_t *held_back)
{
	if (now_ms - rate->since_ms >= rate->period_ms) {
		rate->since_ms = now_ms;
		rate->n = 0;
	}
	if (rate->n >= rate->burst) {
		rate->held_back++;
		return false;
	}
	rate->n++;
	*held_back = rate->held_back;
	rate->held_back = 0;
	return true;
}
