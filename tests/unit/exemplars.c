/* SPDX-License-Identifier: Apache-2.0 */
/* Exemplars from smx_observe_exemplar() to the reader's snapshot. */
#include "tests/segment_live.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const double bounds[] = { 10, 100 };
static const struct smx_desc kept = { .name = "x", .help = "X.",
	.bounds = bounds, .n_bounds = 2, .exemplars = 1 };

static struct smx_histogram
attach_kept(void)
{
	struct smx_histogram h = { 0 };
	struct smx_error err;

	REQUIRE(smx_attach("t", NULL) == 0);
	REQUIRE(smx_histogram_register(&h, &kept, &err) == 0);
	return h;
}

static const struct smx_exemplar *
only_one(struct live *l)
{
	live_look(l, "smx.t");
	ck_assert_uint_eq(l->snap.n_exemplars, 1);
	return &l->snap.exemplars[0];
}

START_TEST(the_last_one_of_each_bucket_is_kept)
{
	struct smx_histogram h = attach_kept();
	struct live l = { 0 };
	const struct smx_exemplar *e;

	smx_observe_exemplar(h, 3, "order_id", "first");
	smx_observe_exemplar(h, 10, "order_id", "second");
	smx_observe_exemplar(h, 11, "order_id", "above");
	smx_observe_exemplar(h, 5000, "order_id", "far");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_count(&l, "x", NULL), 4);
	ck_assert_uint_eq(l.snap.n_exemplars, 3);
	e = l.snap.exemplars;
	ck_assert_uint_eq(e[0].value, 10);
	ck_assert_uint_eq(e[0].bucket, 0);
	ck_assert_uint_eq(e[0].n_labels, 1);
	ck_assert_str_eq(e[0].text, "order_id");
	ck_assert_str_eq(e[0].text + 9, "second");
	ck_assert_uint_eq(e[1].value, 11);
	ck_assert_str_eq(e[1].text + 9, "above");
	ck_assert_uint_eq(e[2].bucket, 2);
	ck_assert_uint_gt(e[2].time_ns, UINT64_C(1600000000000000000));
	live_close(&l);
}
END_TEST

START_TEST(a_native_histogram_keeps_one_for_each_power_of_two)
{
	struct smx_desc d = { .name = "n", .help = "N.", .native = 1,
		.native_min = 1, .native_max = 1024, .exemplars = 1 };
	struct smx_histogram h;
	struct live l = { 0 };

	REQUIRE(smx_attach("t", NULL) == 0);
	REQUIRE(smx_histogram_register(&h, &d, NULL) == 0);
	for (uint64_t v = 1; v <= 2048; v++)
		smx_observe_exemplar(h, v, "v", "1");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 12); /* 1 2 4 … 1024, above */
	for (uint32_t i = 0; i < 12; i++)
		ck_assert_uint_eq(l.snap.exemplars[i].value,
		    UINT64_C(1) << i);
	live_close(&l);
}
END_TEST

START_TEST(a_histogram_that_did_not_ask_keeps_none)
{
	struct smx_histogram h, with = attach_kept();
	struct live l = { 0 };

	h = smx_histogram_latency("y_seconds", "Y.");
	ck_assert_uint_eq(h.exemplars, 0);
	ck_assert_uint_ne(with.exemplars, 0);
	smx_observe_exemplar(h, 3, "order_id", "17");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_count(&l, "y_seconds", NULL), 1);
	ck_assert_uint_eq(l.snap.n_exemplars, 0);
	live_close(&l);
}
END_TEST

START_TEST(several_labels_go_together)
{
	struct smx_histogram h = attach_kept();
	const struct smx_label labels[] = { { "trace_id", "4bf92f3577b34da6" },
		{ "span_id", "00f067aa0ba902b7" }, { NULL, NULL } };
	struct live l = { 0 };
	const struct smx_exemplar *e;

	smx_observe_labels(h, 3, labels);
	e = only_one(&l);
	ck_assert_uint_eq(e->n_labels, 2);
	ck_assert_int_eq(memcmp(e->text, "trace_id\0004bf92f3577b34da6\0"
	    "span_id\00000f067aa0ba902b7", e->text_len), 0);
	live_close(&l);
}
END_TEST

/* "id" and 126 more are 128 code points. */
#define N126 "0123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345"

static const struct smx_label refused[][3] = {
	{ { "id", N126 "x" } },
	{ { "9id", "x" } },
	{ { "le", "x" } },
	{ { "", "x" } },
	{ { "id", "\xff" } },
	{ { "id", "\xc0\x80" } },
	{ { "id", "a\001" } },
	{ { "id", NULL } },
	{ { "id", "a" }, { "id", "b" } },
	{ { NULL, NULL } },
};

START_TEST(labels_that_cannot_be_shown_leave_the_value)
{
	struct smx_histogram h = attach_kept();
	struct live l = { 0 };

	smx_observe_labels(h, 3, refused[_i]);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_count(&l, "x", NULL), 1);
	ck_assert_uint_eq(l.snap.n_exemplars, 0);
	live_close(&l);
}
END_TEST

START_TEST(code_points_count_not_bytes)
{
	struct smx_histogram h = attach_kept();
	struct live l = { 0 };

	smx_observe_exemplar(h, 3, "id", N126);
	ck_assert_str_eq(only_one(&l)->text + 3, N126);
	smx_observe_exemplar(h, 3, "id", "\xc3\xa9t\xc3\xa9");
	ck_assert_str_eq(only_one(&l)->text + 3, "\xc3\xa9t\xc3\xa9");
	live_close(&l);
}
END_TEST

START_TEST(a_value_that_is_dropped_leaves_no_exemplar)
{
	struct smx_histogram h = attach_kept(), none = { 0 };
	struct live l = { 0 };

	smx_observe_exemplar(h, UINT64_MAX, "id", "1");
	smx_observe_exemplar(none, 3, "id", "1");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 0);
	ck_assert_uint_eq(l.snap.state.dropped, 1);
	live_close(&l);
}
END_TEST

START_TEST(without_room_the_histogram_goes_without)
{
	struct smx_options few = { .exemplars = 1 }; /* a page: 21 slots */
	struct smx_desc d = kept;
	struct smx_histogram h = { 0 };
	struct live l = { 0 };
	char name[] = "x0";

	REQUIRE(smx_attach("t", &few) == 0);
	for (; name[1] < '9'; name[1]++) {
		d.name = name;
		REQUIRE(smx_histogram_register(&h, &d, NULL) == 0);
		smx_observe_exemplar(h, 3, "id", name);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(h.exemplars, 0);
	ck_assert_uint_eq(live_count(&l, "x8", NULL), 1);
	ck_assert_uint_eq(l.snap.n_exemplars, 7);
	ck_assert_uint_eq(l.snap.state.refused, 2);
	live_close(&l);
}
END_TEST

static int
observe_once(void *value)
{
	struct smx_histogram h = attach_kept();

	smx_observe_exemplar(h, 3, "id", value);
	return 0;
}

START_TEST(the_next_life_writes_into_the_same_slots)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(observe_once, "one"), 0);
	ck_assert_str_eq(only_one(&l)->text + 3, "one");
	ck_assert_int_eq(live_run(observe_once, "two"), 0);
	ck_assert_str_eq(only_one(&l)->text + 3, "two");
	live_close(&l);
}
END_TEST

START_TEST(the_child_of_a_fork_writes_them_too)
{
	struct smx_histogram h = attach_kept();
	struct live l = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		smx_observe_exemplar(h, 3, "id", "child"); /* attaches */
		smx_observe_exemplar(h, 3, "id", "child");
		_exit(0);
	}
	ck_assert_int_eq(live_wait(pid), 0);
	ck_assert_str_eq(only_one(&l)->text + 3, "child");
	smx_observe_exemplar(h, 3, "id", "parent");
	ck_assert_str_eq(only_one(&l)->text + 3, "parent");
	smx_detach();
	smx_observe_exemplar(h, 3, "id", "late");
	ck_assert_str_eq(only_one(&l)->text + 3, "parent");
	live_close(&l);
}
END_TEST

static off_t
first_slot(void)
{
	struct smx_header h;

	live_header("smx.t", &h);
	return (off_t)(h.exemplar_off + SMX_SINK);
}

static void
poke(off_t at, uint64_t word)
{
	int fd = open(live_file("smx.t"), O_WRONLY);

	REQUIRE(fd >= 0 && pwrite(fd, &word, 8, at) == 8);
	close(fd);
}

static int
attach_and_stay(int step)
{
	(void)step;
	(void)attach_kept();
	return 0;
}

/* By this process, and by another one that lives. */
START_TEST(a_slot_that_is_being_written_is_left_alone)
{
	struct live_peer peer;
	struct smx_histogram h;
	struct live l = { 0 };

	live_peer_start(&peer, attach_and_stay);
	(void)live_peer_do(&peer, 0);
	h = attach_kept();
	smx_observe_exemplar(h, 3, "id", "whole");
	for (uint64_t slot = 0; slot < 2; slot++) {
		poke(first_slot(), (slot + 1) << 32 | 2);
		smx_observe_exemplar(h, 3, "id", "other");
		ck_assert_str_eq(only_one(&l)->text + 3, "whole");
	}
	poke(first_slot(), 0);
	smx_observe_exemplar(h, 3, "id", "other");
	ck_assert_str_eq(only_one(&l)->text + 3, "other");
	live_peer_end(&peer);
	live_close(&l);
}
END_TEST

/* What a writer leaves that is killed inside. */
static int
die_inside(void *arg)
{
	struct smx_histogram h = attach_kept();
	struct smx_header header;

	(void)arg;
	smx_observe_exemplar(h, 3, "id", "whole");
	live_header("smx.t", &header);
	poke(first_slot(), UINT64_C(1) << 32 | 2); /* slot 0, its first life */
	poke(first_slot() + 8, 3);
	poke(first_slot() + 16, 4);
	return 0;
}

START_TEST(a_writer_killed_inside_leaves_none_and_no_lock)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(die_inside, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 0);
	ck_assert_int_eq(live_run(observe_once, "next"), 0);
	ck_assert_str_eq(only_one(&l)->text + 3, "next");
	live_close(&l);
}
END_TEST

/* Words of a slot that a hostile writer may set, and to what. */
static const struct {
	off_t word;
	uint64_t to;
} lies[] = {
	{ 1, 0 }, { 1, 7 },			/* seq */
	{ 2, 11 }, { 2, UINT64_MAX },		/* value: another bucket's */
	{ 3, UINT64_MAX },			/* time */
	{ 4, 0 }, { 4, 1 }, { 4, 5 }, { 4, 153 }, { 4, UINT64_MAX }, /* len */
	{ 5, 0 }, { 5, 0x4141414141414141 },	/* text */
	{ 5, 0x000000ff006469 },
};

START_TEST(a_slot_that_lies_is_left_out)
{
	struct smx_histogram h = attach_kept();
	struct live l = { 0 };

	smx_observe_exemplar(h, 3, "id", "abc");
	(void)only_one(&l);
	poke(first_slot() + lies[_i].word * 8, lies[_i].to);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 0);
	ck_assert_uint_eq(live_count(&l, "x", NULL), 1);
	live_close(&l);
}
END_TEST

START_TEST(an_older_histogram_may_be_opted_in_later)
{
	struct smx_desc plain = kept, other = kept;
	struct smx_histogram h, x;
	struct live l = { 0 };

	plain.exemplars = 0;
	other.name = "y";
	REQUIRE(smx_attach("t", NULL) == 0);
	REQUIRE(smx_histogram_register(&h, &plain, NULL) == 0);
	REQUIRE(smx_histogram_register(&x, &other, NULL) == 0);
	REQUIRE(smx_histogram_register(&h, &kept, NULL) == 0);
	smx_observe_exemplar(x, 3, "id", "y");
	smx_observe_exemplar(h, 3, "id", "x");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 2);
	ck_assert_uint_eq(l.snap.exemplars[0].series, 0);
	ck_assert_str_eq(l.snap.exemplars[0].text + 3, "x");
	ck_assert_str_eq(l.snap.exemplars[1].text + 3, "y");
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("exemplars");
	TCase *tc = live_case(s, "exemplars", 60);

	tcase_add_test(tc, the_last_one_of_each_bucket_is_kept);
	tcase_add_test(tc, a_native_histogram_keeps_one_for_each_power_of_two);
	tcase_add_test(tc, a_histogram_that_did_not_ask_keeps_none);
	tcase_add_test(tc, several_labels_go_together);
	tcase_add_loop_test(tc, labels_that_cannot_be_shown_leave_the_value, 0,
	    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, code_points_count_not_bytes);
	tcase_add_test(tc, a_value_that_is_dropped_leaves_no_exemplar);
	tcase_add_test(tc, without_room_the_histogram_goes_without);
	tcase_add_test(tc, the_next_life_writes_into_the_same_slots);
	tcase_add_test(tc, the_child_of_a_fork_writes_them_too);
	tcase_add_test(tc, a_slot_that_is_being_written_is_left_alone);
	tcase_add_test(tc, a_writer_killed_inside_leaves_none_and_no_lock);
	tcase_add_loop_test(tc, a_slot_that_lies_is_left_out, 0,
	    sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(tc, an_older_histogram_may_be_opted_in_later);
	return live_main(s);
}
