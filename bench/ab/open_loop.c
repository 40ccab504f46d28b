/* SPDX-License-Identifier: Apache-2.0 */
#include "open_loop.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"

#define EVENTS 64

struct conn {
	int fd;	   /* -1: not connected */
	bool busy; /* a request is under way */
	uint32_t target;
	size_t sent;	   /* bytes of the request */
	struct sample now; /* the request under way */
	struct answer answer;
	struct conn *next; /* in the list of free ones */
};

struct engine {
	const struct load *load;
	struct samples *samples;
	int epoll;
	uint64_t zero_ns; /* CLOCK_MONOTONIC of the time 0 */
	uint64_t n;	  /* requests in all */
	uint64_t issued;  /* given to a connection */
	uint64_t done;
	struct conn *conns;
	struct conn *idle[LOAD_TARGETS_MAX];
};

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t
since_zero(const struct engine *e)
{
	return clock_ns(CLOCK_MONOTONIC) - e->zero_ns;
}

/* A number of (seed, i) alone: the finalizer of splitmix64. */
static uint64_t
dice(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t
load_due_ns(const struct load *load, uint64_t i)
{
	double phase =
	    load->seed ? (double)(dice(load->seed, i) >> 11) * 0x1p-53 : 0;

	return (uint64_t)(((double)i + phase) * 1e9 / load->rate);
}

uint32_t
load_target_of(const struct load *load, uint64_t i)
{
	uint64_t turn =
	    load->seed ? dice(~load->seed, i / load->n_targets) >> 32 : 0;

	return (uint32_t)((i + turn) % load->n_targets);
}

static uint64_t
due_of(const struct engine *e, uint64_t i)
{
	return load_due_ns(e->load, i);
}

static void
hang_up(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void
finish(struct engine *e, struct conn *c, uint32_t fault)
{
	c->now.done_ns = since_zero(e);
	c->now.fault = fault;
	samples_add(e->samples, c->now);
	e->done++;
	if (fault == FAULT_CONNECTION || c->answer.closing)
		hang_up(c);
	c->busy = false;
	c->answer.closing = false;
	c->next = e->idle[c->target];
	e->idle[c->target] = c;
}

static int
dial(struct engine *e, struct conn *c)
{
	const struct sockaddr_in *addr = &e->load->target[c->target].addr;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

/* As much of the request as the socket takes; EPOLLOUT brings us back. */
static void
push(struct engine *e, struct conn *c)
{
	const char *request = e->load->target[c->target].request;
	size_t len = strlen(request);

	while (c->sent < len) {
		ssize_t n =
		    send(c->fd, request + c->sent, len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (n < 0) {
			finish(e, c, FAULT_CONNECTION);
			return;
		}
		c->sent += (size_t)n;
	}
}

static void
pull(struct engine *e, struct conn *c)
{
	char bytes[16384];

	while (c->busy) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
		int whole;

		if (n < 0 && errno == EAGAIN)
			return;
		whole = n <= 0 ? -ECONNRESET
			       : answer_take(&c->answer, bytes, (size_t)n);
		if (whole < 0)
			finish(e, c, FAULT_CONNECTION);
		else if (whole > 0)
			finish(e, c,
			    c->answer.status / 100 == 2 ||
				    c->answer.status / 100 == 3
				? FAULT_NONE
				: FAULT_STATUS);
	}
}

static void
on_event(struct engine *e, struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return; /* closed by an event before this one */
	if (c->busy && (events & EPOLLOUT))
		push(e, c);
	if (c->busy && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		pull(e, c);
	else if (!c->busy && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		hang_up(c); /* an idle connection is only closed */
}

/* The next request that is due goes to a free connection of its target;
 * without one it waits, and its latency grows. */
static bool
issue(struct engine *e)
{
	uint32_t target = load_target_of(e->load, e->issued);
	struct conn *c = e->idle[target];

	if (!c)
		return false;
	e->idle[target] = c->next;
	c->busy = true;
	c->sent = 0;
	answer_begin(&c->answer);
	c->now = (struct sample){ .due_ns = due_of(e, e->issued),
		.sent_ns = since_zero(e),
		.target = target };
	e->issued++;
	if (c->fd < 0 && dial(e, c) < 0)
		finish(e, c, FAULT_CONNECTION);
	else
		push(e, c);
	return true;
}

/* Sleep until shortly before `due`, at most a millisecond at a time. */
static void
wait_events(struct engine *e, uint64_t due)
{
	struct epoll_event events[EVENTS];
	struct pollfd fd = { .fd = e->epoll, .events = POLLIN };
	uint64_t now = since_zero(e);
	int n;

	if (due > now + e->load->spin_ns) {
		uint64_t ns = due - now - e->load->spin_ns;
		struct timespec t = { .tv_nsec =
					  ns > 1000000 ? 1000000 : (long)ns };

		ppoll(&fd, 1, &t, NULL);
	}
	n = epoll_wait(e->epoll, events, EVENTS, 0);
	for (int i = 0; i < n; i++)
		on_event(e, events[i].data.ptr, events[i].events);
}

static void
run(struct engine *e)
{
	uint64_t end = due_of(e, e->n) + (uint64_t)(e->load->grace_s * 1e9);

	while (e->done < e->n && since_zero(e) < end) {
		bool stuck = false;

		while (!stuck && e->issued < e->n &&
		       due_of(e, e->issued) <= since_zero(e))
			stuck = !issue(e);
		wait_events(e, stuck || e->issued == e->n
				   ? UINT64_MAX
				   : due_of(e, e->issued));
	}
}

/* What has no answer by now waited at least so long. */
static void
give_up(struct engine *e)
{
	uint64_t now = since_zero(e);
	uint32_t n_conns = e->load->connections * e->load->n_targets;

	for (uint32_t i = 0; i < n_conns; i++) {
		if (e->conns[i].busy)
			finish(e, &e->conns[i], FAULT_UNANSWERED);
		hang_up(&e->conns[i]);
	}
	for (; e->issued < e->n; e->issued++)
		samples_add(e->samples,
		    (struct sample){ .due_ns = due_of(e, e->issued),
			.sent_ns = now,
			.done_ns = now,
			.target = load_target_of(e->load, e->issued),
			.fault = FAULT_UNANSWERED });
}

static int
conns_open(struct engine *e)
{
	const struct load *load = e->load;
	uint32_t n = load->connections * load->n_targets;

	e->conns = calloc(n, sizeof(*e->conns));
	if (!e->conns)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct conn *c = &e->conns[i];

		c->fd = -1;
		c->target = i % load->n_targets;
		c->next = e->idle[c->target];
		e->idle[c->target] = c;
	}
	return 0;
}

int
load_run(const struct load *load, struct samples *samples, uint64_t *start_ns)
{
	struct engine e = { .load = load,
		.samples = samples,
		.n = (uint64_t)(load->rate * load->seconds) };
	int err;

	e.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (e.epoll < 0)
		return -errno;
	err = conns_open(&e);
	if (err == 0) {
		prctl(PR_SET_TIMERSLACK, 1);
		*start_ns = clock_ns(CLOCK_REALTIME);
		e.zero_ns = clock_ns(CLOCK_MONOTONIC);
		run(&e);
		give_up(&e);
	}
	free(e.conns);
	close(e.epoll);
	return err;
}
