/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets.h -- where the collector listens: addresses it opens while it still
 * may, or sockets that the service manager opened for it.
 *
 * Thread   one.
 */
#ifndef COLLECTOR_SOCKETS_H
#define COLLECTOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/addr.h"
#include "runtime/log.h"

#define SOCKETS_MAX 16

struct sockets {
	int fd[SOCKETS_MAX];
	struct addr addr[SOCKETS_MAX];	/* of those opened here */
	size_t n;
	bool given;
};

/*
 * sockets_open -- the addresses of `listen`, or with `from_systemd` those
 * given, and no other.
 *
 * Owner    of the descriptors the server, once it has them.
 * Errors   as addr_listen(); -ENOENT none was given; said in the log.
 */
int sockets_open(struct sockets *s, const char *const *listen, size_t n,
    bool from_systemd, const struct log *log);

/* sockets_remove -- the files of unix sockets opened here. */
void sockets_remove(const struct sockets *s);

#endif
