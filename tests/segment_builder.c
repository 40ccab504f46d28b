/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/segment_builder.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRS "/dev/shm/smx-test-"

/* The CRC as its definition says it, bit by bit: a second opinion. */
static uint32_t
crc32_plain(const unsigned char *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void
require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "segment_builder: %s\n", what);
	abort();
}

static uint64_t
or_default(uint64_t value, uint64_t fallback)
{
	return value != 0 ? value : fallback;
}

static uint64_t
pages(uint64_t n)
{
	return (n + SMX_PAGE - 1) / SMX_PAGE * SMX_PAGE;
}

static void
place_regions(struct smx_header *h, const struct build_shape *s)
{
	h->magic = SMX_MAGIC;
	h->version = SMX_VERSION;
	h->header_size = sizeof(*h);
	h->slot_cap = (uint32_t)or_default(s->slots, 4);
	h->lane_cap = (uint32_t)or_default(s->lanes, 3);
	h->slot_off = SMX_PAGE;
	h->lane_tab_off = h->slot_off + pages(h->slot_cap * SMX_LINE);
	h->dir_off = h->lane_tab_off + pages(h->lane_cap * SMX_LINE);
	h->dir_size = pages(or_default(s->dir_size, 16384));
	h->gauge_off = h->dir_off + h->dir_size;
	h->gauge_size = or_default(s->gauge_size, 4096);
	h->gauge_stride = pages(h->gauge_size);
	h->lane_off = h->gauge_off + h->slot_cap * h->gauge_stride;
	h->lane_size = or_default(s->lane_size, 8192);
	h->lane_stride = h->lane_size + 65 * SMX_LINE;
	h->size = pages(h->lane_off + h->lane_cap * h->lane_stride);
	if (s->exemplars != 0) {
		h->features = SMX_FEATURE_EXEMPLARS;
		h->exemplar_off = h->size;
		h->exemplar_size = s->exemplars;
		h->size += pages(s->exemplars);
		h->exemplars_committed = s->exemplars;
	}
	h->created_ns = UINT64_C(1600000000000000000);
	h->pid = 4711;
}

static void
point_at(struct build *b, void *bytes, const struct smx_header *h)
{
	require(bytes != NULL && bytes != MAP_FAILED, "no memory");
	b->bytes = bytes;
	b->header = bytes;
	b->slots = (void *)(b->bytes + h->slot_off);
	b->lanes = (void *)(b->bytes + h->lane_tab_off);
}

void
build_begin(struct build *b, const struct build_shape *shape)
{
	static const struct build_shape none;
	struct smx_header h;

	memset(&h, 0, sizeof(h));
	memset(b, 0, sizeof(*b));
	place_regions(&h, shape ? shape : &none);
	point_at(b, calloc(1, h.size), &h);
	memcpy(b->bytes, &h, sizeof(h));
	b->next_cell = b->next_gauge = SMX_SINK;
	build_seal(b);
}

void
build_free(struct build *b)
{
	if (b->mapped)
		munmap(b->bytes, b->header->size);
	else
		free(b->bytes);
	memset(b, 0, sizeof(*b));
}

uint64_t
build_record(struct build *b, uint32_t kind, const void *body, size_t size)
{
	uint64_t off = b->tail, n = (sizeof(struct smx_record) + size + 7) / 8;
	unsigned char *at = b->bytes + b->header->dir_off + off;
	struct smx_record r = { .size = (uint32_t)n * 8, .kind = kind };

	require(off + r.size <= b->header->dir_size, "directory full");
	memcpy(at, &r, sizeof(r));
	memcpy(at + sizeof(r), body, size);
	b->tail = off + r.size;
	build_seal_record(b, off);
	return off;
}

static size_t
put_string(unsigned char *to, const char *s)
{
	size_t n = strlen(s ? s : "") + 1;

	memcpy(to, s ? s : "", n);
	return n;
}

uint64_t
build_family(struct build *b, const struct build_family *f)
{
	static unsigned char body[SMX_MAX_BUCKETS * 16 + 16384];
	struct smx_family_record r = { .type = f->type,
		.gauge_mode = f->gauge_mode, .exponent = f->exponent,
		.hist_flags = f->hist_flags, .schema = f->schema,
		.zero_exp2 = f->zero_exp2, .n_buckets = f->n_buckets };
	size_t head = sizeof(r) - sizeof(r.record), n = head, labels;

	memset(body, 0, sizeof(body));
	memcpy(body + n, f->buckets ? (const void *)f->buckets : "",
	    f->n_buckets * sizeof(*f->buckets));
	n += f->n_buckets * sizeof(*f->buckets);
	n += put_string(body + n, f->name);
	n += put_string(body + n, f->unit);
	n += put_string(body + n, f->help);
	labels = n;
	while (r.n_labels < SMX_MAX_LABELS && f->labels[r.n_labels] != NULL)
		n += put_string(body + n, f->labels[r.n_labels++]);
	r.name_len = (uint16_t)strlen(f->name);
	r.unit_len = (uint16_t)strlen(f->unit ? f->unit : "");
	r.help_len = (uint32_t)strlen(f->help ? f->help : "");
	r.labels_len = (uint32_t)(n - labels);
	memcpy(body, (unsigned char *)&r + sizeof(r.record), head);
	return build_record(b, SMX_RECORD_FAMILY, body, n);
}

void
build_series_at(struct build *b, uint64_t family, uint32_t cell,
    uint32_t n_cells, const char *values, size_t len)
{
	unsigned char body[32 + 8192] = { 0 };
	struct smx_series_record r = { .family = family,
		.created_ns = UINT64_C(1600000001500000000), .cell = cell,
		.n_cells = n_cells, .values_len = (uint32_t)len };

	require(len <= 8192, "values too long");
	memcpy(body, (unsigned char *)&r + sizeof(r.record), 32);
	if (len > 0)
		memcpy(body + 32, values, len);
	build_record(b, SMX_RECORD_SERIES, body, 32 + len);
}

uint32_t
build_series(struct build *b, uint64_t family, uint32_t n_cells,
    const char *values, size_t len)
{
	uint32_t cell = b->next_cell;

	b->next_cell += n_cells * 8;
	require(b->next_cell <= b->header->lane_size, "lane full");
	build_series_at(b, family, cell, n_cells, values, len);
	return cell;
}

uint32_t
build_gauge_series(struct build *b, uint64_t family, const char *values,
    size_t len)
{
	uint32_t cell = b->next_gauge;

	b->next_gauge += 8;
	require(b->next_gauge <= b->header->gauge_size, "gauges full");
	build_series_at(b, family, cell, 1, values, len);
	return cell;
}

void
build_retire(struct build *b, uint64_t family)
{
	build_record(b, SMX_RECORD_RETIRE, &family, sizeof(family));
}

uint32_t
build_counter(struct build *b, const char *name, int8_t exponent)
{
	struct build_family f = { .name = name, .help = "A counter.",
		.type = SMX_TYPE_COUNTER, .exponent = exponent };

	return build_series(b, build_family(b, &f), 1, NULL, 0);
}

uint32_t
build_gauge(struct build *b, const char *name, uint8_t mode)
{
	struct build_family f = { .name = name, .help = "A gauge.",
		.type = SMX_TYPE_GAUGE, .gauge_mode = mode };

	return build_gauge_series(b, build_family(b, &f), NULL, 0);
}

uint32_t
build_histogram(struct build *b, const char *name, int8_t exponent,
    const uint64_t *uppers, uint32_t n)
{
	struct smx_bucket buckets[SMX_MAX_EXPLICIT + 1] = { { 0, 0, 0 } };
	struct build_family f = { .name = name, .help = "A histogram.",
		.type = SMX_TYPE_HISTOGRAM, .exponent = exponent,
		.hist_flags = SMX_HIST_EXPLICIT, .buckets = buckets,
		.n_buckets = n + 1 };

	require(n <= SMX_MAX_EXPLICIT, "too many bounds");
	for (uint32_t i = 0; i < n; i++) {
		buckets[i].upper = uppers[i];
		buckets[i].flags = SMX_BUCKET_EXPLICIT;
	}
	buckets[n].upper = UINT64_MAX;
	return build_series(b, build_family(b, &f), SMX_HIST_BUCKET + n + 1,
	    NULL, 0);
}

uint64_t *
build_cell(struct build *b, uint32_t lane, uint32_t cell)
{
	return (void *)(b->bytes + b->header->lane_off +
	    lane * b->header->lane_stride + cell);
}

uint64_t *
build_gauge_cell(struct build *b, uint32_t slot, uint32_t cell)
{
	return (void *)(b->bytes + b->header->gauge_off +
	    slot * b->header->gauge_stride + cell);
}

void
build_set_gauge(struct build *b, uint32_t slot, uint32_t cell, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	*build_gauge_cell(b, slot, cell) = bits ^ SMX_GAUGE_XOR;
}

void
build_observe(struct build *b, uint32_t lane, uint32_t cell, uint32_t bucket,
    uint64_t value)
{
	uint64_t *c = build_cell(b, lane, cell);

	c[SMX_HIST_BEGIN]++;
	c[SMX_HIST_SUM] += value;
	c[SMX_HIST_BUCKET + bucket]++;
	c[SMX_HIST_END]++;
}

void
build_publish(struct build *b)
{
	struct smx_header *h = b->header;

	h->dir_tail = b->tail;
	h->cells_reserved = b->next_cell;
	h->gauges_reserved = b->next_gauge;
	for (uint32_t i = 0; i < h->lane_cap; i++) {
		b->lanes[i].owner = i == 0 ? SMX_OWNER_SHARED : SMX_OWNER_NONE;
		b->lanes[i].committed = pages(b->next_cell);
	}
	for (uint32_t i = 0; i < h->slot_cap; i++) {
		b->slots[i].generation = 2;
		b->slots[i].pid = 100 + i;
		b->slots[i].start_ns = h->created_ns + i;
		b->slots[i].gauge_committed = b->next_gauge;
	}
	build_seal(b);
}

void
build_seal(struct build *b)
{
	b->header->crc = crc32_plain(b->bytes + 8,
	    offsetof(struct smx_header, crc) - 8);
}

void
build_seal_record(struct build *b, uint64_t off)
{
	unsigned char *at = b->bytes + b->header->dir_off + off;
	struct smx_record *r = (void *)at;

	r->crc = crc32_plain(at + 8, r->size - 8);
}

static bool
is_zero(const unsigned char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void
build_save(const struct build *b, int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	uint64_t size = b->header->size;

	require(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "no file");
	for (uint64_t at = 0; at < size; at += SMX_PAGE)
		if (!is_zero(b->bytes + at, SMX_PAGE))
			require(pwrite(fd, b->bytes + at, SMX_PAGE,
				    (off_t)at) == SMX_PAGE, "write");
	close(fd);
}

void
build_attach(struct build *b, int dirfd, const char *name)
{
	struct smx_header h = *b->header;
	int fd;

	build_save(b, dirfd, name);
	free(b->bytes);
	fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	require(fd >= 0, "no file");
	point_at(b, mmap(NULL, h.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		0), &h);
	b->mapped = 1;
	close(fd);
}

/* The process that runs the tests; each of them is a child of it. */
static pid_t runner;

static void
remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) < 0)
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

/* A test that fails ends before it has cleaned up. */
static void
sweep(void)
{
	char pattern[64];
	glob_t found;

	if (getpid() != runner)
		return;
	snprintf(pattern, sizeof(pattern), DIRS "%d-*", (int)runner);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		remove_dir(found.gl_pathv[i]);
	globfree(&found);
}

__attribute__((constructor)) static void
sweep_at_end(void)
{
	runner = getpid();
	atexit(sweep);
}

void
build_dir_make(struct build_dir *d)
{
	snprintf(d->path, sizeof(d->path), DIRS "%d-XXXXXX", (int)runner);
	require(mkdtemp(d->path) != NULL, "no directory");
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(d->fd >= 0, "no directory");
}

void
build_dir_remove(struct build_dir *d)
{
	close(d->fd);
	remove_dir(d->path);
}

int
build_lease(int dirfd, const char *name, uint32_t slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0 + slot, .l_len = 1 };
	int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);

	require(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0, "no lease");
	return fd;
}
