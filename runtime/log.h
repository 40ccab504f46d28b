/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h -- one JSON object a line, to a file descriptor.
 *
 *	{"ts":"2026-01-02T03:04:05.678901Z","level":"info","service":"feed",
 *	 "msg":"connected","address":"127.0.0.1:6379","tries":3}
 *
 *	log_info(log, "connected", LOG_STR("address", a), LOG_INT("tries", 3));
 *
 * Every line parses, whatever is in the strings: bytes that are not UTF-8
 * become U+FFFD.  A line that would be longer than LOG_LINE_MAX has its
 * strings cut (they then end in "...") and, if need be, its last fields left
 * out, with "cut":true at the end.
 *
 * Thread   any: a line is formatted on the stack and leaves in one write().
 * Errors   none are reported: a log that cannot be written is no reason to
 *          stop, nor to wait.  Lines for which whoever reads a pipe or a
 *          socket makes no room are lost; the next one says how many.
 */
#ifndef SMX_RUNTIME_LOG_H
#define SMX_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 4096	/* bytes, newline included: atomic in a pipe */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
	int fd;			/* normally 2 */
	enum log_level min;	/* lines below it are not written */
	const char *service;	/* borrowed; the "service" field */
};

enum log_kind {
	LOG_KIND_END, LOG_KIND_STR, LOG_KIND_STRN, LOG_KIND_INT,
	LOG_KIND_UINT, LOG_KIND_NUM, LOG_KIND_BOOL, LOG_KIND_ERR,
};

struct log_field {
	enum log_kind kind;
	const char *key;	/* ASCII, without quotes: ours, not input */
	size_t len;		/* of a STRN */
	union {
		const char *s;
		int64_t i;
		uint64_t u;
		double d;
		bool b;
	} v;
};

/* A string, NULL is written as null; n bytes; a number; true or false. */
#define LOG_STR(k, x)  ((struct log_field){ LOG_KIND_STR, k, 0, { .s = x } })
#define LOG_STRN(k, x, n) \
	((struct log_field){ LOG_KIND_STRN, k, n, { .s = x } })
#define LOG_INT(k, x)  ((struct log_field){ LOG_KIND_INT, k, 0, { .i = x } })
#define LOG_UINT(k, x) ((struct log_field){ LOG_KIND_UINT, k, 0, { .u = x } })
#define LOG_NUM(k, x)  ((struct log_field){ LOG_KIND_NUM, k, 0, { .d = x } })
#define LOG_BOOL(k, x) ((struct log_field){ LOG_KIND_BOOL, k, 0, { .b = x } })
/* A negative errno, written as its text under "error". */
#define LOG_ERR(x) ((struct log_field){ LOG_KIND_ERR, "error", 0, { .i = x } })
/* The macros below append it; writing it at a call does no harm. */
#define LOG_END ((struct log_field){ LOG_KIND_END, NULL, 0, { .i = 0 } })

/* log_write -- one line; `fields` ends at the first LOG_END. */
void log_write(const struct log *log, enum log_level level, const char *msg,
    const struct log_field *fields);

#define LOG__FIELDS(...) ((const struct log_field[]){ __VA_ARGS__ })
#define log_debug(log, msg, ...) \
	log_write(log, LOG_DEBUG, msg, LOG__FIELDS(__VA_ARGS__ __VA_OPT__(,) \
	    LOG_END))
#define log_info(log, msg, ...) \
	log_write(log, LOG_INFO, msg, LOG__FIELDS(__VA_ARGS__ __VA_OPT__(,) \
	    LOG_END))
#define log_warn(log, msg, ...) \
	log_write(log, LOG_WARN, msg, LOG__FIELDS(__VA_ARGS__ __VA_OPT__(,) \
	    LOG_END))
#define log_error(log, msg, ...) \
	log_write(log, LOG_ERROR, msg, LOG__FIELDS(__VA_ARGS__ __VA_OPT__(,) \
	    LOG_END))

/* log_level_parse -- "debug", "info", "warn", "error"; -EINVAL otherwise. */
int log_level_parse(const char *text, enum log_level *out);

/*
 * struct log_rate -- lets `burst` lines through per period, counts the rest.
 *
 * Zeroed but for burst and period_ms it is ready.  One thread, or the
 * caller's lock.
 */
struct log_rate {
	uint32_t burst;
	uint32_t period_ms;
	uint64_t since_ms;
	uint32_t n;
	uint64_t held_back;	/* since the last line let through */
};

/*
 * log_rate_pass -- whether a line may be written now (any clock in ms).
 *
 * *held_back is then the number of lines held back since the last one.
 */
bool log_rate_pass(struct log_rate *rate, uint64_t now_ms,
    uint64_t *held_back);

#endif
