/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image (image.h) becomes a real file, which is opened, read and encoded
 * as the collector does it; then its directory grows, then trouble comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/fuzz/encode.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/records.h"

#define FILE_NAME "smx.fuzz"
#define FOLDER	  "/dev/shm/smx-fuzz-XXXXXX"
#define BUDGET	  (1u << 20)
#define FILE_MAX  (UINT64_C(1) << 37)

static char folder[] = FOLDER;
static int dir_fd = -1, fd = -1, lease_fd = -1;

/* By whatever is left: a crash leaves the folder, for whoever looks. */
static void
remove_folder(void)
{
	unlinkat(dir_fd, FILE_NAME, 0);
	rmdir(folder);
}

static void
make_folder(void)
{
	if (dir_fd >= 0)
		return;
	fuzz_require(mkdtemp(folder) != NULL, "there is /dev/shm");
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir_fd, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	lease_fd = openat(dir_fd, FILE_NAME, O_RDWR | O_CLOEXEC);
	fuzz_require(fd >= 0 && lease_fd >= 0, "there is a file");
	atexit(remove_folder);
}

/* Where no file can have them, bytes are lost. */
static void
put(uint64_t off, const void *bytes, size_t n)
{
	if (n > 0 && off < FILE_MAX)
		(void)!pwrite(fd, bytes, n, (off_t)off);
}

static void
put_rows(
    const struct image *im, const uint8_t *data, const struct smx_header *h)
{
	const struct image_shape *s = &im->shape;

	put(h->slot_off, data + im->slots, s->n_slots * SMX_LINE);
	put(h->lane_tab_off, data + im->lanes, s->n_lanes * SMX_LINE);
	for (uint32_t i = 0; i < s->n_slots; i++)
		put(h->gauge_off + i * h->gauge_stride,
		    data + im->gauges + (size_t)i * s->gauge_bytes,
		    s->gauge_bytes);
	for (uint32_t i = 0; i < s->n_lanes; i++)
		put(h->lane_off + i * h->lane_stride,
		    data + im->cells + (size_t)i * s->lane_bytes,
		    s->lane_bytes);
	put(h->exemplar_off, data + im->exemplars, s->exemplar_bytes);
}

static void
set_size(uint64_t size)
{
	(void)!ftruncate(fd, (off_t)(size < FILE_MAX ? size : FILE_MAX));
}

static void
set_leases(uint8_t bits)
{
	for (uint32_t i = 0; i < IMAGE_ROWS; i++) {
		struct flock lock = { .l_whence = SEEK_SET,
			.l_len = 1,
			.l_start = SMX_LOCK_SLOT0 + i };

		lock.l_type = bits >> i & 1 ? F_WRLCK : F_UNLCK;
		fuzz_require(fcntl(lease_fd, F_OFD_SETLK, &lock) == 0,
		    "there are locks");
	}
}

static void
put_tail(uint64_t tail)
{
	put(offsetof(struct smx_header, dir_tail), &tail, sizeof(tail));
}

/* Bytes of whole records among the first `most`. */
static uint64_t
whole_records(const unsigned char *dir, size_t n, size_t most)
{
	uint64_t at = 0;
	uint32_t size;

	while (at + sizeof(struct smx_record) <= n) {
		memcpy(&size, dir + at, sizeof(size));
		if (size == 0 || size > n - at || at + size > most)
			break;
		at += size;
	}
	return at;
}

/* The file, the first of its records published. */
static void
make_file(const struct image *im, uint8_t *data)
{
	uint8_t *header = data + im->header;
	unsigned char *dir = data + im->dir;
	size_t n = im->size - im->dir;
	struct smx_header h;

	if ((im->shape.flags & IMAGE_UNSEALED) == 0) {
		fuzz_seal_header(header);
		fuzz_seal_directory(dir, n);
	}
	memcpy(&h, header, sizeof(h));
	set_size(0);
	put_rows(im, data, &h);
	put(h.dir_off, dir, n);
	put(0, header, sizeof(h));
	put_tail(whole_records(dir, n, n * im->shape.first / 256));
	set_size(im->shape.flags & IMAGE_RESIZED ? h.size / 2 : h.size);
	set_leases(im->shape.leases);
}

static void
fill_with_ones(uint64_t off, size_t n)
{
	static unsigned char ones[SMX_PAGE];

	memset(ones, 0xff, sizeof(ones));
	put(off, ones, n < sizeof(ones) ? n : sizeof(ones));
}

static void
make_trouble(const struct image *im, const struct smx_header *h)
{
	switch (im->shape.trouble % N_TROUBLES) {
	case TROUBLE_CUT:
		set_size(0);
		break;
	case TROUBLE_HALF:
		set_size(h->size / 2 / SMX_PAGE * SMX_PAGE);
		break;
	case TROUBLE_HOLES:
		(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    sizeof(*h), (off_t)(h->size - sizeof(*h)));
		break;
	case TROUBLE_HEADER:
		fill_with_ones(0, sizeof(*h));
		break;
	case TROUBLE_TABLES:
		fill_with_ones(h->slot_off, SMX_PAGE);
		fill_with_ones(h->lane_tab_off, SMX_PAGE);
		break;
	case TROUBLE_TAIL:
		put_tail(h->dir_tail);
		break;
	case TROUBLE_GROWN:
		set_size(h->size * 2);
		break;
	default:
		break;
	}
}

/* A message that can be logged: a line, with the file's name in it. */
static void
check_error(int err, const struct smx_error *error)
{
	fuzz_require(error->code == err, "an error has its code");
	fuzz_require(strncmp(error->msg, FILE_NAME ": ", 10) == 0,
	    "an error names the file");
	fuzz_require(strchr(error->msg, '\n') == NULL, "an error is one line");
}

/* As `smx dump` asks for them. */
static void
check_counts(const struct smx_snapshot *s)
{
	const struct smx_catalog *c = s->catalog;
	uint64_t count = 0;

	for (uint32_t i = 0; i < c->n_series; i++)
		if (c->families[c->series[i].family].type == SMX_TYPE_HISTOGRAM)
			count |= smx_histogram_count(s, &c->series[i]);
	fuzz_require(count == 0 || c->n_cells > SMX_HIST_BUCKET,
	    "observations have cells");
}

/* Each is of a histogram, and in the bucket that it says. */
static void
check_exemplars(const struct smx_snapshot *s)
{
	const struct smx_catalog *c = s->catalog;

	for (uint32_t i = 0; i < s->n_exemplars; i++) {
		const struct smx_exemplar *e = &s->exemplars[i];
		const struct smx_family_info *f;

		fuzz_require(e->series < c->n_series, "exemplars have series");
		f = &c->families[c->series[e->series].family];
		fuzz_require(e->bucket < f->n_buckets &&
				 e->value <= f->buckets[e->bucket].upper,
		    "exemplars lie in their bucket");
		fuzz_require(e->n_labels > 0 &&
				 e->text_len <= sizeof(e->text) &&
				 e->text[e->text_len - 1] == '\0',
		    "exemplars have labels");
	}
}

static void
read_values(struct smx_view *v, struct smx_snapshot *s)
{
	const struct expo_source source = { .catalog = smx_view_catalog(v),
		.service = "fuzz" };
	const struct smx_snapshot *snaps[] = { s };
	struct smx_error error = { 0 };
	int err = smx_snapshot_take(s, v, &error);

	if (err < 0) {
		check_error(err, &error);
		return;
	}
	fuzz_require(s->n_live <= s->state.slots, "no more live than slots");
	fuzz_require(s->state.dir_bytes_used <= s->state.dir_bytes &&
			 s->state.lane_bytes_used <= s->state.lane_bytes &&
			 s->state.gauge_bytes_used <= s->state.gauge_bytes,
	    "no more used than there is");
	check_counts(s);
	check_exemplars(s);
	fuzz_encode(&source, 1, snaps);
}

static bool
refresh(struct smx_view *v)
{
	const struct smx_catalog *c = smx_view_catalog(v);
	uint64_t before = c->generation;
	struct smx_error error = { 0 };
	int err = smx_view_refresh(v, &error);

	if (err < 0)
		check_error(err, &error);
	fuzz_require(c->generation == before + (err > 0),
	    "the generation tells of changes");
	return err >= 0;
}

static void
read_file(const struct image *im, const uint8_t *data)
{
	const struct smx_view_options options = { .max_bytes = BUDGET };
	struct smx_snapshot s = { 0 };
	struct smx_error error = { 0 };
	struct smx_view *v = NULL;
	struct smx_header h;
	int err = smx_view_open(&v, dir_fd, FILE_NAME, &options, &error);

	memcpy(&h, data + im->header, sizeof(h));
	if (err < 0) {
		check_error(err, &error);
		return;
	}
	read_values(v, &s);
	put_tail(im->size - im->dir);
	if (refresh(v))
		read_values(v, &s);
	make_trouble(im, &h);
	refresh(v);
	read_values(v, &s);
	smx_snapshot_free(&s);
	smx_view_close(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image im;
	uint8_t *copy;

	make_folder();
	if (!image_of(&im, data, size))
		return 0;
	copy = malloc(size);
	fuzz_require(copy != NULL, "there is memory");
	memcpy(copy, data, size);
	make_file(&im, copy);
	read_file(&im, copy);
	free(copy);
	return 0;
}
