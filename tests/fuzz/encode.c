/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expo/json.h"
#include "libshm/src/text.h"
#include "tests/fuzz/fuzz.h"

/* More would only be slow. */
#define BYTES_MAX ((size_t)64 << 20)

static bool
begins(const char *at, const char *end, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(end - at) >= n && memcmp(at, what, n) == 0;
}

/* The name, then at once the label that says whose it is. */
static bool
is_of_source(const char *line, const char *end, const struct expo_source *s)
{
	const char *brace = memchr(line, '{', (size_t)(end - line));
	char label[80];

	if (s->bare)
		return true;
	snprintf(label, sizeof(label), "{service=\"%s\"", s->service);
	return brace != NULL && smx__name_valid(line, (size_t)(brace - line)) &&
	       begins(brace, end, label);
}

static void
check_line(
    const char *line, const char *end, const struct expo_source *s, size_t n)
{
	bool known = begins(line, end, "# HELP ") ||
		     begins(line, end, "# TYPE ") ||
		     begins(line, end, "# UNIT ") || begins(line, end, "# EOF");

	for (size_t i = 0; i < n && !known; i++)
		known = is_of_source(line, end, &s[i]);
	fuzz_require(known, "every sample is labelled with its service");
}

static void
check_text(const char *text, size_t len, const struct expo_source *s, size_t n)
{
	const char *end = text + len, *line = text, *next;

	fuzz_require(smx__text_valid(text, len), "an exposition is text");
	for (; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		fuzz_require(next != NULL, "every line ends");
		check_line(line, next, s, n);
	}
}

/* Into memory that ends where it must, so that a sanitizer sees more. */
static char *
render(const struct expo_page *page, enum expo_format format,
    const struct smx_snapshot *const *snaps, size_t cap, size_t *len)
{
	char *text = malloc(cap > 0 ? cap : 1);

	fuzz_require(text != NULL, "there is memory");
	*len = expo_render(text, cap, page, format, snaps);
	return text;
}

static void
check_format(const struct expo_page *page, enum expo_format format,
    const struct expo_source *sources, size_t n,
    const struct smx_snapshot *const *snaps)
{
	size_t cap = expo_page_bound(page, format, snaps), len, again;
	char *text, *part;

	if (cap > BYTES_MAX)
		return;
	text = render(page, format, snaps, cap, &len);
	fuzz_require(len <= cap, "the bound of a page is one");
	part = render(page, format, snaps, len / 2, &again);
	fuzz_require(again == len, "the length does not depend on the room");
	fuzz_require(
	    memcmp(text, part, len / 2) == 0, "what fits is the beginning");
	if (format != EXPO_PROTOBUF)
		check_text(text, len, sources, n);
	free(text);
	free(part);
}

/* Brackets and quotes belong together; a parser has the rest (unit/expo_json).
 */
static bool
is_closed(const char *text, size_t len)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < len && depth >= 0; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (c == '{' || c == '[') - (c == '}' || c == ']');
	}
	return depth == 0 && !quoted;
}

/* With names and without, all of it and a part. */
static void
check_json(const struct expo_page *page, const struct expo_source *sources,
    const struct smx_snapshot *const *snaps)
{
	char *text = malloc(EXPO_JSON_MAX);

	fuzz_require(text != NULL, "there is memory");
	for (unsigned i = 0; i < 4; i++) {
		const struct expo_window w = { .plan = "1-1", .family = "",
			.first = i & 2 ? 1 : 0, .limit = i & 2 ? 3 : 10000,
			.values_only = i & 1 };
		size_t len = expo_json(text, page, sources, &w, snaps);

		fuzz_require(len <= EXPO_JSON_MAX, "its end is where it says");
		fuzz_require(smx__text_valid(text, len), "an answer is text");
		fuzz_require(is_closed(text, len), "an answer is whole");
	}
	free(text);
}

void
fuzz_encode(const struct expo_source *sources, size_t n,
    const struct smx_snapshot *const *snaps)
{
	struct expo_page *page = NULL;
	const struct expo_loss *losses;
	size_t n_losses;

	if (expo_page_create(&page, sources, n) < 0)
		return;
	n_losses = expo_page_losses(page, &losses);
	for (size_t i = 0; i < n_losses; i++)
		fuzz_require(losses[i].source < n &&
				 *expo_reason_text(losses[i].reason) != '\0',
		    "a loss says whose and why");
	fuzz_require(expo_page_bytes(page) > 0, "a page has a size");
	for (int format = 0; format < EXPO_FORMATS; format++)
		check_format(page, (enum expo_format)format, sources, n, snaps);
	check_json(page, sources, snaps);
	expo_page_destroy(page);
}
