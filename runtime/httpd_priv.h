/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd_priv.h -- what httpd.c (loop), httpd_listen.c (sockets),
 * httpd_accept.c (newcomers), httpd_conn.c (connections), httpd_request.c
 * (one exchange), httpd_read.c (what is in a request) and httpd_response.c
 * (what is sent) share.
 *
 *   listener --accept--> conn (one per socket) --> request (one at a time)
 *
 * I1  A conn lives from libmicrohttpd's STARTED to its CLOSED notice; its
 *     descriptor is open all that time.
 * I2  A request lives until libmicrohttpd's completed notice.  While it waits
 *     for its answer the connection is suspended, so that notice cannot come.
 * I3  MHD_run() is never entered twice: it is called from loop callbacks
 *     only, answers given inside a handler are queued by on_access().
 */
#ifndef SMX_RUNTIME_HTTPD_PRIV_H
#define SMX_RUNTIME_HTTPD_PRIV_H

#include <microhttpd.h>

#include "runtime/addr.h"
#include "runtime/httpd.h"
#include "runtime/tls.h"

#define HTTPD_DYING_MAX 64	/* cut, but not yet closed */

/* Who connected, as far as limits go. */
struct httpd_peer {
	uint8_t len;			/* of net; 0: no address */
	uint8_t net[8];
};

struct httpd_conn {
	struct httpd *h;
	struct httpd_conn *next, *prev;
	struct httpd_request *req;	/* in flight, or NULL */
	uint64_t since_ns;		/* uv_hrtime when it came, or when its
					 * last exchange took a step */
	uint64_t deadline_ms;		/* uv_now; UINT64_MAX once cut */
	int fd;				/* libmicrohttpd closes it */
	struct tls *tls;		/* of its session; NULL: plain */
	struct httpd_peer peer;
	bool asked;			/* there was a request */
	bool bad_uri;			/* %00 in the request line */
};

struct httpd_listener {
	uv_poll_t poll;
	struct httpd *h;
	struct addr addr;
	int fd;
	uint16_t port;
	bool given;			/* by whoever started us */
};

struct httpd {
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	struct httpd_options opt;
	httpd_handler *handler;
	void *user;
	struct tls *tls;		/* of new connections; NULL: plain */
	const struct httpd_header *headers;	/* with every answer */
	size_t n_headers;
	uv_poll_t poll;			/* libmicrohttpd's epoll descriptor */
	uv_idle_t soon;			/* it has work left */
	uv_timer_t again;		/* it will have, or there may be room */
	uv_timer_t sweep;		/* deadlines; runs while conns exist */
	uint64_t sweep_ms;
	struct httpd_conn *conns;
	unsigned n_conns;
	unsigned n_flight;
	unsigned n_handles;		/* open uv handles, while closing */
	bool accepting;
	bool starved;			/* no descriptor until the next sweep */
	bool closing;
	bool stopped;
	bool accepted_fds;		/* those given are ours now */
	uint64_t close_at_ms;
	void (*closed)(void *);
	void *closed_ctx;
	size_t n_listeners;
	struct httpd_listener listeners[];
};

enum request_state {
	REQ_RECEIVING,		/* its body is coming in */
	REQ_HANDED,		/* the handler has it, inside its call */
	REQ_WAITING,		/* suspended, the handler answers later */
	REQ_ANSWERED,		/* response set, not yet queued */
	REQ_QUEUED,		/* libmicrohttpd sends */
};

struct httpd_request {
	struct httpd_conn *conn;
	struct MHD_Connection *mhd;
	struct MHD_Response *response;
	unsigned status;
	enum request_state state;
	bool too_large;
	uint64_t start_ns;
	size_t reply_len;
	uint64_t tag;
	char *body;
	size_t body_len, body_cap;
	const char *method;	/* libmicrohttpd's; valid as long as we are */
	char path[];
};

/* httpd_request.c: libmicrohttpd's callbacks about one exchange */
enum MHD_Result httpd__on_access(void *cls, struct MHD_Connection *mhd,
    const char *url, const char *method, const char *version,
    const char *data, size_t *data_len, void **ctx);
void httpd__on_completed(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_RequestTerminationCode code);

/* httpd_read.c: whether two readers could take it for different requests */
bool httpd__has_two_meanings(const struct httpd_request *req);

/* Whether its body is coded in a way that does not say where it ends:
 * libmicrohttpd would wait for the end of the connection. */
bool httpd__has_no_end(const struct httpd_request *req);

/* httpd_response.c: an answer for libmicrohttpd; NULL: no memory.  The body is
 * taken either way. */
struct MHD_Response *httpd__response_create(const struct httpd *h,
    const struct httpd_reply *r);

/* httpd_conn.c: libmicrohttpd's callbacks about a connection */
void httpd__on_connection(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_ConnectionNotificationCode code);
void *httpd__on_uri(void *cls, const char *uri, struct MHD_Connection *mhd);

/* httpd_listen.c: those of the options; errors as httpd_open().  What was
 * opened is closed by the second, also after an error of the first. */
int httpd__open_listeners(struct httpd *h, struct httpd_error *err);
void httpd__close_listeners(struct httpd *h);

/* httpd_accept.c: whether newcomers are taken, and again if there may be room
 * for one; who somebody is. */
void httpd__set_accepting(struct httpd *h, bool on);
void httpd__accept_again(struct httpd *h);
void httpd__peer_of(struct httpd_peer *peer, const struct sockaddr *sa);

/* httpd__drive -- let libmicrohttpd work (I3), then accept, or end. */
void httpd__drive(struct httpd *h);

/* httpd__conn_of -- our record of a connection. */
struct httpd_conn *httpd__conn_of(struct MHD_Connection *mhd);

/* httpd__drive_soon -- let libmicrohttpd work in the loop's next turn: it
 * does not wake its own epoll descriptor for a connection that is resumed. */
void httpd__drive_soon(struct httpd *h);

/* httpd__sweep_start -- there are connections now: watch their deadlines. */
void httpd__sweep_start(struct httpd *h);

/* httpd__has_left -- nothing more comes from there, and nothing lies unread. */
bool httpd__has_left(const struct httpd_conn *conn);

/* httpd__cut -- no more bytes either way; libmicrohttpd then ends it. */
void httpd__cut(struct httpd_conn *conn);

#endif
