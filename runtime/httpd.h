/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd.h -- an HTTP server inside a libuv loop.  Bytes, no metrics.
 *
 * libmicrohttpd parses; its epoll descriptor sits in a uv_poll.  What it
 * does not have is added here: absolute deadlines (its own timeout counts
 * inactivity only), answers that come later, and an orderly end.
 *
 * Thread   everything on the loop's thread.  A handler that needs long hands
 *          its work to the pool (uv_queue_work) and answers from the
 *          after-work callback.
 * Note     the process ignores SIGPIPE (main does that), as with any server.
 */
#ifndef SMX_RUNTIME_HTTPD_H
#define SMX_RUNTIME_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct httpd;
struct httpd_request;
struct tls;

struct httpd_header {
	const char *name;
	const char *value;
};

/* What is answered.  Everything but the body is borrowed during the call. */
struct httpd_reply {
	unsigned status;			/* 200 ... */
	const char *content_type;		/* NULL: none is sent */
	const struct httpd_header *headers;
	size_t n_headers;
	const void *body;
	size_t body_len;
	void (*free_body)(void *ctx);		/* NULL: the body is copied */
	void *free_ctx;
	uint64_t tag;				/* for httpd_done */
};

/* One finished exchange, for the caller's own counting. */
struct httpd_done {
	const char *path;	/* as httpd_path(), valid during the call */
	const char *method;	/* as httpd_method(), likewise */
	uint64_t tag;		/* of the reply */
	unsigned status;	/* 0: the client left before the answer */
	uint64_t duration_ns;	/* headers received until answer sent */
};

/*
 * httpd_handler -- one request, complete with its body.
 *
 * It must be answered exactly once by httpd_reply(), now or later; until
 * then the request and everything asked of it stay valid, also when the
 * client has gone.
 */
typedef void httpd_handler(struct httpd_request *req, void *user);

/* Zeroed fields take the value in brackets. */
struct httpd_options {
	const char *const *listen;	/* texts as addr.h reads them */
	size_t n_listen;
	const char *methods;		/* allowed ["GET, HEAD"] */
	size_t body_max;		/* bytes; more is answered 413 [64 KiB] */
	size_t conn_memory;		/* headers and buffers of one
					 * connection, bytes; headers beyond it
					 * are answered 431 [32 KiB] */
	unsigned conn_max;		/* then the one that has been idle for
					 * longest is cut; if all are busy the
					 * newcomer waits [1024] */
	unsigned conn_max_per_ip;	/* likewise; if all are busy he is
					 * closed.  IPv6: per /64 [256] */
	unsigned grace_ms;		/* from accept on in which a connection
					 * is not cut for another address [100] */
	unsigned header_ms;		/* accept until headers done [10000] */
	unsigned request_ms;		/* headers until answer sent, without
					 * the time the handler takes [60000] */
	unsigned idle_ms;		/* between two requests [120000] */
	unsigned close_ms;		/* patience of httpd_close() [5000] */
	void (*done)(const struct httpd_done *, void *user);
	void (*arrival)(void *user);	/* before connections are taken: time
					 * for httpd_set_tls() */
	struct tls *tls;		/* speak TLS with this [plain]; a
					 * reference is taken */
	const int *fds;			/* listening sockets that somebody
					 * opened for us; ours from a return
					 * of 0 on; they count as addresses
					 * after those of `listen` */
	size_t n_fds;
};

struct httpd_error {
	char msg[256];
};

/*
 * httpd_open -- listen and serve.
 *
 * Owner    the caller, from 0 until the callback of httpd_close().
 * Errors   as addr_parse() and addr_listen(); -ENOMEM; -EIO libmicrohttpd
 *          would not start.  err->msg names the address.
 */
int httpd_open(struct httpd **out, uv_loop_t *loop,
    const struct httpd_options *opt, httpd_handler *handler, void *user,
    struct httpd_error *err);

/*
 * httpd_close -- stop listening, finish what is in flight, then free.
 *
 * Idle connections end at once; requests get their answers; clients that do
 * not take them within close_ms are cut off.  `closed` (may be NULL) comes
 * from the loop when nothing is left.
 */
void httpd_close(struct httpd *h, void (*closed)(void *ctx), void *ctx);

/* httpd_set_tls -- for connections from now on; the server speaks TLS. */
void httpd_set_tls(struct httpd *h, struct tls *tls);

/* httpd_set_headers -- these go with every answer; borrowed until replaced. */
void httpd_set_headers(struct httpd *h, const struct httpd_header *headers,
    size_t n);

/*
 * httpd_cut_slow -- end the connections that have been taking an answer of at
 * least `least` bytes for `longer_ms` or more.  Returns how many.
 */
unsigned httpd_cut_slow(struct httpd *h, size_t least, uint64_t longer_ms);

/* httpd_port -- bound port of the i-th address; 0 for a unix socket. */
uint16_t httpd_port(const struct httpd *h, size_t i);

unsigned httpd_connections(const struct httpd *h);

/* httpd_in_flight -- requests whose headers are in and answer is not out. */
unsigned httpd_in_flight(const struct httpd *h);

/* httpd_client_left -- whether he sends no more: he closed at least his side,
 * and so does not wait for an answer, as a rule. */
bool httpd_client_left(const struct httpd_request *req);

/* The method as sent; the path, percent-decoded, without the query. */
const char *httpd_method(const struct httpd_request *req);
const char *httpd_path(const struct httpd_request *req);

/* httpd_header_get -- value of a header (any case); NULL when missing; of
 * several lines the first. */
const char *httpd_header_get(const struct httpd_request *req,
    const char *name);

/*
 * httpd_header_list -- value of a header that is a list: several lines of it
 * are one, with commas between them.
 *
 * In buf, of cap > 0 bytes; lines that do not fit are left out.  NULL when
 * missing.
 */
const char *httpd_header_list(const struct httpd_request *req,
    const char *name, char *buf, size_t cap);

/*
 * httpd_query_each -- every query argument in order, decoded.
 *
 * `value` is "" for an argument without "=".  Stops when fn returns false.
 */
void httpd_query_each(const struct httpd_request *req,
    bool (*fn)(void *ctx, const char *key, const char *value), void *ctx);

/* httpd_query_get -- the first value of `key`; NULL when missing. */
const char *httpd_query_get(const struct httpd_request *req,
    const char *key);

/* httpd_body -- the request's body; *len may be 0, the pointer then NULL. */
const void *httpd_body(const struct httpd_request *req, size_t *len);

/* httpd_reply -- answer; req is gone afterwards, the body always taken. */
void httpd_reply(struct httpd_request *req, const struct httpd_reply *reply);

/* httpd_reply_text -- a short plain text answer (copied). */
void httpd_reply_text(struct httpd_request *req, unsigned status,
    const char *text);

/*
 * httpd_allow -- whether the request's method is in `methods` ("GET, HEAD").
 *
 * If not it has been answered with 405 and Allow, and req is gone.
 */
bool httpd_allow(struct httpd_request *req, const char *methods);

#endif
