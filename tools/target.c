/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
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

struct target {
	char dir[4096];
	char file[256];
};

static bool
copy(char *to, size_t cap, const char *from, size_t len)
{
	if (len >= cap)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* Splits a path, or makes a service's name the file of it. */
static bool
resolve(struct target *t, const struct options *o, const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *prefix = target_service(word) == word ? SMX_FILE_PREFIX :
							    "";
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

/* What a person can do about it. */
static void
hint(struct smx_error *error, int code, const struct target *t)
{
	size_t len = strlen(error->msg);
	char *end = error->msg + len;

	if (code == -EPERM)
		snprintf(end, sizeof(error->msg) - len, " (see --owner)");
	if (code == -ENOENT)
		snprintf(end, sizeof(error->msg) - len, " in %s", t->dir);
}

int
target_open(struct smx_view **view, const struct options *o, const char *word,
    struct smx_error *error)
{
	struct target t;
	int fd, err;

	if (!resolve(&t, o, word))
		return say(error, -ENAMETOOLONG, "too long", word);
	fd = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return say(error, -errno, strerror(errno), t.dir);
	err = smx_view_open(view, fd, t.file, &o->view, error);
	close(fd);
	if (err < 0)
		hint(error, err, &t);
	return err;
}
