/* SPDX-License-Identifier: Apache-2.0 */
#include "smx/view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "guard.h"
#include "header.h"
#include "load.h"
#include "view_private.h"

#define BUDGET_DEFAULT (UINT64_C(256) << 20)

/* Directory bytes read at a time: room for a largest record and its tail. */
#define READ_MAX (2 * (size_t)SMX_RECORD_MAX)

/* Puts the file's name in front of a filled error. */
static int
fail_in(const char *name, int code, struct smx_error *error)
{
	struct smx_error inner;

	if (error == NULL)
		return code;
	inner = *error;
	return smx__fail(error, code, "%.96s: %.150s", name, inner.msg);
}

int
smx__view_fail(const struct smx_view *v, int code, const char *what,
    struct smx_error *error)
{
	smx__fail(error, code, code == -E2BIG ? "%s: over the budget" : "%s:",
	    what);
	return fail_in(v->name, code, error);
}

int
smx__view_grow(void *array, size_t *cap, size_t need, size_t size)
{
	void *old, *grown;

	if (need <= *cap)
		return 0;
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, need * size);
	if (grown == NULL)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*cap = need;
	return 0;
}

int
smx__view_map(struct smx_view *v, uint64_t end)
{
	size_t size = (size_t)((end + SMX_PAGE - 1) / SMX_PAGE * SMX_PAGE);
	void *base;

	if (size <= v->mapped)
		return 0;
	if (v->mapped == 0)
		base = mmap(NULL, size, PROT_READ, MAP_SHARED, v->fd, 0);
	else
		base = mremap((void *)(uintptr_t)v->base, v->mapped, size,
		    MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -errno;
	v->base = base;
	v->mapped = size;
	return 0;
}

static bool
is_trusted(uid_t uid, const struct smx_view_options *o)
{
	return uid == geteuid() || uid == 0 ||
	    (o->check_owner && uid == o->owner);
}

/* Whose file is it?  Where everybody may create files, the name says
 * nothing: then only the users that are trusted anyway. */
static int
check_owner(int dirfd, const struct stat *st, const struct smx_view_options *o,
    struct smx_error *error)
{
	struct stat dir;

	if (is_trusted(st->st_uid, o))
		return 0;
	if (fstatat(dirfd, "", &dir, AT_EMPTY_PATH) < 0)
		return smx__fail(error, -errno, "its directory:");
	if (!o->check_owner && (dir.st_mode & S_IWOTH) == 0)
		return 0;
	return smx__fail(error, -EPERM, "belongs to user %u, who is not "
	    "trusted with it", (unsigned)st->st_uid);
}

/* O_NONBLOCK: a FIFO under our name must not hold us up. */
static int
open_file(struct smx_view *v, int dirfd, const char *file, struct stat *st,
    struct smx_error *error)
{
	size_t len = strlen(file);

	if (len == 0 || len >= sizeof(v->name) || strchr(file, '/') != NULL)
		return smx__fail(error, -EINVAL, "not the name of a file");
	memcpy(v->name, file, len + 1);
	v->fd = openat(dirfd, file,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (v->fd < 0 && errno == ELOOP)
		return smx__fail(error, -ELOOP, "a symbolic link");
	if (v->fd < 0 || fstat(v->fd, st) < 0)
		return smx__fail(error, -errno, "open:");
	if (!S_ISREG(st->st_mode))
		return smx__fail(error, -EPROTO, "not a regular file");
	v->dev = st->st_dev;
	v->ino = st->st_ino;
	return 0;
}

static int
read_exactly(int fd, void *to, size_t size, uint64_t off,
    struct smx_error *error)
{
	unsigned char *at = to;
	ssize_t n;

	for (; size > 0; size -= (size_t)n, at += n, off += (uint64_t)n) {
		n = pread(fd, at, size, (off_t)off);
		if (n < 0)
			return smx__fail(error, -errno, "read:");
		if (n == 0)
			return smx__fail(error, -EBADMSG,
			    "the file ends at %" PRIu64, off);
	}
	return 0;
}

/* The header is read again once its magic is there: the second copy is then
 * whole, since the magic is stored last. */
static int
read_header(struct smx_view *v, off_t size, struct smx_error *error)
{
	int err = 0;

	if (size == 0)
		return smx__fail(error, -EAGAIN, "still being created");
	if (size < (off_t)sizeof(v->header))
		return smx__fail(error, -EPROTO, "too short for a segment");
	for (int i = 0; i < 2 && err == 0; i++)
		err = read_exactly(v->fd, &v->header,
		    i == 0 ? sizeof(v->header.magic) : sizeof(v->header), 0,
		    error);
	return err < 0 ? err :
	    smx__header_check(&v->header, (uint64_t)size, error);
}

static int
open_view(struct smx_view *v, int dirfd, const char *file,
    const struct smx_view_options *o, struct smx_error *error)
{
	struct stat st;
	int err = open_file(v, dirfd, file, &st, error);

	if (err == 0)
		err = check_owner(dirfd, &st, o, error);
	if (err == 0)
		err = read_header(v, st.st_size, error);
	if (err < 0)
		return err;
	/* header, slots and lane table; the directory is read, not mapped */
	err = smx__view_map(v, v->header.dir_off);
	if (err < 0)
		return smx__fail(error, err, "mmap:");
	smx__directory_init(&v->dir, v->header.lane_size,
	    v->header.gauge_size, o->max_bytes);
	if (v->header.features & SMX_FEATURE_EXEMPLARS)
		v->dir.exemplar_size = v->header.exemplar_size;
	return 0;
}

int
smx_view_open(struct smx_view **view, int dirfd, const char *file,
    const struct smx_view_options *options, struct smx_error *error)
{
	struct smx_view_options o = { 0 };
	struct smx_view *v = calloc(1, sizeof(*v));
	int err;

	if (v == NULL)
		return smx__fail(error, -ENOMEM, "out of memory");
	if (options != NULL)
		o = *options;
	if (o.max_bytes == 0)
		o.max_bytes = BUDGET_DEFAULT;
	v->fd = -1;
	err = open_view(v, dirfd, file, &o, error);
	if (err < 0)
		err = fail_in(file, err, error);
	else
		err = smx_view_refresh(v, error);
	if (err < 0) {
		smx_view_close(v);
		return err;
	}
	*view = v;
	return 0;
}

void
smx_view_close(struct smx_view *v)
{
	if (v == NULL)
		return;
	if (v->mapped > 0)
		munmap((void *)(uintptr_t)v->base, v->mapped);
	if (v->fd >= 0)
		close(v->fd);
	smx__directory_free(&v->dir);
	free(v->spans.list);
	free(v->buckets);
	free(v->moved);
	free(v->slots);
	free(v->committed);
	free(v->claimed);
	free(v);
}

struct tail {
	const struct smx_header *header;
	uint64_t value;
};

/* Pairs with the writer's release store after the records (I4). */
static int
load_tail(void *arg)
{
	struct tail *t = arg;

	t->value = smx__load_acquire(&t->header->dir_tail);
	return 0;
}

static int
find_tail(const struct smx_view *v, uint64_t *tail, struct smx_error *error)
{
	struct tail t = { (const struct smx_header *)(const void *)v->base, 0 };
	int err = smx__guard_run(v->base, v->mapped, load_tail, &t);

	if (err < 0)
		return smx__fail(error, err, "header:");
	if (t.value < v->dir.done || t.value > v->header.dir_size ||
	    t.value % 8 != 0)
		return smx__fail(error, -EBADMSG, "header: dir_tail %" PRIu64
		    " of %" PRIu64, t.value, v->header.dir_size);
	/* records that nobody can keep would still have to be read */
	if (t.value > v->dir.arena.limit)
		return smx__fail(error, -E2BIG, "directory of %" PRIu64
		    " bytes is over the budget of %zu", t.value,
		    v->dir.arena.limit);
	*tail = t.value;
	return 0;
}

/* Records up to `tail`, a buffer at a time; what of it begins a record that
 * goes on beyond moves to its front. */
static int
read_records(struct smx_view *v, unsigned char *buffer, uint64_t tail,
    struct smx_error *error)
{
	uint64_t at = v->dir.done;
	size_t have = 0, used, more;
	int err;

	do {
		more = READ_MAX - have;
		if (more > tail - at)
			more = (size_t)(tail - at);
		err = read_exactly(v->fd, buffer + have, more,
		    v->header.dir_off + at, error);
		at += more;
		have += more;
		if (err == 0)
			err = smx__directory_add(&v->dir, buffer, have,
			    at == tail, &used, error);
		if (err < 0)
			return err;
		have -= used;
		memmove(buffer, buffer + used, have);
	} while (at < tail);
	return 0;
}

static int
refresh(struct smx_view *v, struct smx_error *error)
{
	unsigned char *buffer;
	uint64_t tail = 0, left;
	int err = find_tail(v, &tail, error);

	if (err < 0 || tail == v->dir.done)
		return err;
	left = tail - v->dir.done;
	buffer = malloc(left < READ_MAX ? (size_t)left : READ_MAX);
	if (buffer == NULL)
		return smx__fail(error, -ENOMEM, "out of memory");
	smx__directory_begin(&v->dir);
	err = read_records(v, buffer, tail, error);
	free(buffer);
	if (err == 0)
		err = smx__directory_commit(&v->dir, error);
	if (err < 0)
		smx__directory_rollback(&v->dir);
	return err;
}

int
smx_view_refresh(struct smx_view *v, struct smx_error *error)
{
	int err = refresh(v, error);

	return err < 0 ? fail_in(v->name, err, error) : err;
}

const struct smx_catalog *
smx_view_catalog(const struct smx_view *v)
{
	return &v->dir.catalog;
}

void
smx_view_identity(const struct smx_view *v, dev_t *dev, ino_t *ino)
{
	*dev = v->dev;
	*ino = v->ino;
}
