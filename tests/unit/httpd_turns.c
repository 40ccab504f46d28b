/* SPDX-License-Identifier: Apache-2.0 */
/* What the server sends in one turn of its loop: send() and sendmsg() of this
 * program come before those of the C library, and count. */
#include "runtime/httpd.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BODY		((size_t)24 << 20)
#define CLIENTS		12
#define PIECE_MOST	((size_t)256 << 10)
#define TURN_MOST	((size_t)8 << 20)	/* httpd_response.c: 2 MiB from
						 * each of its two callers, and
						 * the room of the first few */

static struct {
	uv_loop_t loop;
	uv_prepare_t turn;
	uv_async_t done;
	struct httpd *h;
	uint16_t port;
	char *body;
	struct httpd_request *waiting[CLIENTS];
	unsigned n_waiting, n_wanted, n_left, n_freed;
	size_t in_turn, most_in_turn, most_at_once;
} srv;

static __thread bool counted;

static void
count(size_t offered, ssize_t sent)
{
	if (!counted)
		return;
	if (offered > srv.most_at_once)
		srv.most_at_once = offered;
	srv.in_turn += sent > 0 ? (size_t)sent : 0;
	if (srv.in_turn > srv.most_in_turn)
		srv.most_in_turn = srv.in_turn;
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	ssize_t sent = syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);

	count(n, sent);
	return sent;
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t sent = syscall(SYS_sendmsg, fd, msg, flags);
	size_t n = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += msg->msg_iov[i].iov_len;
	count(n, sent);
	return sent;
}

static void
on_turn(uv_prepare_t *turn)
{
	(void)turn;
	srv.in_turn = 0;
}

static void
free_body(void *ctx)
{
	(void)ctx;
	srv.n_freed++;
}

/* As a scrape: all who wait are answered with the same bytes at once. */
static void
handle(struct httpd_request *req, void *user)
{
	(void)user;
	srv.waiting[srv.n_waiting++] = req;
	if (srv.n_waiting < srv.n_wanted)
		return;
	for (unsigned i = 0; i < srv.n_waiting; i++)
		httpd_reply(srv.waiting[i], &(struct httpd_reply){
		    .status = 200, .body = srv.body, .body_len = BODY,
		    .free_body = free_body });
}

static void
on_client_done(uv_async_t *async)
{
	if (__atomic_load_n(&srv.n_left, __ATOMIC_SEQ_CST) > 0)
		return;
	httpd_close(srv.h, NULL, NULL);
	uv_close((uv_handle_t *)&srv.turn, NULL);
	uv_close((uv_handle_t *)async, NULL);
}

static void
start(unsigned clients)
{
	static const char *const any[] = { "127.0.0.1:0" };
	struct httpd_options opt = { .listen = any, .n_listen = 1 };
	struct httpd_error err;

	signal(SIGPIPE, SIG_IGN);
	srv.n_wanted = srv.n_left = clients;
	srv.body = malloc(BODY);
	ck_assert_ptr_nonnull(srv.body);
	for (size_t i = 0; i < BODY; i++)
		srv.body[i] = (char)(i * 7 + i / 4093);
	uv_loop_init(&srv.loop);
	uv_async_init(&srv.loop, &srv.done, on_client_done);
	uv_prepare_init(&srv.loop, &srv.turn);
	uv_prepare_start(&srv.turn, on_turn);
	ck_assert_int_eq(httpd_open(&srv.h, &srv.loop, &opt, handle, NULL,
	    &err), 0);
	srv.port = httpd_port(srv.h, 0);
}

static int
dial(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(srv.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* Every byte until the server closes. */
static void *
client(void *arg)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n\r\n";
	size_t cap = BODY + 4096, len = 0;
	char *got = malloc(cap + 1), *body;
	int fd = dial();
	ssize_t n;

	(void)arg;
	ck_assert_int_eq(send(fd, text, sizeof(text) - 1, 0),
	    sizeof(text) - 1);
	while ((n = recv(fd, got + len, cap - len, 0)) > 0)
		len += (size_t)n;
	got[len] = '\0';
	body = strstr(got, "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	body += 4;
	ck_assert_ptr_nonnull(strstr(got, "Content-Length: 25165824\r\n"));
	ck_assert_uint_eq(len - (size_t)(body - got), BODY);
	ck_assert(memcmp(body, srv.body, BODY) == 0);
	close(fd);
	free(got);
	__atomic_sub_fetch(&srv.n_left, 1, __ATOMIC_SEQ_CST);
	uv_async_send(&srv.done);
	return NULL;
}

static void
serve(unsigned clients)
{
	pthread_t threads[CLIENTS];

	start(clients);
	for (unsigned i = 0; i < clients; i++)
		pthread_create(&threads[i], NULL, client, NULL);
	counted = true;		/* the loop is this thread's */
	uv_run(&srv.loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < clients; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(uv_loop_close(&srv.loop), 0);
	ck_assert_uint_eq(srv.n_freed, clients);
	free(srv.body);
}

START_TEST(a_turn_sends_a_piece_of_a_large_body)
{
	serve(1);
	ck_assert_uint_le(srv.most_at_once, PIECE_MOST + 1024);
	ck_assert_uint_le(srv.most_in_turn, 5 * PIECE_MOST);
}
END_TEST

START_TEST(many_large_bodies_share_what_a_turn_sends)
{
	serve(CLIENTS);
	ck_assert_uint_le(srv.most_at_once, PIECE_MOST);
	ck_assert_uint_le(srv.most_in_turn, TURN_MOST);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("httpd_turns");
	TCase *tc = tcase_create("turns");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_turn_sends_a_piece_of_a_large_body);
	tcase_add_test(tc, many_large_bodies_share_what_a_turn_sends);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
