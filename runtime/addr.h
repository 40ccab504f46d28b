/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h -- addresses of sockets as people write them, and listening there.
 *
 * Thread   any; addr_listen() may ask the resolver, so use it at start only.
 */
#ifndef SMX_RUNTIME_ADDR_H
#define SMX_RUNTIME_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	bool is_unix;
	uint16_t port;		/* 0: the kernel chooses (TCP only) */
	char host[256];		/* without brackets; "" is every address */
	char path[108];		/* of a unix socket */
};

/*
 * addr_parse -- "HOST:PORT", ":PORT", "[::1]:PORT" or "unix:/path".
 *
 * Errors   -EINVAL not of that form, or a port above 65535; -ENAMETOOLONG
 *          longer than a host name or a socket path can be.
 */
int addr_parse(const char *text, struct addr *out);

/* addr_format -- the text addr_parse() reads; cut off at cap, always ended. */
void addr_format(const struct addr *addr, char *dst, size_t cap);

/*
 * addr_listen -- a listening, non-blocking, close-on-exec socket at `addr`.
 *
 * A unix socket left over by a dead process is replaced; one that answers is
 * not.
 * Owner    the caller closes *fd.
 * Errors   -EADDRINUSE somebody listens there; -EADDRNOTAVAIL not an address
 *          of this machine, or a name nobody knows; -errno of socket, bind,
 *          listen.
 */
int addr_listen(const struct addr *addr, int backlog, int *fd);

/* addr_bound_port -- the port `fd` is bound to, 0 when it has none. */
uint16_t addr_bound_port(int fd);

#endif
