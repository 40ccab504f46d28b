/* SPDX-License-Identifier: Apache-2.0 */
/* Files that cannot be used: made anew if nobody uses them. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "smx.t"

static int
open_it(int flags)
{
	int fd = open(live_file(FILE_NAME), O_RDWR | O_CLOEXEC | flags, 0640);

	REQUIRE(fd >= 0);
	return fd;
}

static void
poke(int fd, uint64_t off, const void *bytes, size_t n)
{
	REQUIRE(pwrite(fd, bytes, n, (off_t)off) == (ssize_t)n);
}

/* Damages to a segment that is whole. */
static void
cut_to_nothing(int fd, const struct smx_header *h)
{
	(void)h;
	REQUIRE(ftruncate(fd, 0) == 0);
}

static void
cut_short(int fd, const struct smx_header *h)
{
	REQUIRE(ftruncate(fd, (off_t)h->lane_off) == 0);
}

static void
cut_into_the_header(int fd, const struct smx_header *h)
{
	(void)h;
	REQUIRE(ftruncate(fd, 100) == 0);
}

static void
no_magic(int fd, const struct smx_header *h)
{
	uint64_t none = 0;

	(void)h;
	poke(fd, 0, &none, 8);
}

static void
other_magic(int fd, const struct smx_header *h)
{
	(void)h;
	poke(fd, 0, "ELFELFEL", 8);
}

static void
other_version(int fd, const struct smx_header *h)
{
	uint32_t v = h->version + 1;

	poke(fd, offsetof(struct smx_header, version), &v, 4);
}

static void
wrong_crc(int fd, const struct smx_header *h)
{
	uint64_t off = h->lane_off + 4096;

	poke(fd, offsetof(struct smx_header, lane_off), &off, 8);
}

static void
lying_record(int fd, const struct smx_header *h)
{
	poke(fd, h->dir_off + 20, "XXXX", 4);
}

static void
lying_tail(int fd, const struct smx_header *h)
{
	uint64_t tail = h->dir_size + 8;

	poke(fd, offsetof(struct smx_header, dir_tail), &tail, 8);
}

static const struct {
	void (*damage)(int fd, const struct smx_header *h);
	bool aside; /* else built again in place */
} damages[] = {
	{ cut_to_nothing, false },
	{ no_magic, false },
	{ cut_short, true },
	{ cut_into_the_header, true },
	{ other_magic, true },
	{ other_version, true },
	{ wrong_crc, true },
	{ lying_record, true },
	{ lying_tail, true },
};
#define N_DAMAGES (int)(sizeof(damages) / sizeof(damages[0]))

static int
count_one(void *arg)
{
	(void)arg;
	if (smx_attach("t", NULL) < 0)
		return 1;
	smx_inc(smx_counter("x_total", "x"));
	return 0;
}

START_TEST(a_useless_file_is_made_anew)
{
	struct smx_header h;
	struct smx_error err = { 0 };
	struct live l = { 0 };
	int fd, rc;

	ck_assert_int_eq(live_run(count_one, NULL), 0);
	live_header(FILE_NAME, &h);
	fd = open_it(0);
	damages[_i].damage(fd, &h);
	close(fd);
	rc = smx_attach_error("t", NULL, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, FILE_NAME);
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_uint_eq(l.snap.n_live, 1);
	ck_assert_int_eq(access(live_file(".old." FILE_NAME), F_OK) == 0,
	    damages[_i].aside);
	live_close(&l);
}
END_TEST

static struct smx_counter kept;

static int
attach_and_count(int step)
{
	int rc = 0;

	if (step == 0) {
		rc = smx_attach("t", NULL);
		kept = smx_counter("x_total", "x");
	}
	smx_inc(kept);
	return rc;
}

/* What damages the header, and does not cut the file under the living. */
static void (*const header_damages[])(int fd, const struct smx_header *h) = {
	no_magic, other_magic, other_version, wrong_crc,
};

START_TEST(a_useless_file_in_use_is_left_alone)
{
	struct live_peer p;
	struct smx_header h;
	struct smx_error err = { 0 };
	struct stat before, after;
	int fd;

	live_peer_start(&p, attach_and_count);
	ck_assert_int_eq(live_peer_do(&p, 0), 0);
	live_header(FILE_NAME, &h);
	fd = open_it(0);
	header_damages[_i](fd, &h);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(smx_attach_error("t", NULL, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.msg, FILE_NAME));
	ck_assert_int_eq(stat(live_file(FILE_NAME), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(before.st_size, after.st_size);
	ck_assert_int_eq(live_peer_do(&p, 1), 0); /* it goes on */
	live_peer_end(&p);
	ck_assert_int_eq(smx_attach("t", NULL), 0); /* and now it may be */
	close(fd);
}
END_TEST

START_TEST(another_geometry_is_set_aside_if_nobody_lives)
{
	struct smx_options o = { .lanes = 3, .cells = 512 };
	struct live l = { 0 };

	ck_assert_int_eq(live_run(count_one, NULL), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	live_look(&l, FILE_NAME);
	ck_assert_uint_eq(l.snap.state.lanes, 3);
	ck_assert_uint_eq(l.snap.catalog->n_families, 0);
	ck_assert_int_eq(access(live_file(".old." FILE_NAME), F_OK), 0);
	live_close(&l);
}
END_TEST

START_TEST(another_geometry_that_lives_is_taken_as_it_is)
{
	struct smx_options o = { .lanes = 3, .cells = 512 };
	struct live_peer p;
	struct live l = { 0 };

	live_peer_start(&p, attach_and_count);
	ck_assert_int_eq(live_peer_do(&p, 0), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, FILE_NAME);
	ck_assert_uint_eq(l.snap.state.lanes, 64);
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	live_peer_end(&p);
	live_close(&l);
}
END_TEST

START_TEST(set_aside_twice_keeps_the_last)
{
	struct smx_options o = { .flags = SMX_FRESH };
	struct stat st, old;

	ck_assert_int_eq(live_run(count_one, NULL), 0);
	fclose(fopen(live_file(".old." FILE_NAME), "w"));
	ck_assert_int_eq(stat(live_file(FILE_NAME), &st), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_int_eq(stat(live_file(".old." FILE_NAME), &old), 0);
	ck_assert_uint_eq(st.st_ino, old.st_ino);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("aside");
	TCase *tc = live_case(s, "aside", 30);

	tcase_add_loop_test(tc, a_useless_file_is_made_anew, 0, N_DAMAGES);
	tcase_add_loop_test(tc, a_useless_file_in_use_is_left_alone, 0,
	    (int)(sizeof(header_damages) / sizeof(header_damages[0])));
	tcase_add_test(tc, another_geometry_is_set_aside_if_nobody_lives);
	tcase_add_test(tc, another_geometry_that_lives_is_taken_as_it_is);
	tcase_add_test(tc, set_aside_twice_keeps_the_last);
	return live_main(s);
}
