/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefork -- a server of several processes that share one socket, as nginx or
 * PostgreSQL are built.
 *
 *	example-prefork PORT WORKERS
 *
 * All processes share the segment of one service: its counters are the sum of
 * all workers, those that have died included, so nothing has to be collected
 * from files of dead pids.  A gauge is a worker's own, and gone with it; over
 * the workers that live it is added up, or the largest is shown, as its family
 * says.  The parent makes the metrics; a forked child finds them with the same
 * handles, and takes a slot and a lane of its own at its first update.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <smx/writer.h>

static struct smx_counter requests, aborted, deaths;
static struct smx_gauge busy, longest;

static void
metrics_register(void)
{
	const struct smx_desc d = { .name = "longest_request_bytes",
		.help = "Longest request of any worker that lives.",
		.unit = "bytes", .gauge_mode = SMX_MAX };
	struct smx_error error;

	if (smx_attach_error("prefork", NULL, &error) < 0)
		fprintf(stderr, "no metrics: %s\n", error.msg);
	requests = smx_counter("requests_total", "Requests of all workers.");
	aborted = smx_counter("requests_aborted_total",
	    "Requests whose client left before it had its answer.");
	deaths = smx_counter("worker_deaths_total", "Workers that died.");
	busy = smx_gauge("workers_busy", "Workers with a request in hand.");
	if (smx_gauge_register(&longest, &d, &error) < 0)
		fprintf(stderr, "no longest_request_bytes: %s\n", error.msg);
}

static void
work(int listener)
{
	ssize_t most = 0;

	/* not to outlive the parent */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	smx_set(busy, 0);
	for (;;) {
		char request[4096];
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		if (fd < 0)
			continue;
		smx_set(busy, 1);
		n = read(fd, request, sizeof(request));
		if (n > most)
			smx_set(longest, (double)(most = n));
		smx_inc(requests); /* before the answer: it is not lost */
		if (n > 0 && write(fd, request, (size_t)n) != n)
			smx_inc(aborted);
		close(fd);
		smx_set(busy, 0);
	}
}

static void
start_worker(int listener)
{
	pid_t pid = fork();

	if (pid < 0)
		perror("fork");
	if (pid == 0) {
		work(listener);
		_exit(0);
	}
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 64) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

int
main(int argc, char **argv)
{
	int listener = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 7008));
	int workers = argc > 2 ? atoi(argv[2]) : 4;

	/* a client that left is an error of write(), not a worker's end */
	signal(SIGPIPE, SIG_IGN);
	metrics_register();
	for (int i = 0; i < workers; i++)
		start_worker(listener);
	while (wait(NULL) > 0) {
		smx_inc(deaths);
		start_worker(listener);
	}
	return 1;
}
