/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach -- a process takes up its segment, and lets go of it: at detach,
 * and in the child of a fork.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exemplar_put.h"
#include "fail.h"
#include "fork.h"
#include "geometry.h"
#include "lock.h"
#include "open.h"
#include "process.h"
#include "ticks.h"

struct smx__process smx__process = { .lock = PTHREAD_MUTEX_INITIALIZER };
uintptr_t smx__overflow;
uintptr_t smx__gauges = SMX__SLOW;
__thread int smx__inside;

/* Of the thread that holds the lock.  Files are opened under it, which is
 * where a cancelled thread would end, and never give the lock back. */
static __thread int cancel_state;

void
smx__enter(struct smx__process *p)
{
	smx__inside++;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	(void)pthread_mutex_lock(&p->lock);
}

static void
left(void)
{
	(void)pthread_setcancelstate(cancel_state, NULL);
	smx__inside--;
}

int
smx__try_enter(struct smx__process *p)
{
	int rc;

	smx__inside++;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	rc = -pthread_mutex_trylock(&p->lock);
	if (rc < 0)
		left();
	return rc;
}

void
smx__leave(struct smx__process *p)
{
	(void)pthread_mutex_unlock(&p->lock);
	left();
}

void
smx__leave_child(struct smx__process *p)
{
	pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	p->lock = fresh;
	left();
}

static void
set_state(struct smx__process *p, enum smx__state state)
{
	__atomic_store_n(&p->state, state, __ATOMIC_RELEASE);
}

static bool
word_valid(const char *s)
{
	size_t i;

	i = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return s[i] == '\0' && i > 0 && i <= 64;
}

static int
name_file(struct smx__process *p, const char *service,
    const struct smx_options *o, struct smx_error *err)
{
	const char *dir = o->dir;
	const char *at = o->instance ? "@" : "";
	const char *instance = o->instance ? o->instance : "";

	if (service == NULL || !word_valid(service))
		return smx__fail(err, -EINVAL, "bad service name `%s`: 1 to 64 "
		    "of a-z 0-9 _ -", service ? service : "");
	if (o->instance && !word_valid(o->instance))
		return smx__fail(err, -EINVAL, "bad instance name `%s`",
		    o->instance);
	if (dir == NULL || *dir == '\0')
		dir = getenv(SMX_DIR_ENV);
	if (dir == NULL || *dir == '\0')
		dir = SMX_DIR_DEFAULT;
	/* it is opened again later, from whatever directory by then */
	if (realpath(dir, p->dir) == NULL)
		return smx__fail(err, -errno, "the directory %.200s:", dir);
	(void)snprintf(p->file, sizeof(p->file), SMX_FILE_PREFIX "%s%s%s",
	    service, at, instance);
	return 0;
}

static int
map_head(struct smx__process *p, int fd)
{
	int rc = smx__allocate(fd, 0, p->geometry.dir_off);
	void *at;

	/* a copy may have holes, and a full tmpfs no page for them */
	if (rc < 0)
		return rc;
	p->head_size = (size_t)p->geometry.dir_off;
	at = mmap(NULL, p->head_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	(void)madvise(at, p->head_size, MADV_DONTDUMP);
	p->header = at;
	p->slots = (struct smx_slot *)((char *)at + p->geometry.slot_off);
	p->lanes = (struct smx_lane *)((char *)at + p->geometry.lane_tab_off);
	return 0;
}

static uint64_t
at_least_sink(uint64_t n)
{
	return n > SMX_SINK ? n : SMX_SINK;
}

static int
map_overflow(struct smx__process *p, int fd, struct smx_error *err)
{
	const struct smx_header *g = &p->geometry;
	int rc = smx__area_reserve(&p->overflow, g->lane_off, g->lane_size);

	if (rc < 0)
		return smx__fail(err, rc, "reserve the overflow lane:");
	return smx__area_commit(&p->overflow, fd, at_least_sink(p->need),
	    &p->lanes[0].committed, err);
}

static int
commit_gauges(struct smx__process *p, int fd, struct smx_error *err)
{
	if (p->slot == SMX__NO_SLOT)
		return 0;
	return smx__area_commit(&p->gauges, fd, at_least_sink(p->gauges_need),
	    &p->slots[p->slot].gauge_committed, err);
}

/* With the lease taken on fd, which the header mapping pins (P3). */
static int
take_up(struct smx__process *p, int fd, struct smx_error *err)
{
	int rc = map_head(p, fd);

	if (rc < 0)
		return smx__fail(err, rc, "map the header:");
	rc = smx__slot_take(p, fd, err);
	if (rc == 0)
		rc = map_overflow(p, fd, err);
	if (rc == 0)
		rc = commit_gauges(p, fd, err);
	/* without them the handles that are there keep none */
	if (rc == 0 && p->exemplars_need > 0)
		(void)smx__exemplars_commit(p, fd, p->exemplars_need, NULL);
	return rc;
}

/* On overlayfs the mapping pins another file than the descriptor: the lock
 * is gone once that is closed. */
static int
check_lease(struct smx__process *p, struct smx_error *err)
{
	int64_t byte = p->slot == SMX__NO_SLOT ? SMX_LOCK_CROWD
					       : SMX_LOCK_SLOT0 + p->slot;
	int fd = smx__reopen(p, err);
	int held;

	if (fd < 0)
		return fd;
	held = smx__lock_held(fd, byte, 1);
	close(fd);
	if (held < 0)
		return smx__fail(err, held, "lease in %s:", p->dir);
	return held ? 0 : smx__fail(err, -ENOLCK, "leases do not hold in %s "
	    "(overlayfs?): use a tmpfs", p->dir);
}

static void
publish(struct smx__process *p)
{
	/* release: whoever sees the base may use the mapping behind it */
	__atomic_store_n(&smx__overflow, (uintptr_t)p->overflow.base,
	    __ATOMIC_RELEASE);
	__atomic_store_n(&smx__gauges, (uintptr_t)p->gauges.base,
	    __ATOMIC_RELEASE);
	smx__exemplars_publish(p);
	set_state(p, SMX__ATTACHED);
}

/* Nothing of the segment was handed out yet. */
static void
undo(struct smx__process *p)
{
	smx__area_release(&p->overflow);
	smx__area_release(&p->gauges);
	smx__area_release(&p->exemplars);
	if (p->header)
		(void)munmap(p->header, p->head_size);
	p->header = NULL;
}

static int
attach_opened(struct smx__process *p, int fd, struct smx_error *err)
{
	int rc = take_up(p, fd, err);

	smx__unlock_register(fd);
	close(fd);
	if (rc == 0)
		rc = check_lease(p, err);
	if (rc < 0)
		undo(p);
	else
		publish(p);
	return rc;
}

static int
attach_new(struct smx__process *p, const char *service,
    const struct smx_options *options, struct smx_error *err)
{
	struct smx_options none = { 0 };
	int rc, fd;

	p->options = options ? *options : none;
	rc = name_file(p, service, &p->options, err);
	if (rc == 0)
		rc = smx__options_complete(&p->options, err);
	if (rc == 0)
		rc = smx__keys_create(&p->keys);
	if (rc < 0)
		return rc;
	p->options.dir = p->options.instance = NULL;
	p->need = p->gauges_need = p->exemplars_need = 0;
	fd = smx__open(p, err);
	rc = fd < 0 ? fd : attach_opened(p, fd, err);
	if (rc < 0)
		smx__keys_destroy(&p->keys);
	return rc;
}

/* The same segment again is no error; another one is, for as long as this
 * process lives: its handles are offsets into this one. */
static int
check_same(struct smx__process *p, const char *service,
    const struct smx_options *options, struct smx_error *err)
{
	static struct smx__process other; /* under the same lock */
	struct smx_options none = { 0 };
	int rc = name_file(&other, service, options ? options : &none, err);

	if (rc < 0)
		return rc;
	if (strcmp(other.dir, p->dir) == 0 && strcmp(other.file, p->file) == 0)
		return 0;
	return smx__fail(err, -EBUSY, "already attached to %s/%s", p->dir,
	    p->file);
}

static int
attach_again(struct smx__process *p, const char *service,
    const struct smx_options *options, struct smx_error *err)
{
	int rc = check_same(p, service, options, err);

	if (rc < 0 || p->state == SMX__ATTACHED)
		return rc;
	return smx__attach_child(p, err);
}

static int once_rc;

static void
once(void)
{
	once_rc = smx__thread_key_create();
	if (once_rc == 0)
		once_rc = smx__fork_register();
	smx__ticks_calibrate();
}

int
smx_attach_error(const char *service, const struct smx_options *options,
    struct smx_error *err)
{
	static pthread_once_t control = PTHREAD_ONCE_INIT;
	struct smx__process *p = &smx__process;
	int rc;

	(void)pthread_once(&control, once);
	if (once_rc < 0)
		return smx__fail(err, once_rc, "thread keys:");
	smx__enter(p);
	rc = p->state == SMX__NEVER ? attach_new(p, service, options, err)
				    : attach_again(p, service, options, err);
	if (rc == 0 && err)
		memset(err, 0, sizeof(*err)); /* of a try that was mended */
	smx__leave(p);
	return rc;
}

int
smx_attach(const char *service, const struct smx_options *options)
{
	return smx_attach_error(service, options, NULL);
}

/* After a detach there are none to copy. */
static void
copy_gauges(struct smx__process *p, const struct smx__area *from)
{
	uint64_t i;

	for (i = SMX_SINK; from->base && i < p->gauges_need; i += 8)
		__atomic_store_n((uint64_t *)(p->gauges.base + i),
		    *(uint64_t *)(from->base + i), __ATOMIC_RELAXED);
}

int
smx__attach_child(struct smx__process *p, struct smx_error *err)
{
	struct smx__area inherited = p->gauges;
	struct smx_header geometry = p->geometry;
	dev_t dev = p->dev;
	ino_t ino = p->ino;
	int rc, fd;

	smx__fork_bury(p);
	p->options.flags &= ~SMX_FRESH;
	fd = smx__open(p, err);
	rc = fd;
	if (fd >= 0 && (p->dev != dev || p->ino != ino)) {
		/* handles are of the old file */
		smx__unlock_register(fd);
		close(fd);
		rc = smx__fail(err, -ESTALE, "%s/%s is another file by now",
		    p->dir, p->file);
	} else if (fd >= 0) {
		rc = attach_opened(p, fd, err);
	}
	if (rc < 0) {
		p->geometry = geometry; /* of the file that handles are of */
		p->dev = dev;
		p->ino = ino;
		set_state(p, SMX__DETACHED);
		return rc;
	}
	if (p->options.flags & SMX_FORK_GAUGES)
		copy_gauges(p, &inherited);
	return 0;
}

void
smx_detach(void)
{
	struct smx__process *p = &smx__process;

	smx__enter(p);
	if (p->state == SMX__ATTACHED) {
		while (p->own) {
			struct smx__lane_ref *ref = p->own;

			/* its thread may get handles of a later attach */
			(void)smx__area_sink_all(&ref->area);
			__atomic_store_n(&p->lanes[ref->number].owner,
			    SMX_OWNER_NONE, __ATOMIC_RELEASE);
			p->own = ref->next;
			smx__fork_bury_lane(ref);
		}
		smx__thread_forget();
		smx__let_go(p, false);
		smx__fork_bury(p);
	}
	if (p->state != SMX__NEVER)
		set_state(p, SMX__DETACHED);
	smx__leave(p);
}

int
smx_attached(void)
{
	return __atomic_load_n(&smx__process.state, __ATOMIC_ACQUIRE) ==
	    SMX__ATTACHED;
}
