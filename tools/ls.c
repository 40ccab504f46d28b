/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smx.h"

struct row {
	char live[16], series[16], lanes[32], committed[24];
	const char *state;
	struct smx_error error;
};

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int
is_ours(const struct dirent *e)
{
	return begins(e->d_name, SMX_FILE_PREFIX) ||
	    begins(e->d_name, SMX_ASIDE_PREFIX);
}

static void
put_size(char to[24], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	double n = (double)bytes;
	size_t i = 0;

	for (; n >= 1024 && i < 3; i++)
		n /= 1024;
	snprintf(to, 24, "%.*f %s", i == 0 || n >= 100 ? 0 : 1, n, units[i]);
}

static uint32_t
shown_series(const struct smx_catalog *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_series; i++)
		n += !c->families[c->series[i].family].retired;
	return n;
}

static void
fill(struct row *r, const struct smx_snapshot *s)
{
	const struct smx_segment_state *state = &s->state;

	snprintf(r->live, sizeof(r->live), "%u%s", state->slots_live,
	    state->crowd ? "+" : "");
	snprintf(r->series, sizeof(r->series), "%u", shown_series(s->catalog));
	snprintf(r->lanes, sizeof(r->lanes), "%u/%u", state->lanes_owned,
	    state->lanes);
	r->state = state->slots_live > 0 || state->crowd ? "live" :
							   "no process";
}

/* 0 if it could be read. */
static int
look(struct row *r, const struct options *o, int dirfd, const char *name)
{
	struct smx_snapshot shot = { 0 };
	struct smx_view *view;
	int err = smx_view_open(&view, dirfd, name, &o->view, &r->error);

	if (err < 0)
		return err;
	err = smx_snapshot_take(&shot, view, &r->error);
	if (err == 0)
		fill(r, &shot);
	smx_snapshot_free(&shot);
	smx_view_close(view);
	return err;
}

/* The message without the name, which stands in its own column. */
static const char *
reason(const struct smx_error *e)
{
	const char *colon = strstr(e->msg, ": ");

	return colon != NULL ? colon + 2 : e->msg;
}

static void
put_row(const char *name, const struct row *r)
{
	printf("%-24s %5s %8s %9s %10s  %s\n", name, r->live, r->series,
	    r->lanes, r->committed, r->state);
}

/* 1 if something is wrong with this one. */
static int
list(const struct options *o, int dirfd, const char *name)
{
	struct row r = { "-", "-", "-", "-", "set aside", { 0, "" } };
	struct stat st;
	int err = 0;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	put_size(r.committed, (uint64_t)st.st_blocks * 512);
	if (begins(name, SMX_FILE_PREFIX)) {
		err = look(&r, o, dirfd, name);
		if (err < 0)
			r.state = reason(&r.error);
	}
	put_row(target_service(name), &r);
	return err < 0 && err != -EAGAIN;
}

int
command_ls(const struct options *o)
{
	struct dirent **names;
	int n = scandir(o->dir, &names, is_ours, alphasort), wrong = 0;
	int dirfd = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n < 0 || dirfd < 0) {
		fprintf(stderr, "smx: %s: %s\n", o->dir, strerror(errno));
		return 1;
	}
	if (n > 0)
		put_row("SERVICE", &(struct row){ "LIVE", "SERIES", "LANES",
		    "COMMITTED", "STATE", { 0, "" } });
	else
		fprintf(stderr, "smx: no segments in %s\n", o->dir);
	for (int i = 0; i < n; i++) {
		wrong |= list(o, dirfd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	close(dirfd);
	return wrong;
}
