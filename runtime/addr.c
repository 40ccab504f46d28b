/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/addr.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/number.h"

static int
parse_unix(const char *path, struct addr *out)
{
	if (path[0] == '\0')
		return -EINVAL;
	if (strlen(path) >= sizeof(out->path))
		return -ENAMETOOLONG;
	out->is_unix = true;
	strcpy(out->path, path);
	return 0;
}

/* The host part [text, end), brackets taken off. */
static int
parse_host(const char *text, const char *end, struct addr *out)
{
	size_t n = (size_t)(end - text);

	if (n >= 2 && text[0] == '[' && end[-1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n) || memchr(text, '[', n)) {
		return -EINVAL;		/* an IPv6 address wants brackets */
	}
	if (n >= sizeof(out->host))
		return -ENAMETOOLONG;
	memcpy(out->host, text, n);
	out->host[n] = '\0';
	return 0;
}

int
addr_parse(const char *text, struct addr *out)
{
	struct addr a = { 0 };
	const char *colon;
	int64_t port;
	int err;

	if (strncmp(text, "unix:", 5) == 0) {
		err = parse_unix(text + 5, &a);
	} else {
		colon = strrchr(text, ':');
		if (!colon || number_parse(colon + 1, 0, 65535, &port) < 0 ||
		    colon[1] == '-')
			return -EINVAL;
		a.port = (uint16_t)port;
		err = parse_host(text, colon, &a);
	}
	if (err == 0)
		*out = a;
	return err;
}

void
addr_format(const struct addr *addr, char *dst, size_t cap)
{
	bool v6 = strchr(addr->host, ':') != NULL;

	if (addr->is_unix)
		snprintf(dst, cap, "unix:%s", addr->path);
	else if (v6)
		snprintf(dst, cap, "[%s]:%u", addr->host, addr->port);
	else
		snprintf(dst, cap, "%s:%u", addr->host, addr->port);
}

/* Bind and listen; the socket is closed on error. */
static int
bind_listen(int fd, const struct sockaddr *sa, socklen_t len, int backlog)
{
	int err;

	if (bind(fd, sa, len) == 0 && listen(fd, backlog) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Whether the socket file is a leftover: nobody answers behind it. */
static bool
is_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale;

	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int
listen_unix(const struct addr *addr, int backlog)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strcpy(sun.sun_path, addr->path);
	fd = socket(AF_UNIX, type, 0);
	if (fd < 0)
		return -errno;
	fd = bind_listen(fd, (struct sockaddr *)&sun, sizeof(sun), backlog);
	if (fd != -EADDRINUSE || !is_stale(&sun) || unlink(addr->path) < 0)
		return fd;
	fd = socket(AF_UNIX, type, 0);
	if (fd < 0)
		return -errno;
	return bind_listen(fd, (struct sockaddr *)&sun, sizeof(sun), backlog);
}

static int
listen_one(const struct addrinfo *ai, int backlog)
{
	const int on = 1, off = 0;
	int fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)	/* "::" serves IPv4 too */
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
	return bind_listen(fd, ai->ai_addr, ai->ai_addrlen, backlog);
}

static int
listen_tcp(const struct addr *addr, int backlog)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *host = addr->host[0] ? addr->host : NULL;
	struct addrinfo *list, *ai;
	char port[8];
	int fd = -EADDRNOTAVAIL;

	/* every address: one dual-stack socket where there is IPv6 */
	if (!host && (fd = listen_tcp(&(struct addr){ .port = addr->port,
	    .host = "::" }, backlog)) >= 0)
		return fd;
	if (fd == -EADDRINUSE)
		return fd;
	snprintf(port, sizeof(port), "%u", addr->port);
	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -EADDRNOTAVAIL;
	for (ai = list; ai; ai = ai->ai_next) {
		fd = listen_one(ai, backlog);
		if (fd >= 0 || fd == -EADDRINUSE)
			break;
	}
	freeaddrinfo(list);
	return fd;
}

int
addr_listen(const struct addr *addr, int backlog, int *fd)
{
	int ret = addr->is_unix ? listen_unix(addr, backlog) :
	    listen_tcp(addr, backlog);

	if (ret < 0)
		return ret;
	*fd = ret;
	return 0;
}

uint16_t
addr_bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	if (ss.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&ss)->sin_port);
	if (ss.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&ss)->sin6_port);
	return 0;
}
