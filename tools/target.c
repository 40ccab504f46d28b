/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smx.h"

int
complain(const struct smx_error *error)
{
	fflush(stdout);
	fprintf(stderr, "smx: %s\n", error->msg);
	return 1;
}

const char *
target_service(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	size_t prefix = strlen(SMX_FILE_PREFIX);

	return strncmp(name, SMX_FILE_PREFIX, prefix) == 0 ?
	    name + prefix : name;
}

static bool
copy(char *to, size_t cap, const char *from, size_t len)
{
	if (len >= cap)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

static bool
is_aside(const char *name)
{
	return strncmp(name, SMX_ASIDE_PREFIX, strlen(SMX_ASIDE_PREFIX)) == 0;
}

/* Splits a path, or makes a service's name the file of it. */
static bool
resolve(struct target *t, const struct options *o, const char *word)
{
	const char *slash = strrchr(word, '/');
	bool whole = target_service(word) != word || is_aside(word);
	const char *prefix = whole ? "" : SMX_FILE_PREFIX;
	int n;

	if (slash != NULL)
		return copy(t->dir, sizeof(t->dir), word,
			   slash == word ? 1 : (size_t)(slash - word)) &&
		    copy(t->file, sizeof(t->file), slash + 1,
			strlen(slash + 1));
	n = snprintf(t->file, sizeof(t->file), "%s%s", prefix, word);
	return n > 0 && (size_t)n < sizeof(t->file) &&
	    copy(t->dir, sizeof(t->dir), o->dir, strlen(o->dir));
}

static int
say(struct smx_error *error, int code, const char *what, const char *where)
{
	error->code = code;
	snprintf(error->msg, sizeof(error->msg), "%.200s: %s", where, what);
	return code;
}

void
target_hint(struct smx_error *error, const char *format, ...)
{
	size_t len = strlen(error->msg);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->msg + len, sizeof(error->msg) - len, format,
	    args);
	va_end(args);
}

int
target_find(struct target *t, const struct options *o, const char *word,
    struct smx_error *error)
{
	if (!resolve(t, o, word))
		return say(error, -ENAMETOOLONG, "too long", word);
	t->fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd < 0)
		return say(error, -errno, strerror(errno), t->dir);
	return 0;
}

int
target_open(struct smx_view **view, const struct options *o, const char *word,
    struct smx_error *error)
{
	struct target t;
	int err = target_find(&t, o, word, error);

	if (err < 0)
		return err;
	err = smx_view_open(view, t.fd, t.file, &o->view, error);
	close(t.fd);
	if (err == -EPERM)
		target_hint(error, " (see --owner)");
	if (err == -ENOENT)
		target_hint(error, " in %s", t.dir);
	return err;
}
