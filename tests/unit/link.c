/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting by name, with a resolver that takes its time. */
#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "services/common/link.h"

#define LONG_MS 60000	/* longer than any of this takes */

static uv_loop_t loop;
static struct cdb_link link_;
static struct addr addr = { .host = "a-name" };
static uv_timer_t timer;
static sem_t may_answer;
static int answer;		/* of the resolver */
static int listener;
static unsigned ups;
static unsigned downs;
static char reason[128];

/* libuv's, in its pool, and hiredis's, for addresses. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	int (*next)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

	*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!node || strcmp(node, "a-name") != 0)
		return next(node, service, hints, res);
	while (sem_wait(&may_answer) < 0)
		;
	return answer ? answer : next("127.0.0.1", service, hints, res);
}

/* The end of a test; not within `up`, where hiredis still needs it. */
static void
finish(uv_timer_t *t)
{
	cdb_link_destroy(&link_);
	sem_post(&may_answer);
	uv_close((uv_handle_t *)t, NULL);
}

static void
on_up(struct cdb_link *link, void *arg)
{
	(void)link;
	(void)arg;
	ups++;
	uv_timer_start(&timer, finish, 0, 0);
}

static void
on_down(struct cdb_link *link, const char *why, void *arg)
{
	(void)link;
	(void)arg;
	downs++;
	snprintf(reason, sizeof(reason), "%s", why);
	uv_timer_start(&timer, finish, 0, 0);
}

static const struct cdb_link_ops ops = { on_up, on_down };

static void
begin(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len),
	    0);
	addr.port = ntohs(at.sin_port);
	ck_assert_int_eq(sem_init(&may_answer, 0, 0), 0);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &timer);
	answer = 0;
	ups = downs = 0;
	reason[0] = '\0';
}

static void
end(void)
{
	ck_assert_int_eq(uv_loop_close(&loop), 0);	/* nothing is left */
	close(listener);
}

/* Opens the link; fn is called by the loop while the resolver is busy. */
static void
run(unsigned timeout_ms, uv_timer_cb fn)
{
	char why[128];

	cdb_link_init(&link_, &loop, timeout_ms, &ops, NULL);
	ck_assert_int_eq(cdb_link_open(&link_, &addr, why), 0);
	ck_assert_int_eq(cdb_link_open(&link_, &addr, why), -EISCONN);
	uv_timer_start(&timer, fn, 0, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void
let_answer(uv_timer_t *t)
{
	(void)t;
	ck_assert_uint_eq(ups + downs, 0);
	sem_post(&may_answer);
}

static void
do_nothing(uv_timer_t *t)
{
	(void)t;
}

/* Were it not so, nobody would let the resolver answer. */
START_TEST(the_loop_goes_on_while_a_name_is_resolved)
{
	run(LONG_MS, let_answer);
	ck_assert_uint_eq(ups, 1);
	ck_assert_uint_eq(downs, 0);
}
END_TEST

START_TEST(a_name_that_nobody_knows_takes_the_link_down)
{
	answer = EAI_NONAME;
	run(LONG_MS, let_answer);
	ck_assert_uint_eq(ups, 0);
	ck_assert_uint_eq(downs, 1);
	ck_assert_str_eq(reason, uv_strerror(UV_EAI_NONAME));
}
END_TEST

START_TEST(a_link_that_is_closed_hears_nothing_of_its_name)
{
	run(LONG_MS, finish);
	ck_assert_uint_eq(ups + downs, 0);
}
END_TEST

START_TEST(a_resolver_that_says_nothing_takes_the_link_down_in_time)
{
	run(1, do_nothing);
	ck_assert_uint_eq(ups, 0);
	ck_assert_uint_eq(downs, 1);
	ck_assert_str_eq(reason, "no connection in time");
}
END_TEST

START_TEST(an_address_is_asked_of_nobody)
{
	static const char *const addresses[] = { "127.0.0.1", "::1", "::",
		"fe80::1%lo" };
	static const char *const names[] = { "localhost", "redis", "1.2.3",
		"127.0.0.1.example", "" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		ck_assert(!cdb_resolve_needed(addresses[i]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert(cdb_resolve_needed(names[i]));
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("link");
	TCase *tc = tcase_create("link");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, LONG_MS / 1000);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, the_loop_goes_on_while_a_name_is_resolved);
	tcase_add_test(tc, a_name_that_nobody_knows_takes_the_link_down);
	tcase_add_test(tc, a_link_that_is_closed_hears_nothing_of_its_name);
	tcase_add_test(tc,
	    a_resolver_that_says_nothing_takes_the_link_down_in_time);
	tcase_add_test(tc, an_address_is_asked_of_nobody);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
