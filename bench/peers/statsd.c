/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statsd: one datagram for each update, formatted and sent, to a process that
 * only reads.  `statsd udp hot` over the loopback, `statsd unix hot` over a
 * Unix socket.  What the receiver does with it comes on top.
 */
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static int out;

static void
send_one(const char *form, double value)
{
	char text[64];
	int len = snprintf(text, sizeof(text), form, value);

	/* UDP drops what the reader does not take in time */
	if (send(out, text, (size_t)len, 0) < 0)
		exit(1);
}

static void
inc(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		send_one("bench.requests:%.0f|c", 1);
}

static void
gauge_set(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		send_one("bench.level:%g|g", 1.5);
}

static void
observe(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		send_one("bench.latency:%g|h", peer_values[i % PEER_VALUES]);
}

static const struct bench_op ops[] = { { "inc", 1, inc },
	{ "gauge_set", 1, gauge_set }, { "observe", 1, observe } };

static int
udp_pair(int fd[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd[0], (struct sockaddr *)&addr, len) < 0 ||
	    getsockname(fd[0], (struct sockaddr *)&addr, &len) < 0)
		return -1;
	return connect(fd[1], (struct sockaddr *)&addr, len);
}

int
main(int argc, char **argv)
{
	int udp = argc > 1 && strcmp(argv[1], "udp") == 0;
	int fd[2];
	char text[64];
	pid_t reader;

	if ((udp ? udp_pair(fd) : socketpair(AF_UNIX, SOCK_DGRAM, 0, fd)) < 0)
		return 1;
	reader = fork();
	if (reader == 0)
		for (;;)
			if (recv(fd[0], text, sizeof(text), 0) < 0)
				_exit(1);
	out = fd[1];
	peer_values_fill();
	peer_hot(udp ? "statsd-udp" : "statsd-unix", ops,
	    sizeof(ops) / sizeof(ops[0]));
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	return 0;
}
