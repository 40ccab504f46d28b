/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register -- get or create: families and series in the directory, their
 * cells in the lanes.
 *
 * R1  New cells begin at the end of the last published series, so that a
 *     registration that fails or is killed leaks none.
 * R2  Cells are committed before the record is written, the record is
 *     written before the tail is moved, and the tail before the handle is
 *     returned.  A kill between any two leaves nothing that anybody sees.
 */
#include "register.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collide.h"
#include "exemplar_put.h"
#include "fail.h"
#include "index.h"
#include "lock.h"

static uint64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* I4: write past the tail, then move it. */
int
smx__append(struct smx__process *p, int fd, const struct smx_record *r,
    struct smx_error *err)
{
	uint64_t tail = p->keys.read_to;
	ssize_t n;

	if (r->size > p->geometry.dir_size - tail)
		return smx__fail(err, -ENOSPC, "the directory of %s is full "
		    "(raise smx_options.dir_bytes)", p->file);
	n = pwrite(fd, r, r->size, (off_t)(p->geometry.dir_off + tail));
	if (n != (ssize_t)r->size)
		return smx__fail(err, n < 0 ? -errno : -ENOSPC,
		    "write to the directory of %s:", p->file);
	/* release: pairs with the acquire loads of readers and siblings */
	__atomic_store_n(&p->header->dir_tail, tail + r->size,
	    __ATOMIC_RELEASE);
	return smx__keys_add(&p->keys, r, err);
}

static int
retire(struct smx__process *p, int fd, const struct smx__family_key *f,
    struct smx_error *err)
{
	struct smx_retire_record r = { .family = f->offset };

	smx__record_seal(&r.record, SMX_RECORD_RETIRE, sizeof(r));
	(void)__atomic_fetch_add(&p->header->redefined, 1, __ATOMIC_RELAXED);
	return smx__append(p, fd, &r.record, err);
}

/*
 * Names that share a sample: within one process an error of its author; of
 * other processes, or of earlier lives, the last definition wins.
 */
static int
retire_colliding(struct smx__process *p, int fd,
    const struct smx__definition *def, const struct smx__family_key *namesake,
    struct smx_error *err)
{
	struct smx__family_key *f;
	int rc = 0;

	while (rc == 0 &&
	    (f = smx__collide(&p->keys, &def->parts, namesake)) != NULL) {
		if (f->ours)
			return smx__fail(err, -EINVAL, "`%.100s` and `%.100s` "
			    "would share a sample's name", def->parts.name,
			    f->parts.name);
		rc = retire(p, fd, f, err);
	}
	return rc;
}

/* The new one first: a kill in between must not leave none. */
static int
add_family(struct smx__process *p, int fd, const struct smx__definition *def,
    struct smx__family_key *namesake, struct smx_error *err)
{
	int rc = retire_colliding(p, fd, def, namesake, err);

	if (rc == 0)
		rc = smx__append(p, fd, &def->record->record, err);
	if (rc == 0 && namesake)
		rc = retire(p, fd, namesake, err);
	return rc;
}

/*
 * This process's own family of that meaning, which another process has
 * retired.  It goes on in there, not shown: were it to win the name back, two
 * processes of different age would take it from each other for ever.
 */
static struct smx__family_key *
retired_ours(const struct smx__keys *k, const struct smx__definition *def)
{
	size_t len = def->record->name_len;
	struct smx__family_key *f = NULL;

	while ((f = smx__keys_namesake(k, def->parts.name, len, f)) != NULL)
		if (f->retired && f->ours &&
		    smx__same_meaning(&f->parts, &def->parts))
			return f;
	return NULL;
}

/*
 * The family of this definition.  Between processes the last definition
 * wins, so that a deploy with new bounds just works; within one process two
 * are an error of its author.
 */
static int
get_family(struct smx__process *p, int fd, const struct smx__definition *def,
    struct smx__family_key **family, struct smx_error *err)
{
	const char *name = def->parts.name;
	size_t len = def->record->name_len;
	struct smx__family_key *f = smx__keys_family(&p->keys, name, len);
	bool same = f && smx__same_meaning(&f->parts, &def->parts);
	int rc;

	if (f && !same && f->ours)
		return smx__fail(err, -EEXIST, "`%s` is registered already, "
		    "with another type, unit, labels or bounds", name);
	if (!same) {
		struct smx__family_key *namesake = f;

		f = retired_ours(&p->keys, def);
		if (f == NULL) {
			rc = add_family(p, fd, def, namesake, err);
			if (rc < 0)
				return rc;
			f = smx__keys_family(&p->keys, name, len);
		}
	}
	if (f == NULL)
		return smx__fail(err, -EBADMSG, "`%s` is not where it was "
		    "written", name);
	f->ours = true;
	*family = f;
	return 0;
}

/* P1: before any handle. */
static int
commit(struct smx__process *p, int fd, uint8_t type, uint64_t end,
    struct smx_error *err)
{
	uint64_t *need = type == SMX_TYPE_GAUGE ? &p->gauges_need : &p->need;
	int rc = 0;

	if (end <= *need)
		return 0;
	if (type != SMX_TYPE_GAUGE)
		rc = smx__lanes_commit(p, fd, end, err);
	else if (p->slot != SMX__NO_SLOT)
		rc = smx__area_commit(&p->gauges, fd, end,
		    &p->slots[p->slot].gauge_committed, err);
	else if (end > p->gauges.size)
		rc = smx__fail(err, -ENOSPC, "no room for more gauges (raise "
		    "smx_options.gauges)");
	if (rc == 0)
		*need = end;
	return rc;
}

static uint64_t
series_end(const struct smx__series_key *s)
{
	return s->cell + s->n_cells * UINT64_C(8);
}

/* For people and for the collector's capacity figures; under the lock. */
static void
note_reserved(uint64_t *reserved, uint64_t end)
{
	if (__atomic_load_n(reserved, __ATOMIC_RELAXED) < end)
		__atomic_store_n(reserved, end, __ATOMIC_RELAXED);
}

static int
add_series(struct smx__process *p, int fd, struct smx__family_key *f,
    const struct smx__definition *def, const char *values, size_t len,
    struct smx_error *err)
{
	bool gauge = def->record->type == SMX_TYPE_GAUGE;
	uint64_t start = gauge ? p->keys.gauges_end : p->keys.cells_end;
	uint64_t end = start + def->n_cells * UINT64_C(8);
	struct smx_series_record *r;
	int rc = commit(p, fd, def->record->type, end, err);

	if (rc < 0)
		return rc;
	note_reserved(gauge ? &p->header->gauges_reserved
			    : &p->header->cells_reserved, end);
	r = smx__series_encode(f->offset, (uint32_t)start, def->n_cells,
	    wall_ns(), values, len);
	if (r == NULL)
		return smx__fail(err, -ENOMEM, "`%s`:", def->parts.name);
	rc = smx__append(p, fd, &r->record, err);
	free(r);
	return rc;
}

static int
fill_handle(struct smx__handle *h, const struct smx__process *p,
    struct smx__family_key *f, const struct smx__series_key *s, bool exemplars,
    struct smx_error *err)
{
	if (f->record->type == SMX_TYPE_HISTOGRAM && f->index == NULL) {
		f->index = smx__index_get(f->parts.buckets,
		    f->record->n_buckets);
		if (f->index == NULL)
			return smx__fail(err, -ENOMEM, "`%s`:", f->parts.name);
	}
	h->cell = s->cell;
	h->index = f->index;
	h->exemplars = exemplars ? smx__exemplars_of(p, s->cell) : 0;
	return 0;
}

static int
get_series(struct smx__process *p, int fd, struct smx__family_key *f,
    const struct smx__definition *def, const char *values, size_t len,
    uint32_t series_max, struct smx__handle *h, struct smx_error *err)
{
	struct smx__series_key *s = smx__keys_series(&p->keys, f, values, len);
	int rc;

	if (s == NULL) {
		if (series_max != 0 && f->n_series >= series_max)
			return -EDQUOT;
		rc = add_series(p, fd, f, def, values, len, err);
		if (rc < 0)
			return rc;
		s = smx__keys_series(&p->keys, f, values, len);
	}
	if (s == NULL || s->n_cells != def->n_cells)
		return smx__fail(err, -EBADMSG, "`%s` has the wrong cells",
		    def->parts.name);
	rc = commit(p, fd, def->record->type, series_end(s), err);
	if (rc == 0 && def->exemplars)
		smx__exemplars_get(p, fd, f, s->cell);
	return rc < 0 ? rc : fill_handle(h, p, f, s, def->exemplars, err);
}

static int
register_locked(struct smx__process *p, int fd,
    const struct smx__definition *def, const char *values, size_t len,
    uint32_t series_max, struct smx__handle *h, struct smx_error *err)
{
	struct smx__family_key *f = NULL;
	int rc;

	rc = smx__keys_refresh(&p->keys, fd, &p->geometry, p->header, err);
	if (rc == 0)
		rc = get_family(p, fd, def, &f, err);
	if (rc < 0 || (def->record->n_labels > 0 && len == 0))
		return rc;
	return get_series(p, fd, f, def, values, len, series_max, h, err);
}

/* What this process has used before needs no system call. */
static bool
known(struct smx__process *p, const struct smx__definition *def,
    const char *values, size_t len, struct smx__handle *h)
{
	struct smx__family_key *f = smx__keys_family(&p->keys,
	    def->parts.name, def->record->name_len);
	struct smx__series_key *s;
	uint64_t need = def->record->type == SMX_TYPE_GAUGE ? p->gauges_need
							    : p->need;

	if (f == NULL || !f->ours ||
	    !smx__same_meaning(&f->parts, &def->parts))
		return false;
	s = smx__keys_series(&p->keys, f, values, len);
	return s && s->n_cells == def->n_cells && series_end(s) <= need &&
	       (!def->exemplars || smx__exemplars_of(p, s->cell) > 0) &&
	       fill_handle(h, p, f, s, def->exemplars, NULL) == 0;
}

static int
register_entered(struct smx__process *p, const struct smx__definition *def,
    const char *values, size_t len, uint32_t series_max,
    struct smx__handle *h, struct smx_error *err)
{
	int fd, rc;

	if (p->state == SMX__FORKED)
		(void)smx__attach_child(p, NULL);
	if (p->state != SMX__ATTACHED)
		return smx__fail(err, -ENOTCONN, "`%s`: not attached",
		    def->parts.name);
	if (known(p, def, values, len, h))
		return 0;
	fd = smx__reopen(p, err);
	rc = fd < 0 ? fd : smx__lock_register(fd, p->options.lock_ms, err);
	if (rc >= 0) {
		rc = register_locked(p, fd, def, values, len, series_max, h,
		    err);
		smx__unlock_register(fd);
	}
	if (fd >= 0)
		close(fd);
	if (rc < 0 && rc != -EDQUOT)
		(void)__atomic_fetch_add(&p->header->refused, 1,
		    __ATOMIC_RELAXED);
	return rc;
}

bool
smx__series_exists(const struct smx__definition *def, const char *values,
    size_t len)
{
	struct smx__process *p = &smx__process;
	const struct smx__family_key *f;
	bool found;

	smx__enter(p);
	f = smx__keys_family(&p->keys, def->parts.name,
	    def->record->name_len);
	found = p->state == SMX__ATTACHED && f && f->ours &&
	    smx__same_meaning(&f->parts, &def->parts) &&
	    smx__keys_series(&p->keys, f, values, len) != NULL;
	smx__leave(p);
	return found;
}

void
smx__count_refusal(void)
{
	struct smx__process *p = &smx__process;

	smx__enter(p);
	if (p->state == SMX__ATTACHED)
		(void)__atomic_fetch_add(&p->header->refused, 1,
		    __ATOMIC_RELAXED);
	smx__leave(p);
}

int
smx__register_series(struct smx__handle *h, const struct smx__definition *def,
    const char *values, size_t len, uint32_t series_max,
    struct smx_error *err)
{
	struct smx__process *p = &smx__process;
	int rc;

	smx__enter(p);
	rc = register_entered(p, def, values, len, series_max, h, err);
	smx__leave(p);
	return rc;
}
