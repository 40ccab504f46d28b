/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A quarter stays free: segments that nobody can ask for are no use. */
static int
fd_max(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)(lim.rlim_cur - lim.rlim_cur / 4);
}

void
segments_init(struct segments *s, const char *dir, uid_t owner,
    const struct log *log)
{
	*s = (struct segments){ .dir = dir, .site = { .owner = owner,
		.log = log, .dirfd = -1, .fd_max = fd_max() } };
}

void
segments_close(struct segments *s)
{
	for (size_t i = 0; i < s->n; i++)
		segment_destroy(s->v[i]);
	free(s->v);
	if (s->site.dirfd >= 0)
		close(s->site.dirfd);
	s->v = NULL;
	s->n = s->cap = 0;
	s->site.dirfd = -1;
}

static int
compare(const void *a, const void *b)
{
	const struct segment *x = *(struct segment *const *)a;
	const struct segment *y = *(struct segment *const *)b;
	int c = strcmp(x->service, y->service);

	c = c ? c : strcmp(x->instance, y->instance);
	return c ? c : strcmp(x->file, y->file);
}

static struct segment *
lookup(const struct segments *s, const char *file)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->file, file) == 0)
			return s->v[i];
	return NULL;
}

static struct segment *
add(struct segments *s, const char *file)
{
	struct segment *g;

	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct segment **v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		s->v = v;
		s->cap = cap;
	}
	g = segment_create(file);
	if (g)
		s->v[s->n++] = g;
	return g;
}

/* Whoever floods the directory does not flood us. */
static void
say_crowded(struct segments *s)
{
	if (s->crowded)
		return;
	s->crowded = true;
	s->site.errors[CAUSE_BUDGET]++;
	log_warn(s->site.log, "too many segments, further ones are left out",
	    LOG_STR("dir", s->dir), LOG_INT("limit", SEGMENTS_MAX));
}

static bool
shows(const struct segment *g, const struct stat *st)
{
	return g->view && g->st.st_ino == st->st_ino &&
	    g->st.st_dev == st->st_dev;
}

/* The one that shows the same file under another name, which can be a hard
 * link to a file of somebody else's.  The count of links says nothing of a
 * file that we do not show yet: a link that is being removed is no longer
 * counted, and can still be opened. */
static const struct segment *
find_twin(const struct segments *s, const struct segment *g,
    const struct stat *st)
{
	bool shown = shows(g, st);

	if (shown && st->st_nlink == 1)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct segment *h = s->v[i];

		if (h != g && shows(h, st) && (!shown || h->serial < g->serial))
			return h;
	}
	return NULL;
}

static void
look_at(struct segments *s, struct segment *g)
{
	const struct segment *twin;
	struct stat st;
	char why[sizeof(g->reason)];

	if (fstatat(s->site.dirfd, g->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;		/* gone since; not seen, so dropped */
	twin = find_twin(s, g, &st);
	if (!twin) {
		segment_update(g, &s->site, &st);
		return;
	}
	g->seen = true;
	(void)segment_parse_name(g->file, g->service, g->instance);
	snprintf(why, sizeof(why), "another name of %.200s", twin->file);
	segment_refuse(g, &s->site, -EINVAL, why);
}

static void
visit(struct segments *s, const char *file)
{
	struct segment *g;

	if (strncmp(file, SMX_FILE_PREFIX, strlen(SMX_FILE_PREFIX)) != 0)
		return;
	g = lookup(s, file);
	if (!g && s->n >= SEGMENTS_MAX) {
		say_crowded(s);
		return;
	}
	g = g ? g : add(s, file);
	if (g)
		look_at(s, g);
}

static void
drop_unseen(struct segments *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct segment *g = s->v[i];

		if (g->seen) {
			s->v[n++] = g;
			continue;
		}
		if (g->view || g->bad)
			log_info(s->site.log, "segment gone",
			    LOG_STR("file", g->file));
		segment_destroy(g);
	}
	s->n = n;
	if (n < SEGMENTS_MAX)
		s->crowded = false;
}

static void
dir_failed(struct segments *s, int err)
{
	if (s->dir_err != err)
		log_warn(s->site.log, "cannot read the directory of the segments",
		    LOG_STR("dir", s->dir), LOG_ERR(err));
	s->dir_err = err;
	if (s->site.dirfd >= 0)
		close(s->site.dirfd);
	s->site.dirfd = -1;
}

/* The path may name another directory by now, or none. */
static int
open_dir(struct segments *s)
{
	struct stat now, held;

	if (stat(s->dir, &now) < 0)
		return -errno;
	if (s->site.dirfd >= 0 && fstat(s->site.dirfd, &held) == 0 &&
	    held.st_dev == now.st_dev && held.st_ino == now.st_ino) {
		s->site.open_to_all = now.st_mode & S_IWOTH;
		return 0;
	}
	if (s->site.dirfd >= 0)
		close(s->site.dirfd);
	s->site.dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->site.dirfd < 0 || fstat(s->site.dirfd, &now) < 0)
		return -errno;
	s->site.open_to_all = now.st_mode & S_IWOTH;
	return 0;
}

static int
read_dir(struct segments *s)
{
	/* an own description: the position of dirfd stays out of it */
	int fd = openat(s->site.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)) != NULL)
		visit(s, e->d_name);
	closedir(d);
	return 0;
}

void
segments_scan(struct segments *s)
{
	int err;

	for (size_t i = 0; i < s->n; i++)
		s->v[i]->seen = false;
	err = open_dir(s);
	if (err == 0)
		err = read_dir(s);
	if (err < 0) {
		dir_failed(s, err);
	} else {
		if (s->dir_err)
			log_info(s->site.log, "the directory is there",
			    LOG_STR("dir", s->dir));
		s->dir_err = 0;
	}
	drop_unseen(s);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

static struct segment *
find_heaviest(const struct segments *s, uint64_t *sum)
{
	struct segment *heaviest = NULL;

	*sum = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct segment *g = s->v[i];

		if (!g->shown)
			continue;
		*sum += g->bytes;
		if (!heaviest || heaviest->bytes < g->bytes)
			heaviest = g;
	}
	return heaviest;
}

/* All together must fit: the heaviest go, so that the others can stay. */
static void
shed_weight(struct segments *s)
{
	struct segment *g;
	char why[192];
	uint64_t sum;

	while ((g = find_heaviest(s, &sum)) != NULL &&
	    sum > SEGMENTS_BYTES_MAX) {
		snprintf(why, sizeof(why), "the heaviest of segments that "
		    "together could take more than %" PRIu64 " bytes to show",
		    SEGMENTS_BYTES_MAX);
		segment_refuse(g, &s->site, -E2BIG, why);
	}
}

void
segments_snapshot(struct segments *s, const struct selection *only)
{
	for (size_t i = 0; i < s->n; i++) {
		struct segment *g = s->v[i];

		g->shown = false;
		if (!only || select_matches(only, g->service, g->instance))
			segment_snapshot(g, &s->site);
	}
	shed_weight(s);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i]->shown)
			s->v[i]->costly = 0;
}

size_t
segments_bad(const struct segments *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i]->bad;
	return n;
}
