/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threaded -- a TCP server with a thread for each connection: it answers each
 * line in capitals, until a client sends an empty one.
 *
 *	example-threaded PORT
 *
 * A thread's first update claims a lane for it; when the thread ends, the lane
 * goes to the next one, and what was counted stays.  Nothing is shared, so
 * nothing is locked.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <smx/writer.h>

static struct smx_counter connections, received;
static struct smx_gauge open_now;
static struct smx_histogram answer;
static struct smx_counter_family lines; /* {kind} */

static void
metrics_register(void)
{
	static const char *const kind[] = { "kind", NULL };
	struct smx_desc d = { .name = "lines_total",
		.help = "Lines answered, by what they hold.",
		.label_names = kind };
	struct smx_error error;

	/* Without metrics the server serves; the reason is worth a line. */
	if (smx_attach_error("threaded", NULL, &error) < 0)
		fprintf(stderr, "no metrics: %s\n", error.msg);
	connections = smx_counter("connections_total", "Clients that came.");
	received = smx_counter("received_bytes_total", "Bytes of lines.");
	open_now = smx_gauge("connections_open", "Clients that are here.");
	answer = smx_histogram_latency("answer_seconds",
	    "From having a line to having answered it.");
	if (smx_counter_family(&lines, &d, &error) < 0)
		fprintf(stderr, "no lines_total: %s\n", error.msg);
}

/* The answer to a line; the label's value is known only now. */
static void
answer_line(char *line, size_t n, int to)
{
	const char *kind = isdigit((unsigned char)line[0]) ? "number" : "text";
	uint64_t t0 = smx_ticks();

	for (size_t i = 0; i < n; i++)
		line[i] = (char)toupper((unsigned char)line[i]);
	if (write(to, line, n) < 0)
		perror("write");
	smx_observe_since(answer, t0);
	smx_add(received, n);
	smx_inc(smx_counter_with(lines, (const char *const[]){ kind }));
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *from = fdopen(fd, "r");
	char line[512];

	smx_inc(connections);
	smx_gauge_add(open_now, 1);
	while (from && fgets(line, sizeof(line), from) && line[0] != '\n')
		answer_line(line, strlen(line), fd);
	smx_gauge_add(open_now, -1);
	if (from)
		fclose(from);
	return NULL;
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
	int fd = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 7007));
	pthread_t thread;

	metrics_register();
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0 && pthread_create(&thread, NULL, serve,
		    (void *)(intptr_t)client) == 0)
			pthread_detach(thread);
	}
}
