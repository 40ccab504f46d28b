/* SPDX-License-Identifier: Apache-2.0 */
/* The open-loop load against a server that stands still, and its records. */
#include "bench/ab/answer.h"
#include "bench/ab/open_loop.h"
#include "bench/ab/samples.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STALL_S 1

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char bad[] = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";

/* How the server behaves; request `at` is the first one that it concerns. */
enum manner { ALWAYS_GOOD, STALLS_ONCE, FAILS_FROM, CLOSES_FROM, SILENT_FROM };

static void
answer_from(enum manner manner, unsigned at, unsigned n, int fd)
{
	const char *text = n >= at && manner == FAILS_FROM ? bad : good;

	if (manner == STALLS_ONCE && n == at)
		nanosleep(&(struct timespec){ .tv_sec = STALL_S }, NULL);
	if (n >= at && manner == SILENT_FROM)
		pause();
	if (n >= at && manner == CLOSES_FROM)
		shutdown(fd, SHUT_RDWR);
	else if (write(fd, text, strlen(text)) < 0)
		_exit(0);
}

/* One connection after the other; requests are small and come one by one. */
static void
serve(int listener, enum manner manner, unsigned at)
{
	unsigned n = 0;
	char request[512];

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (read(fd, request, sizeof(request)) > 0)
			answer_from(manner, at, n++, fd);
		close(fd);
	}
}

static pid_t server;

static struct load
load_on(enum manner manner, unsigned at)
{
	struct load load = { .n_targets = 1,
		.rate = 200,
		.seconds = 2,
		.grace_s = 30,
		.connections = 1 };
	struct sockaddr_in *addr = &load.target[0].addr;
	socklen_t len = sizeof(*addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(listener, (struct sockaddr *)addr, len), 0);
	ck_assert_int_eq(listen(listener, 64), 0);
	ck_assert_int_eq(
	    getsockname(listener, (struct sockaddr *)addr, &len), 0);
	server = fork();
	if (server == 0)
		serve(listener, manner, at);
	close(listener);
	strcpy(load.target[0].request, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	return load;
}

static struct samples
load_samples(const struct load *load)
{
	struct samples s;
	uint64_t start;

	ck_assert_int_eq(samples_open(&s, 401), 0);
	ck_assert_int_eq(load_run(load, &s, &start), 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	ck_assert_uint_eq(s.n, 400);
	return s;
}

static uint64_t
quantile(const struct samples *s, enum sample_span span, double q)
{
	uint64_t *v;
	int64_t n = samples_sorted(s, SAMPLES_ALL, span, &v);
	uint64_t found = samples_quantile(v, (size_t)n, q);

	free(v);
	return found;
}

static size_t
count(const struct samples *s, uint32_t fault)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->all[i].fault == fault;
	return n;
}

/* A second without answers at 200 requests a second: 200 requests become due
 * meanwhile, half of all.  Whoever looks at the server's own time sees one. */
START_TEST(a_stalled_server_shows_in_the_percentiles)
{
	struct load load = load_on(STALLS_ONCE, 100);
	struct samples s = load_samples(&load);

	ck_assert_uint_eq(count(&s, FAULT_NONE), 400);
	ck_assert_uint_ge(quantile(&s, SPAN_LATENCY, 0.75), 450000000);
	ck_assert_uint_ge(quantile(&s, SPAN_LATENCY, 0.99), 950000000);
	ck_assert_uint_ge(quantile(&s, SPAN_LATENCY, 1), 1000000000);
	ck_assert_uint_lt(
	    quantile(&s, SPAN_SERVICE, 0.90), quantile(&s, SPAN_LATENCY, 0.90));
	samples_close(&s);
}
END_TEST

/* Due times do not depend on the server. */
START_TEST(requests_are_due_at_fixed_times)
{
	struct load load = load_on(STALLS_ONCE, 50);
	struct samples s = load_samples(&load);
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	/* sorts them by the time they were due */
	ck_assert_int_eq(samples_write_timeline(out, &s, 100000000), 0);
	fclose(out);
	free(text);
	for (size_t i = 0; i < s.n; i++) {
		ck_assert_uint_eq(s.all[i].due_ns, i * 5000000);
		ck_assert_uint_ge(s.all[i].sent_ns, s.all[i].due_ns);
		ck_assert_uint_ge(s.all[i].done_ns, s.all[i].sent_ns);
	}
	samples_close(&s);
}
END_TEST

/* In step with nothing: every tenth of the slots gets its share, of each
 * target; and the same seed gives the same times. */
START_TEST(with_a_seed_requests_are_due_anywhere_in_their_slots)
{
	struct load load = { .n_targets = 2, .rate = 1000, .seed = 7 };
	struct load other = { .n_targets = 2, .rate = 1000, .seed = 8 };
	unsigned tenths[2][10] = { { 0 } }, turned = 0, same = 0;

	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t due = load_due_ns(&load, i);
		uint32_t target = load_target_of(&load, i);

		ck_assert_uint_ge(due, i * 1000000);
		ck_assert_uint_lt(due, (i + 1) * 1000000);
		tenths[target][due % 1000000 / 100000]++;
		if (i % 2 == 1)
			ck_assert_uint_ne(target, load_target_of(&load, i - 1));
		turned += target != i % 2;
		same += due == load_due_ns(&other, i);
	}
	for (int t = 0; t < 20; t++) {
		ck_assert_uint_gt(tenths[t / 10][t % 10], 850);
		ck_assert_uint_lt(tenths[t / 10][t % 10], 1150);
	}
	ck_assert_uint_gt(turned, 9500);
	ck_assert_uint_lt(turned, 10500);
	ck_assert_uint_lt(same, 10);
}
END_TEST

START_TEST(other_answers_than_2xx_and_3xx_are_errors)
{
	struct load load = load_on(FAILS_FROM, 300);
	struct samples s = load_samples(&load);

	ck_assert_uint_eq(count(&s, FAULT_NONE), 300);
	ck_assert_uint_eq(count(&s, FAULT_STATUS), 100);
	samples_close(&s);
}
END_TEST

START_TEST(closed_connections_are_errors_and_made_anew)
{
	struct load load = load_on(CLOSES_FROM, 300);
	struct samples s = load_samples(&load);

	ck_assert_uint_eq(count(&s, FAULT_NONE), 300);
	ck_assert_uint_eq(count(&s, FAULT_CONNECTION), 100);
	samples_close(&s);
}
END_TEST

START_TEST(a_refused_connection_is_an_error)
{
	struct load load = load_on(ALWAYS_GOOD, 0);
	struct samples s;

	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	s = load_samples(&load);
	ck_assert_uint_eq(count(&s, FAULT_CONNECTION), 400);
	samples_close(&s);
}
END_TEST

/* Without an answer a request has waited at least until the end: it is a lower
 * bound, and it counts. */
START_TEST(unanswered_requests_are_not_left_out)
{
	struct load load = load_on(SILENT_FROM, 200);
	struct samples s;

	load.grace_s = 0.2;
	s = load_samples(&load);
	ck_assert_uint_eq(count(&s, FAULT_NONE), 200);
	ck_assert_uint_eq(count(&s, FAULT_UNANSWERED), 200);
	ck_assert_uint_ge(quantile(&s, SPAN_LATENCY, 1), 1150000000);
	samples_close(&s);
}
END_TEST

START_TEST(quantiles_are_values_that_were_measured)
{
	uint64_t v[1000];

	for (uint64_t i = 0; i < 1000; i++)
		v[i] = i + 1;
	ck_assert_uint_eq(samples_quantile(v, 1000, 0), 1);
	ck_assert_uint_eq(samples_quantile(v, 1000, 0.5), 500);
	ck_assert_uint_eq(samples_quantile(v, 1000, 0.99), 990);
	ck_assert_uint_eq(samples_quantile(v, 1000, 0.999), 999);
	ck_assert_uint_eq(samples_quantile(v, 1000, 1), 1000);
	ck_assert_uint_eq(samples_quantile(v, 100, 0.07), 7);
	ck_assert_uint_eq(samples_quantile(v, 1, 0.999), 1);
	ck_assert_uint_eq(samples_quantile(v, 3, 0.5), 2);
}
END_TEST

START_TEST(an_answer_ends_where_it_ends_however_it_arrives)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX: y\r\n"
				   "content-length:  5\r\n\r\nhello";
	size_t len = strlen(text);

	for (size_t split = 1; split < len; split++) {
		struct answer a = { .len = 0 };

		answer_begin(&a);
		ck_assert_int_eq(answer_take(&a, text, split), 0);
		ck_assert_int_eq(answer_take(&a, text + split, len - split), 1);
		ck_assert_uint_eq(a.status, 200);
		ck_assert(!a.closing);
	}
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	static const char *const texts[] = { "SMTP ready\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab" };
	char longer[5000];
	struct answer a;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		answer_begin(&a);
		ck_assert_int_eq(
		    answer_take(&a, texts[i], strlen(texts[i])), -EBADMSG);
	}
	memset(longer, 'x', sizeof(longer));
	answer_begin(&a);
	ck_assert_int_eq(answer_take(&a, longer, sizeof(longer)), -E2BIG);
}
END_TEST

START_TEST(a_pool_leaves_warm_ups_out_and_keeps_the_order)
{
	struct sample of_run[] = {
		{ .due_ns = 40, .sent_ns = 41, .done_ns = 60 },
		{ .due_ns = 50, .sent_ns = 52, .done_ns = 57 },
		{ .due_ns = 90, .sent_ns = 99, .done_ns = 150 }
	};
	struct samples run = { of_run, 3, 3 };
	struct samples pool = { 0 };

	ck_assert_int_eq(samples_pool(&pool, &run, 50, 0), 0);
	ck_assert_int_eq(samples_pool(&pool, &run, 50, 100), 0);
	ck_assert_uint_eq(pool.n, 4);
	ck_assert_uint_eq(pool.all[0].due_ns, 0);
	ck_assert_uint_eq(pool.all[1].due_ns, 40);
	ck_assert_uint_eq(pool.all[2].due_ns, 100);
	ck_assert_uint_eq(pool.all[3].done_ns, 200);
	ck_assert_uint_eq(quantile(&pool, SPAN_LATENCY, 0.5), 7);
	ck_assert_uint_eq(quantile(&pool, SPAN_LATENCY, 1), 60);
	ck_assert_uint_eq(quantile(&pool, SPAN_LATENESS, 1), 9);
	samples_close(&pool);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ab_load");
	TCase *tc = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, a_stalled_server_shows_in_the_percentiles);
	tcase_add_test(tc, requests_are_due_at_fixed_times);
	tcase_add_test(tc,
	    with_a_seed_requests_are_due_anywhere_in_their_slots);
	tcase_add_test(tc, other_answers_than_2xx_and_3xx_are_errors);
	tcase_add_test(tc, closed_connections_are_errors_and_made_anew);
	tcase_add_test(tc, a_refused_connection_is_an_error);
	tcase_add_test(tc, unanswered_requests_are_not_left_out);
	tcase_add_test(tc, quantiles_are_values_that_were_measured);
	tcase_add_test(tc, a_pool_leaves_warm_ups_out_and_keeps_the_order);
	tcase_add_test(tc, an_answer_ends_where_it_ends_however_it_arrives);
	tcase_add_test(tc, what_is_no_answer_is_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
