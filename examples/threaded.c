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
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <smx/writer.h>

enum kind { TEXT, NUMBER, KINDS };

static struct smx_counter connections, received;
static struct smx_counter lines[KINDS]; /* {kind}, known beforehand */
static struct smx_counter_family words; /* {word}, known when it comes */
static struct smx_gauge open_now;
static struct smx_histogram answer;

static void
lines_register(enum kind kind, const char *name)
{
	const struct smx_label labels[] = { { "kind", name }, { NULL, NULL } };
	const struct smx_desc d = { .name = "lines_total",
		.help = "Lines answered, by what they begin with.",
		.labels = labels };
	struct smx_error error;

	if (smx_counter_register(&lines[kind], &d, &error) < 0)
		fprintf(stderr, "no lines_total: %s\n", error.msg);
}

/* Clients choose the values, so there must be a limit of series: beyond it
 * the word is "other". */
static void
words_register(void)
{
	static const char *const names[] = { "word", NULL };
	const struct smx_desc d = { .name = "words_total",
		.help = "Lines answered, by their first word.",
		.label_names = names, .series_max = 20 };
	struct smx_error error;

	if (smx_counter_family(&words, &d, &error) < 0)
		fprintf(stderr, "no words_total: %s\n", error.msg);
}

static void
metrics_register(void)
{
	struct smx_error error;

	/* Without metrics the server serves; the reason is worth a line. */
	if (smx_attach_error("threaded", NULL, &error) < 0)
		fprintf(stderr, "no metrics: %s\n", error.msg);
	connections = smx_counter("connections_total", "Clients that came.");
	received = smx_counter("received_bytes_total", "Bytes of lines.");
	open_now = smx_gauge("connections_open", "Clients that are here.");
	answer = smx_histogram_latency("answer_seconds",
	    "From having a line to having answered it.");
	lines_register(TEXT, "text");
	lines_register(NUMBER, "number");
	words_register();
}

static void
count_line(const char *line)
{
	char word[32];
	const char *const values[] = { word };

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \r\n"), line);
	smx_inc(lines[isdigit((unsigned char)line[0]) ? NUMBER : TEXT]);
	smx_inc(smx_counter_with(words, values));
}

/* 0, or -1 when the client has left. */
static int
answer_line(char *line, size_t n, int to)
{
	uint64_t t0 = smx_ticks();

	count_line(line);
	smx_add(received, n);
	for (size_t i = 0; i < n; i++)
		line[i] = (char)toupper((unsigned char)line[i]);
	if (write(to, line, n) < 0)
		return -1;
	smx_observe_since(answer, t0);
	return 0;
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
		if (answer_line(line, strlen(line), fd) < 0)
			break;
	smx_gauge_add(open_now, -1);
	if (from)
		fclose(from);
	else
		close(fd);
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

	/* a client that left is an error of write(), not our end */
	signal(SIGPIPE, SIG_IGN);
	metrics_register();
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			continue;
		if (pthread_create(&thread, NULL, serve,
		    (void *)(intptr_t)client) == 0)
			pthread_detach(thread);
		else
			close(client);
	}
}
