/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/httpd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/httpd_priv.h"

#define BACKLOG 4096		/* the kernel has a limit of its own */

void
httpd__close_listeners(struct httpd *h)
{
	for (size_t i = 0; i < h->n_listeners; i++) {
		struct httpd_listener *l = &h->listeners[i];

		if (l->fd < 0 || (l->given && !h->accepted_fds))
			continue;
		close(l->fd);
		if (l->addr.is_unix && !l->given)
			(void)unlink(l->addr.path);
	}
}

static int
open_listener(struct httpd_listener *l, const char *text,
    struct httpd_error *err)
{
	int ret = addr_parse(text, &l->addr);

	if (ret < 0) {
		snprintf(err->msg, sizeof(err->msg),
		    "%s: not an address; HOST:PORT, :PORT, [IPV6]:PORT or "
		    "unix:/PATH is", text);
		return ret;
	}
	ret = addr_listen(&l->addr, BACKLOG, &l->fd);
	if (ret < 0) {
		snprintf(err->msg, sizeof(err->msg), "cannot listen on %s: %s",
		    text, strerror(-ret));
		return ret;
	}
	l->port = addr_bound_port(l->fd);
	return 0;
}

/* A socket that listens already. */
static void
take_fd(struct httpd_listener *l, int fd)
{
	l->fd = fd;
	l->given = true;
	l->port = addr_bound_port(fd);
}

int
httpd__open_listeners(struct httpd *h, struct httpd_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < h->n_listeners; i++)
		h->listeners[i].fd = -1;
	for (size_t i = 0; i < h->opt.n_listen && ret == 0; i++)
		ret = open_listener(&h->listeners[i], h->opt.listen[i], err);
	for (size_t i = 0; i < h->opt.n_fds; i++)
		take_fd(&h->listeners[h->opt.n_listen + i], h->opt.fds[i]);
	return ret;
}
