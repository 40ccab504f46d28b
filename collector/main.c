/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smx-collector -- maps every segment of a directory read-only and serves
 * what is in them.  This file only wires the parts together.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector/notify.h"
#include "collector/options.h"
#include "collector/routes.h"
#include "collector/sandbox.h"
#include "collector/sockets.h"
#include "collector/watch.h"
#include "collector/web.h"
#include "runtime/privileges.h"

#define CONN_MAX 1024
#define POOL	 4		/* threads of libuv's pool, as it is by itself */

struct collector {
	uv_loop_t loop;
	struct log log;
	struct options opt;
	struct engine engine;
	struct self_stats stats;
	struct scraper scraper;
	struct routes routes;
	struct watch watch;
	struct notify notify;
	struct sockets sockets;
	struct gate gate;
	struct web web;
	struct httpd *http;
	unsigned conn_max;
	uv_signal_t term, intr, hup;
	bool stopping;
};

static void
on_drained(void *ctx)
{
	struct collector *c = ctx;

	log_info(&c->log, "stopped");
}

static void
on_http_closed(void *ctx)
{
	struct collector *c = ctx;

	scraper_drain(&c->scraper, on_drained, c);
}

static void
on_stop(uv_signal_t *sig, int number)
{
	struct collector *c = sig->data;

	if (c->stopping)
		return;
	c->stopping = true;
	log_info(&c->log, "stopping", LOG_STR("signal", strsignal(number)),
	    LOG_UINT("in_flight", httpd_in_flight(c->http)));
	notify_close(&c->notify);
	watch_close(&c->watch);
	uv_close((uv_handle_t *)&c->term, NULL);
	uv_close((uv_handle_t *)&c->intr, NULL);
	uv_close((uv_handle_t *)&c->hup, NULL);
	httpd_close(c->http, on_http_closed, c);
}

static void
on_hup(uv_signal_t *sig, int number)
{
	struct collector *c = sig->data;

	(void)number;
	web_reload(&c->web);
	scraper_scan(&c->scraper);
}

static void
on_changed(void *ctx)
{
	struct collector *c = ctx;

	scraper_scan(&c->scraper);
}

static void
start_signals(struct collector *c)
{
	uv_signal_init(&c->loop, &c->term);
	uv_signal_init(&c->loop, &c->intr);
	uv_signal_init(&c->loop, &c->hup);
	c->term.data = c->intr.data = c->hup.data = c;
	uv_signal_start(&c->term, on_stop, SIGTERM);
	uv_signal_start(&c->intr, on_stop, SIGINT);
	uv_signal_start(&c->hup, on_hup, SIGHUP);
}

/* Before a connection, before a request: under what is in force now. */
static void
on_arrival(void *user)
{
	struct collector *c = user;

	web_refresh(&c->web);
}

static void
on_request(struct httpd_request *req, void *user)
{
	struct collector *c = user;

	web_refresh(&c->web);
	gate_ask(&c->gate, req);
}

static void
on_done(const struct httpd_done *done, void *user)
{
	struct collector *c = user;

	routes_done(done, &c->routes);
}

/* With what is in force of the web configuration. */
static int
start_http(struct collector *c)
{
	const struct httpd_options opt = {
		.fds = c->sockets.fd, .n_fds = c->sockets.n,
		.done = on_done, .arrival = on_arrival, .tls = c->web.tls,
		.conn_max = c->conn_max,
		.conn_max_per_ip = c->conn_max / 4 + 1,
	};
	struct httpd_error error;
	int err = httpd_open(&c->http, &c->loop, &opt, on_request, c, &error);

	if (err < 0) {
		log_error(&c->log, error.msg);
		return err;
	}
	c->routes.http = c->http;
	c->routes.tls = c->web.tls != NULL;
	c->scraper.http = c->http;
	web_attach(&c->web, c->http);
	return 0;
}

/* What only root may do comes before; what others can reach comes after. */
static int
drop_privileges(struct collector *c)
{
	char msg[256];
	int err = privileges_drop(c->opt.user, msg);

	if (err < 0)
		log_error(&c->log, msg);
	if (!c->opt.owner_given)
		c->opt.owner = geteuid();
	return err;
}

static void
start_engine(struct collector *c)
{
	const struct engine_options opt = {
		.dir = c->opt.dir, .owner = c->opt.owner,
		.about_us = c->opt.about_us, .created = c->opt.created,
		.expected = c->opt.services,
		.n_expected = c->opt.n_services,
		.metrics_path = c->opt.telemetry_path,
		.keep_ns = c->opt.keep_ns, .log = &c->log,
	};

	engine_init(&c->engine, &opt);
	scraper_init(&c->scraper, &c->loop, &c->engine, &c->stats,
	    c->opt.max_requests);
	c->routes = (struct routes){ .metrics_path = c->opt.telemetry_path,
		.scraper = &c->scraper, .stats = &c->stats };
}

/* Each segment keeps a descriptor, and so does each client: as many as may
 * be, and clients at most half of them. */
static void
raise_descriptors(struct collector *c)
{
	struct rlimit lim;

	c->conn_max = CONN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur / 2 < CONN_MAX)
		c->conn_max = (unsigned)lim.rlim_cur / 2 + 1;
}

/* From here on as little as possible is allowed. */
static int
start(struct collector *c)
{
	int err = sockets_open(&c->sockets, c->opt.listen, c->opt.n_listen,
	    c->opt.systemd_socket, &c->log);

	if (err == 0)
		err = drop_privileges(c);
	if (err < 0)
		return err;
	start_engine(c);
	err = gate_init(&c->gate, &c->loop, routes_handle, &c->routes);
	if (err < 0)
		log_error(&c->log, "no random numbers", LOG_ERR(err));
	else
		err = web_open(&c->web, c->opt.web_config, &c->log, &c->gate);
	if (err < 0)
		return err;
	sandbox_enter(&c->opt, &c->sockets, c->web.conf, &c->log);
	return start_http(c);
}

static void
serve(struct collector *c)
{
	log_info(&c->log, "started", LOG_STR("version", COLLECTOR_VERSION),
	    LOG_STR("dir", c->opt.dir));
	start_signals(c);
	watch_open(&c->watch, &c->loop, c->opt.dir, on_changed, c);
	notify_open(&c->notify, &c->loop, &c->scraper);
	uv_run(&c->loop, UV_RUN_DEFAULT);
	sockets_remove(&c->sockets);
	web_close(&c->web);
	scraper_free(&c->scraper);
	engine_close(&c->engine);
	(void)uv_loop_close(&c->loop);
}

static void
wait_for(void *sem)
{
	uv_sem_wait(sem);
}

/* As many at once as libuv's pool has, which aborts if it gets fewer. */
static int
try_threads(void)
{
	uv_thread_t thread[POOL];
	uv_sem_t end;
	int n = 0, err = uv_sem_init(&end, 0);

	if (err < 0)
		return err;
	while (err == 0 && n < POOL) {
		err = uv_thread_create(&thread[n], wait_for, &end);
		n += err == 0;
	}
	for (int i = 0; i < n; i++)
		uv_sem_post(&end);
	for (int i = 0; i < n; i++)
		uv_thread_join(&thread[i]);
	uv_sem_destroy(&end);
	return err;
}

static int
run(struct collector *c)
{
	int err;

	/* it would pass by the filter of system calls */
	(void)setenv("UV_USE_IO_URING", "0", 1);
	(void)unsetenv("UV_THREADPOOL_SIZE");
	err = try_threads();
	if (err < 0) {
		log_error(&c->log, "no threads", LOG_ERR(err));
		return 1;
	}
	err = uv_loop_init(&c->loop);
	if (err < 0) {
		log_error(&c->log, "no event loop", LOG_ERR(err));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors(c);
	err = start(c);
	if (err < 0) {
		sockets_remove(&c->sockets);
		return 1;	/* the kernel cleans up the rest */
	}
	serve(c);
	return 0;
}

/* Whatever is opened first would else be where the log goes. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int
main(int argc, char **argv)
{
	static struct collector c;
	char msg[256];

	fill_standard_descriptors();
	if (options_parse(&c.opt, argc, argv, msg) < 0) {
		fprintf(stderr, "smx-collector: %s\n", msg);
		return 2;
	}
	if (c.opt.help) {
		fputs(options_usage(), stdout);
		return 0;
	}
	if (c.opt.version) {
		puts("smx-collector " COLLECTOR_VERSION);
		return 0;
	}
	c.log = (struct log){ .fd = 2, .min = c.opt.level,
		.service = "collector" };
	return run(&c);
}
