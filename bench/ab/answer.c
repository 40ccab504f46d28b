/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header field, or NULL; the head is a string of lines. */
static const char *
field(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line;
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

/* The head is complete: what does it announce? */
static int
head_read(struct answer *a)
{
	const char *length = field(a->head, "Content-Length");
	const char *connection = field(a->head, "Connection");
	char *end;

	if (strncmp(a->head, "HTTP/1.", 7) != 0 || !length)
		return -EBADMSG;
	a->status = (unsigned)strtoul(a->head + 9, NULL, 10);
	a->left = strtoull(length, &end, 10);
	a->closing = connection ? strncasecmp(connection, "close", 5) == 0
				: strncmp(a->head, "HTTP/1.0", 8) == 0;
	a->headed = true;
	return end == length || *end != '\r' ? -EBADMSG : 0;
}

/* Bytes until the end of the head are kept; how many were used. */
static int64_t
head_take(struct answer *a, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a->len + 1 == sizeof(a->head))
			return -E2BIG;
		a->head[a->len++] = bytes[i];
		if (bytes[i] != '\n' || a->len < 4 ||
		    memcmp(a->head + a->len - 4, "\r\n\r\n", 4) != 0)
			continue;
		a->head[a->len] = '\0';
		return head_read(a) < 0 ? -EBADMSG : (int64_t)i + 1;
	}
	return (int64_t)n;
}

int
answer_take(struct answer *a, const char *bytes, size_t n)
{
	if (!a->headed) {
		int64_t used = head_take(a, bytes, n);

		if (used < 0)
			return (int)used;
		if (!a->headed)
			return 0;
		bytes += used;
		n -= (size_t)used;
	}
	if (n > a->left)
		return -EBADMSG;
	a->left -= n;
	return a->left == 0;
}
