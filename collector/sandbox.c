/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/confine.h"

/* /proc; the segments; the file and the three it names, each as written and
 * as it really lies. */
#define READ_MAX (2 + 2 * (1 + WEBCONF_FILES))

struct places {
	char *dirs[READ_MAX];
	size_t n;
};

static void
add(struct places *p, char *dir)
{
	if (dir)
		p->dirs[p->n++] = dir;
}

/* The directory part of a path: a new string, NULL without memory. */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") :
	    strndup(path, (size_t)(slash - path));
}

static bool
is_mount(const char *dir, const struct stat *st)
{
	char up[PATH_MAX + 4];
	struct stat above;

	strcpy(stpcpy(up, dir), "/..");
	return stat(up, &above) == 0 && above.st_dev != st->st_dev;
}

/*
 * A directory that may be removed and made anew: its parent, since what is
 * allowed is bound to the directory there is now.  A mount stays.  One that is
 * not there yet: the nearest that is.
 */
static void
add_renewable(struct places *p, const char *path)
{
	char real[PATH_MAX];
	char *at = strdup(path), *up;
	struct stat st;

	while (at && !realpath(at, real)) {
		up = parent_of(at);
		free(at);
		at = up;
	}
	if (!at)
		return;
	if (strcmp(at, path) != 0 || stat(real, &st) < 0 ||
	    is_mount(real, &st))
		add(p, strdup(real));
	else
		add(p, parent_of(real));
	free(at);
}

/* A file that is replaced by renaming, or that is a link to such a one. */
static void
add_file(struct places *p, const char *path)
{
	char real[PATH_MAX];

	if (!path)
		return;
	add(p, parent_of(path));
	if (realpath(path, real))
		add(p, parent_of(real));
}

static void
confine_to(const struct places *read, const struct sockets *sockets,
    const struct log *log)
{
	char *remove[SOCKETS_MAX];
	size_t n = 0;
	int err;

	for (size_t i = 0; i < sockets->n && !sockets->given; i++)
		if (sockets->addr[i].is_unix &&
		    (remove[n] = parent_of(sockets->addr[i].path)) != NULL)
			n++;
	err = confine_files(&(struct confine_files){
	    .read_below = (const char *const *)read->dirs, .n_read = read->n,
	    .remove_below = (const char *const *)remove, .n_remove = n });
	while (n > 0)
		free(remove[--n]);
	if (err == -EOPNOTSUPP)
		log_warn(log, "this kernel has no Landlock: all files stay in "
		    "reach");
	else if (err < 0)
		log_warn(log, "Landlock does not work: all files stay in "
		    "reach", LOG_ERR(err));
}

static void
enter_landlock(const struct options *opt, const struct sockets *sockets,
    const struct webconf *conf, const struct log *log)
{
	struct places read = { .n = 0 };

	add(&read, strdup("/proc"));
	add_renewable(&read, opt->dir);
	add_file(&read, opt->web_config);
	for (size_t i = 0; conf && i < WEBCONF_FILES; i++)
		add_file(&read, conf->files[i]);
	confine_to(&read, sockets, log);
	while (read.n > 0)
		free(read.dirs[--read.n]);
}

static void
enter_seccomp(const struct log *log)
{
	int err = confine_calls();

	if (err == -EOPNOTSUPP)
		log_warn(log, "no seccomp in this kernel or build: all system "
		    "calls stay allowed");
	else if (err < 0)
		log_warn(log, "seccomp does not work: all system calls stay "
		    "allowed", LOG_ERR(err));
}

void
sandbox_enter(const struct options *opt, const struct sockets *sockets,
    const struct webconf *conf, const struct log *log)
{
	if (opt->landlock)
		enter_landlock(opt, sockets, conf, log);
	if (opt->seccomp)
		enter_seccomp(log);
}
