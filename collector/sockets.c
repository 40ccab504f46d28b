/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sockets.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 4096		/* the kernel has a limit of its own */

static int
open_one(struct sockets *s, const char *text, const struct log *log)
{
	struct addr *addr = &s->addr[s->n];
	int err = addr_parse(text, addr);

	if (err == 0)
		err = addr_listen(addr, BACKLOG, &s->fd[s->n]);
	if (err < 0) {
		log_error(log, "cannot listen", LOG_STR("address", text),
		    LOG_ERR(err));
		return err;
	}
	log_info(log, "listening", LOG_STR("address", text),
	    LOG_INT("port", addr_bound_port(s->fd[s->n])));
	s->n++;
	return 0;
}

static int
take_given(struct sockets *s, const struct log *log)
{
	int n = sd_listen_fds(1);

	for (int i = 0; i < n && s->n < SOCKETS_MAX; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (sd_is_socket(fd, 0, 0, 1) <= 0)
			continue;	/* not one that listens */
		s->fd[s->n++] = fd;
		log_info(log, "listening", LOG_STR("address", "given"),
		    LOG_INT("port", addr_bound_port(fd)));
	}
	s->given = true;
	if (s->n > 0)
		return 0;
	log_error(log, "--web.systemd-socket, but no socket was given");
	return n < 0 ? n : -ENOENT;
}

int
sockets_open(struct sockets *s, const char *const *listen, size_t n,
    bool from_systemd, const struct log *log)
{
	int err = 0;

	s->n = 0;
	s->given = false;
	if (from_systemd)
		return take_given(s, log);
	for (size_t i = 0; i < n && err == 0; i++)
		err = open_one(s, listen[i], log);
	return err;
}

void
sockets_remove(const struct sockets *s)
{
	for (size_t i = 0; i < s->n && !s->given; i++)
		if (s->addr[i].is_unix)
			(void)unlink(s->addr[i].path);
}
