/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/httpd.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A server in a thread of its own; the tests are its clients. */
static struct {
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	struct httpd *h;
	uint16_t port;
	unsigned taken, freed, done, later, last_status;
	bool closed;
} srv;

struct job {
	uv_timer_t timer;
	struct httpd_request *req;
};

static void
free_body(void *ctx)
{
	__atomic_add_fetch(&srv.freed, 1, __ATOMIC_SEQ_CST);
	free(ctx);
}

static void
on_job_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
on_job(uv_timer_t *timer)
{
	struct job *job = timer->data;

	httpd_reply_text(job->req, 200, "later\n");
	uv_close((uv_handle_t *)timer, on_job_closed);
}

static void
answer_later(struct httpd_request *req, uint64_t ms)
{
	struct job *job = calloc(1, sizeof(*job));

	__atomic_add_fetch(&srv.later, 1, __ATOMIC_SEQ_CST);
	job->req = req;
	job->timer.data = job;
	uv_timer_init(&srv.loop, &job->timer);
	uv_timer_start(&job->timer, on_job, ms, 0);
}

static bool
add_argument(void *ctx, const char *key, const char *value)
{
	char *text = ctx;

	snprintf(text + strlen(text), 200 - strlen(text), "%s=%s;", key,
	    value);
	return true;
}

static void
reply_big(struct httpd_request *req)
{
	const struct httpd_header h = { "X-Test", "yes" };
	size_t n = 4 << 20;
	char *body = malloc(n);

	memset(body, 'x', n);
	httpd_reply(req, &(struct httpd_reply){ .status = 200,
	    .content_type = "text/x", .headers = &h, .n_headers = 1,
	    .body = body, .body_len = n, .free_body = free_body,
	    .free_ctx = body });
}

static void
handle(struct httpd_request *req, void *user)
{
	const char *path = httpd_path(req);
	char text[200] = "";
	size_t len;
	const void *body;

	(void)user;
	__atomic_add_fetch(&srv.taken, 1, __ATOMIC_SEQ_CST);
	if (strcmp(path, "/hello") == 0) {
		httpd_reply_text(req, 200, "hello\n");
	} else if (strcmp(path, "/big") == 0) {
		reply_big(req);
	} else if (strcmp(path, "/later") == 0) {
		answer_later(req, 30);
	} else if (strcmp(path, "/much-later") == 0) {
		answer_later(req, 700);
	} else if (strcmp(path, "/args") == 0) {
		httpd_query_each(req, add_argument, text);
		httpd_reply_text(req, 200, text);
	} else if (strcmp(path, "/agent") == 0) {
		const char *v = httpd_header_get(req, "USER-agent");

		httpd_reply_text(req, 200, v ? v : "none");
	} else if (strcmp(path, "/post") == 0) {
		if (!httpd_allow(req, "POST"))
			return;
		body = httpd_body(req, &len);
		httpd_reply(req, &(struct httpd_reply){ .status = 201,
		    .body = body, .body_len = len });
	} else {
		httpd_reply_text(req, 404, "not found\n");
	}
}

static void
count_done(const struct httpd_done *done, void *user)
{
	(void)user;
	__atomic_store_n(&srv.last_status, done->status, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&srv.done, 1, __ATOMIC_SEQ_CST);
}

/* How many the handler has taken and not yet answered. */
static unsigned
in_flight(void)
{
	return __atomic_load_n(&srv.later, __ATOMIC_SEQ_CST);
}

static void
on_closed(void *ctx)
{
	(void)ctx;
	srv.closed = true;
}

static void
on_stop(uv_async_t *async)
{
	httpd_close(srv.h, on_closed, NULL);
	uv_close((uv_handle_t *)async, NULL);
}

static void *
run(void *arg)
{
	(void)arg;
	uv_run(&srv.loop, UV_RUN_DEFAULT);
	return NULL;
}

static void
start(struct httpd_options opt)
{
	static const char *const any[] = { "127.0.0.1:0" };
	struct httpd_error err;

	if (!opt.listen) {
		opt.listen = any;
		opt.n_listen = 1;
	}
	opt.done = count_done;
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&srv.loop);
	uv_async_init(&srv.loop, &srv.stop, on_stop);
	ck_assert_int_eq(httpd_open(&srv.h, &srv.loop, &opt, handle, NULL,
	    &err), 0);
	srv.port = httpd_port(srv.h, 0);
	pthread_create(&srv.thread, NULL, run, NULL);
}

/* Returns only when the loop has nothing left: nothing leaks, nothing hangs */
static void
stop(void)
{
	uv_async_send(&srv.stop);
	pthread_join(srv.thread, NULL);
	ck_assert(srv.closed);
	ck_assert_int_eq(uv_loop_close(&srv.loop), 0);
}

static void
setup(void)
{
	start((struct httpd_options){ .header_ms = 300, .request_ms = 1000,
	    .idle_ms = 400, .close_ms = 1500, .methods = "GET, HEAD, POST",
	    .body_max = 1000 });
}

static int
dial(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(srv.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

/* Everything until the server closes; the length, text ended with a NUL. */
static size_t
slurp(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap - 1 && (n = recv(fd, buf + len, cap - 1 - len, 0)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
	return len;
}

static char answer[5 << 20];

static size_t
ask(const char *request)
{
	int fd = dial();

	ck_assert_int_eq(send(fd, request, strlen(request), 0),
	    (ssize_t)strlen(request));
	return slurp(fd, answer, sizeof(answer));
}

static size_t
get(const char *method, const char *target)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "User-Agent: me\r\n\r\n", method, target);
	return ask(text);
}

static const char *
body_of(void)
{
	const char *at = strstr(answer, "\r\n\r\n");

	ck_assert_msg(at != NULL, "no answer: %s", answer);
	return at + 4;
}

static void
assert_status(int want)
{
	int got = 0;

	sscanf(answer, "HTTP/1.1 %d", &got);
	ck_assert_msg(got == want, "%d wanted, got: %.200s", want, answer);
}

START_TEST(answers_get)
{
	get("GET", "/hello");
	assert_status(200);
	ck_assert_str_eq(body_of(), "hello\n");
	ck_assert_ptr_nonnull(strstr(answer, "Content-Length: 6\r\n"));
	ck_assert_ptr_nonnull(strcasestr(answer, "Content-Type: text/plain"));
	stop();
	ck_assert_uint_eq(srv.last_status, 200);
	ck_assert_uint_eq(srv.done, 1);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
	get("HEAD", "/big");
	assert_status(200);
	ck_assert_str_eq(body_of(), "");
	ck_assert_ptr_nonnull(strstr(answer, "Content-Length: 4194304\r\n"));
	stop();
	ck_assert_uint_eq(srv.freed, 1);
}
END_TEST

START_TEST(a_big_body_arrives_whole_and_is_freed_once)
{
	size_t n = get("GET", "/big");

	assert_status(200);
	ck_assert_uint_eq(n - (size_t)(body_of() - answer), 4u << 20);
	ck_assert_ptr_nonnull(strstr(answer, "X-Test: yes\r\n"));
	stop();
	ck_assert_uint_eq(srv.freed, 1);
}
END_TEST

START_TEST(unknown_paths_are_404)
{
	get("GET", "/nothing");
	assert_status(404);
	stop();
}
END_TEST

START_TEST(other_methods_are_405_with_allow)
{
	get("DELETE", "/hello");
	assert_status(405);
	ck_assert_ptr_nonnull(strstr(answer, "Allow: GET, HEAD, POST\r\n"));
	get("GET", "/post");
	assert_status(405);
	ck_assert_ptr_nonnull(strstr(answer, "Allow: POST\r\n"));
	/* a part of an allowed word is not that word */
	get("EAD", "/hello");
	assert_status(405);
	stop();
}
END_TEST

START_TEST(an_answer_may_come_later)
{
	get("GET", "/later");
	assert_status(200);
	ck_assert_str_eq(body_of(), "later\n");
	stop();
}
END_TEST

START_TEST(a_slow_answer_outlives_every_deadline)
{
	get("GET", "/much-later");	/* header_ms, idle_ms are less */
	assert_status(200);
	stop();
}
END_TEST

START_TEST(a_client_that_leaves_early_harms_nobody)
{
	const char text[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

	for (int i = 0; i < 20; i++) {
		int fd = dial();

		ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
		close(fd);
	}
	get("GET", "/hello");
	assert_status(200);
	stop();
	ck_assert_uint_eq(srv.done, 21);
}
END_TEST

START_TEST(query_arguments_keep_order_and_repeats)
{
	get("GET", "/args?service=a&service=b%2Cc&x&y=&service=d+e");
	ck_assert_str_eq(body_of(),
	    "service=a;service=b,c;x=;y=;service=d e;");
	stop();
}
END_TEST

START_TEST(header_names_ignore_case)
{
	get("GET", "/agent");
	ck_assert_str_eq(body_of(), "me");
	stop();
}
END_TEST

START_TEST(takes_a_body_up_to_its_limit)
{
	char text[4000];
	int n = snprintf(text, sizeof(text),
	    "POST /post HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Content-Length: 1000\r\n\r\n");

	memset(text + n, 'b', 1000);
	text[n + 1000] = '\0';
	ask(text);
	assert_status(201);
	ck_assert_uint_eq(strlen(body_of()), 1000);
	snprintf(text, sizeof(text),
	    "POST /post HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Content-Length: 1001\r\n\r\n");
	ask(text);
	assert_status(413);
	stop();
}
END_TEST

START_TEST(a_chunked_body_cannot_pass_the_limit)
{
	char text[4000];
	int n = snprintf(text, sizeof(text),
	    "POST /post HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3e9\r\n");

	memset(text + n, 'b', 1001);
	strcpy(text + n + 1001, "\r\n0\r\n\r\n");
	ask(text);
	assert_status(413);
	stop();
}
END_TEST

START_TEST(oversized_headers_are_431)
{
	static char text[70000];

	strcpy(text, "GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
	memset(text + strlen(text), 'a', 60000);
	strcat(text, "\r\n\r\n");
	ask(text);
	assert_status(431);
	get("GET", "/hello");
	assert_status(200);
	stop();
}
END_TEST

START_TEST(nonsense_is_400)
{
	ask("\x16\x03\x01 nonsense\r\n\r\n");
	assert_status(400);
	get("GET", "/hello%00/../x");
	assert_status(400);
	ask("GET /hello HTTP/1.1\r\n\r\n");	/* no Host */
	assert_status(400);
	stop();
}
END_TEST

static int64_t
now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

START_TEST(a_client_that_drips_its_headers_is_dropped)
{
	int fd = dial();
	int64_t t0 = now_ms();
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	char c = 'G';

	/* a byte each 20 ms: never inactive, never done */
	while (now_ms() - t0 < 4000 && poll(&p, 1, 20) == 0)
		if (send(fd, &c, 1, MSG_NOSIGNAL) < 0)
			break;
	ck_assert_int_ge(now_ms() - t0, 250);
	ck_assert_int_lt(now_ms() - t0, 2000);
	close(fd);
	stop();
}
END_TEST

START_TEST(a_kept_connection_serves_many_and_ends_when_idle)
{
	const char text[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial();
	int64_t t0;
	char buf[1000];

	for (int i = 0; i < 100; i++) {
		ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
		ck_assert_int_gt(recv(fd, buf, sizeof(buf), 0), 50);
	}
	t0 = now_ms();
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), 0);
	ck_assert_int_lt(now_ms() - t0, 2000);
	close(fd);
	stop();
	ck_assert_uint_eq(srv.done, 100);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_turn)
{
	ask("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer, "later\nHTTP/1.1 200"));
	ck_assert_ptr_nonnull(strstr(answer, "hello\n"));
	stop();
}
END_TEST

START_TEST(a_client_that_takes_no_answer_is_cut_off)
{
	const char text[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial();
	int64_t t0 = now_ms();

	ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
	while (__atomic_load_n(&srv.done, __ATOMIC_SEQ_CST) == 0 &&
	    now_ms() - t0 < 4000)
		poll(NULL, 0, 10);
	ck_assert_uint_eq(srv.done, 1);
	ck_assert_uint_eq(srv.last_status, 0);
	close(fd);
	stop();
}
END_TEST

/* Until the server has so many requests in hand, or had. */
static void
wait_taken(unsigned n)
{
	while (__atomic_load_n(&srv.taken, __ATOMIC_SEQ_CST) < n)
		poll(NULL, 0, 1);
}

START_TEST(closing_finishes_what_is_in_flight)
{
	const char text[] = "GET /much-later HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial(), idle = dial();
	char c;

	ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
	wait_taken(1);
	stop();
	ck_assert_uint_eq(srv.done, 1);	/* it waited for the answer */
	slurp(fd, answer, sizeof(answer));
	assert_status(200);
	ck_assert_ptr_nonnull(strcasestr(answer, "Connection: close"));
	ck_assert_int_eq(recv(idle, &c, 1, 0), 0);
	close(idle);
}
END_TEST

START_TEST(closing_does_not_wait_for_ever)
{
	const char text[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial();

	ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
	wait_taken(1);
	stop();			/* nobody reads the body */
	ck_assert_uint_eq(srv.freed, 1);
	close(fd);
}
END_TEST

START_TEST(a_port_in_use_is_a_clear_error)
{
	const char *texts[1];
	char text[64];
	struct httpd_error err;
	struct httpd *other;
	struct httpd_options opt = { .listen = texts, .n_listen = 1 };

	snprintf(text, sizeof(text), "127.0.0.1:%u", srv.port);
	texts[0] = text;
	ck_assert_int_eq(httpd_open(&other, &srv.loop, &opt, handle, NULL,
	    &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.msg, text));
	ck_assert_ptr_nonnull(strstr(err.msg, "in use"));
	texts[0] = "nonsense";
	ck_assert_int_eq(httpd_open(&other, &srv.loop, &opt, handle, NULL,
	    &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "nonsense"));
	stop();
}
END_TEST

/* Those below start their own server. */

START_TEST(while_all_are_busy_newcomers_wait)
{
	const char text[] =
	    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct pollfd p = { .events = POLLIN };
	char buf[1000];
	const char busy[] = "GET /much-later HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n\r\n";
	int fds[4];

	start((struct httpd_options){ .conn_max = 2, .header_ms = 60000 });
	for (int i = 0; i < 2; i++) {
		fds[i] = dial();
		send(fds[i], busy, sizeof(busy) - 1, 0);
	}
	while (in_flight() < 2)
		usleep(1000);
	for (int i = 2; i < 4; i++) {
		fds[i] = dial();
		ck_assert_int_gt(send(fds[i], text, sizeof(text) - 1, 0), 0);
	}
	p.fd = fds[2];
	ck_assert_int_eq(poll(&p, 1, 150), 0);	/* its turn has not come */
	for (int i = 0; i < 4; i++)
		ck_assert_uint_gt(slurp(fds[i], buf, sizeof(buf)), 50);
	stop();
	ck_assert_uint_eq(srv.done, 4);
}
END_TEST

static void
ask_on(int fd)
{
	const char text[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	char buf[500];

	ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_int_gt(recv(fd, buf, sizeof(buf), 0), 0);
}

START_TEST(who_has_just_come_is_not_cut_for_a_flood)
{
	const char text[] =
	    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char buf[1000];
	int first[4], late;

	start((struct httpd_options){ .conn_max = 4, .conn_max_per_ip = 100,
	    .grace_ms = 60000, .header_ms = 60000 });
	for (int i = 0; i < 4; i++)
		first[i] = dial();
	late = dial();
	ck_assert_int_gt(send(late, text, sizeof(text) - 1, 0), 0);
	usleep(100000);		/* time to cut somebody */
	for (int i = 3; i >= 0; i--) {
		ck_assert_int_gt(send(first[i], text, sizeof(text) - 1, 0), 0);
		ck_assert_uint_gt(slurp(first[i], buf, sizeof(buf)), 50);
	}
	ck_assert_uint_gt(slurp(late, buf, sizeof(buf)), 50);
	stop();
	ck_assert_uint_eq(srv.done, 5);
}
END_TEST

/* Silent connections and one in use take all places; then others come. */
static void
fill_and_come(unsigned limit)
{
	int silent[16], kept;
	char c;

	for (unsigned i = 0; i < limit - 1; i++)
		silent[i] = dial();
	kept = dial();
	for (unsigned i = 0; i < limit / 2; i++) {
		ask_on(kept);
		get("GET", "/hello");
		assert_status(200);
	}
	ask_on(kept);
	ck_assert_int_le(recv(silent[0], &c, 1, 0), 0);
	for (unsigned i = 0; i < limit - 1; i++)
		close(silent[i]);
	close(kept);
}

START_TEST(who_fills_all_places_keeps_nobody_out)
{
	start((struct httpd_options){ .conn_max = 8, .header_ms = 60000 });
	fill_and_come(8);
	stop();
}
END_TEST

START_TEST(who_fills_the_places_of_an_address_keeps_nobody_out)
{
	start((struct httpd_options){ .conn_max_per_ip = 8,
	    .header_ms = 60000 });
	fill_and_come(8);
	stop();
}
END_TEST

START_TEST(who_takes_no_answers_keeps_nobody_out)
{
	const char big[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
	int fds[4], small = 4096;

	start((struct httpd_options){ .conn_max = 4, .request_ms = 60000,
	    .close_ms = 1000 });
	for (int i = 0; i < 4; i++) {
		fds[i] = dial();
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small,
		    sizeof(small));
		ck_assert_int_gt(send(fds[i], big, sizeof(big) - 1, 0), 0);
	}
	get("GET", "/hello");	/* dial()'s patience is 5 s */
	assert_status(200);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	stop();
}
END_TEST

/* The server runs in this process: what we open it cannot have. */
START_TEST(without_descriptors_it_drops_who_idles)
{
	struct rlimit lim = { .rlim_cur = 40, .rlim_max = 40 };
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fds[64], n = 0;
	struct pollfd p = { .events = POLLIN };
	char c;

	start((struct httpd_options){ .header_ms = 60000 });
	sin.sin_port = htons(srv.port);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
	fds[n++] = dial();
	ask_on(fds[0]);
	fds[n++] = socket(AF_INET, SOCK_STREAM, 0);
	while (n < 64 && (fds[n] = dup(0)) >= 0)
		n++;
	ck_assert_int_eq(connect(fds[1], (struct sockaddr *)&sin,
	    sizeof(sin)), 0);
	p.fd = fds[0];
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_le(recv(fds[0], &c, 1, 0), 0);
	while (n > 0)
		close(fds[--n]);
	get("GET", "/hello");
	assert_status(200);
	stop();
}
END_TEST

START_TEST(one_address_cannot_take_all_connections)
{
	const char busy[] = "GET /much-later HTTP/1.1\r\nHost: x\r\n\r\n";
	int fds[4];
	char c;

	start((struct httpd_options){ .conn_max_per_ip = 3,
	    .header_ms = 60000 });
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		send(fds[i], busy, sizeof(busy) - 1, 0);
	}
	while (in_flight() < 3)
		usleep(1000);
	fds[3] = dial();
	ck_assert_int_le(recv(fds[3], &c, 1, 0), 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	stop();
}
END_TEST

START_TEST(listens_on_several_addresses_and_a_unix_socket)
{
	char dir[] = "/tmp/smx-httpd-XXXXXX", unix_text[64];
	const char *texts[3] = { "127.0.0.1:0", unix_text, "127.0.0.1:0" };
	const char text[] =
	    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(unix_text, sizeof(unix_text), "unix:%s/s", dir);
	start((struct httpd_options){ .listen = texts, .n_listen = 3 });
	srv.port = httpd_port(srv.h, 2);
	get("GET", "/hello");
	assert_status(200);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_gt(send(fd, text, sizeof(text) - 1, 0), 0);
	slurp(fd, answer, sizeof(answer));
	assert_status(200);
	stop();
	ck_assert_int_eq(rmdir(dir), 0);	/* the socket file is gone */
}
END_TEST

START_TEST(a_late_answer_leaves_at_once)
{
	int64_t t0;

	start((struct httpd_options){ 0 });	/* no deadline wakes anybody */
	t0 = now_ms();
	get("GET", "/later");
	ck_assert_int_lt(now_ms() - t0, 1000);	/* the sweep: 1250 */
	assert_status(200);
	stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("httpd");
	TCase *tc = tcase_create("one server"), *own = tcase_create("own");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	suite_add_tcase(s, own);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 20);
	tcase_set_timeout(own, 20);
	tcase_add_test(tc, answers_get);
	tcase_add_test(tc, head_has_the_length_and_no_body);
	tcase_add_test(tc, a_big_body_arrives_whole_and_is_freed_once);
	tcase_add_test(tc, unknown_paths_are_404);
	tcase_add_test(tc, other_methods_are_405_with_allow);
	tcase_add_test(tc, an_answer_may_come_later);
	tcase_add_test(tc, a_slow_answer_outlives_every_deadline);
	tcase_add_test(tc, a_client_that_leaves_early_harms_nobody);
	tcase_add_test(tc, query_arguments_keep_order_and_repeats);
	tcase_add_test(tc, header_names_ignore_case);
	tcase_add_test(tc, takes_a_body_up_to_its_limit);
	tcase_add_test(tc, a_chunked_body_cannot_pass_the_limit);
	tcase_add_test(tc, oversized_headers_are_431);
	tcase_add_test(tc, nonsense_is_400);
	tcase_add_test(tc, a_client_that_drips_its_headers_is_dropped);
	tcase_add_test(tc, a_kept_connection_serves_many_and_ends_when_idle);
	tcase_add_test(tc, pipelined_requests_are_answered_in_turn);
	tcase_add_test(tc, a_client_that_takes_no_answer_is_cut_off);
	tcase_add_test(tc, closing_finishes_what_is_in_flight);
	tcase_add_test(tc, closing_does_not_wait_for_ever);
	tcase_add_test(tc, a_port_in_use_is_a_clear_error);
	tcase_add_test(own, a_late_answer_leaves_at_once);

	tcase_add_test(own, while_all_are_busy_newcomers_wait);
	tcase_add_test(own, who_has_just_come_is_not_cut_for_a_flood);
	tcase_add_test(own, who_fills_all_places_keeps_nobody_out);
	tcase_add_test(own,
	    who_fills_the_places_of_an_address_keeps_nobody_out);
	tcase_add_test(own, who_takes_no_answers_keeps_nobody_out);
	tcase_add_test(own, without_descriptors_it_drops_who_idles);
	tcase_add_test(own, one_address_cannot_take_all_connections);
	tcase_add_test(own, listens_on_several_addresses_and_a_unix_socket);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
