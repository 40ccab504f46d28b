/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smx.h"

/* Inserts a point `places` digits from the right; drops zeros at the end. */
static void
put_point(char *to, const char *digits, size_t places)
{
	size_t n = strlen(digits), zeros = n <= places ? places - n + 1 : 0;
	char padded[TEXT_NUMBER];
	size_t end;

	memset(padded, '0', zeros);
	memcpy(padded + zeros, digits, n + 1);
	n += zeros;
	memcpy(to, padded, n - places);
	to[n - places] = '.';
	memcpy(to + n - places + 1, padded + n - places, places + 1);
	for (end = n + 1; to[end - 1] == '0'; end--)
		;
	to[to[end - 1] == '.' ? end - 1 : end] = '\0';
}

void
text_decimal(char to[TEXT_NUMBER], uint64_t cell, int exponent)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, cell);

	if (exponent > 0) {
		put_point(to, digits, (size_t)exponent);
		return;
	}
	memcpy(to, digits, (size_t)n);
	if (cell != 0)
		for (; exponent < 0; exponent++)
			to[n++] = '0';
	to[n] = '\0';
}

void
text_double(char to[TEXT_NUMBER], double value)
{
	if (!isfinite(value)) {
		snprintf(to, TEXT_NUMBER, "%s",
		    isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(to, TEXT_NUMBER, "%.*g", digits, value);
		if (strtod(to, NULL) == value)
			break;
	}
}

static void
write_quoted(FILE *to, const char *s)
{
	putc('"', to);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(to, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '\t')
			fputs("\\t", to);
		else if ((unsigned char)*s < ' ')
			fprintf(to, "\\u%04x", (unsigned)*s);
		else
			putc(*s, to);
	}
	putc('"', to);
}

void
text_put_quoted(const char *s)
{
	write_quoted(stdout, s);
}

void
text_write_labels(FILE *to, const struct smx_family_info *f,
    const struct smx_series_info *s)
{
	const char *name = f->labels, *value = s->values;

	if (f->n_labels == 0)
		return;
	for (uint32_t i = 0; i < f->n_labels; i++) {
		fprintf(to, "%c%s=", i == 0 ? '{' : ',', name);
		write_quoted(to, value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
	}
	putc('}', to);
}

void
text_put_labels(const struct smx_family_info *f,
    const struct smx_series_info *s)
{
	text_write_labels(stdout, f, s);
}

void
text_put_exemplar_labels(const struct smx_exemplar *e)
{
	const char *at = e->text;

	for (uint32_t i = 0; i < e->n_labels; i++) {
		printf("%c%s=", i == 0 ? '{' : ',', at);
		at += strlen(at) + 1;
		text_put_quoted(at);
		at += strlen(at) + 1;
	}
	putchar('}');
}

const char *
text_type(const struct smx_family_info *f)
{
	static const char *const names[] = { "", "counter", "gauge",
		"histogram" };

	return names[f->type];
}

void
text_time(char to[TEXT_NUMBER], uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(to, TEXT_NUMBER, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
