/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/httpd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/httpd_priv.h"

/* A proxy may send the whole address; what we serve is below its host. */
static const char *
path_in(const char *url)
{
	size_t n = strncasecmp(url, "http://", 7) == 0 ? 7 :
	    strncasecmp(url, "https://", 8) == 0 ? 8 : 0;

	if (n == 0)
		return url;
	url += n + strcspn(url + n, "/");
	return *url ? url : "/";
}

static struct httpd_request *
request_create(struct httpd_conn *conn, struct MHD_Connection *mhd,
    const char *url, const char *method)
{
	const char *path = path_in(url);
	size_t n = strlen(path) + 1;
	struct httpd_request *req = calloc(1, sizeof(*req) + n);

	if (!req)
		return NULL;
	memcpy(req->path, path, n);
	req->conn = conn;
	req->mhd = mhd;
	req->method = method;
	req->start_ns = uv_hrtime();
	conn->req = req;
	conn->asked = true;
	conn->deadline_ms = uv_now(conn->h->loop) + conn->h->opt.request_ms;
	conn->h->n_flight++;
	return req;
}

static void
body_append(struct httpd_request *req, const char *data, size_t n)
{
	size_t max = req->conn->h->opt.body_max;
	size_t cap;
	char *grown;

	if (req->too_large || n > max - req->body_len) {
		req->too_large = true;	/* swallow the rest */
		return;
	}
	if (n > req->body_cap - req->body_len) {
		cap = req->body_len + n > max / 2 ? max :
		    2 * (req->body_len + n);
		grown = realloc(req->body, cap);
		if (!grown) {
			req->too_large = true;
			return;
		}
		req->body = grown;
		req->body_cap = cap;
	}
	memcpy(req->body + req->body_len, data, n);
	req->body_len += n;
}

/* Whether the client announces more than we would take. */
static bool
announces_too_much(const struct httpd_request *req)
{
	const char *len = httpd_header_get(req, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return len && strtoull(len, NULL, 10) > req->conn->h->opt.body_max;
}

static bool
method_in(const char *method, const char *methods)
{
	size_t n = strlen(method);
	const char *at = methods;

	while ((at = strstr(at, method)) != NULL) {
		bool starts = at == methods || at[-1] == ' ' || at[-1] == ',';

		if (starts && (at[n] == '\0' || at[n] == ','))
			return true;
		at += n;
	}
	return false;
}

bool
httpd_allow(struct httpd_request *req, const char *methods)
{
	const struct httpd_header allow = { "Allow", methods };
	static const char text[] = "method not allowed\n";

	if (method_in(req->method, methods))
		return true;
	httpd_reply(req, &(struct httpd_reply){
	    .status = MHD_HTTP_METHOD_NOT_ALLOWED,
	    .content_type = "text/plain; charset=utf-8",
	    .headers = &allow, .n_headers = 1,
	    .body = text, .body_len = sizeof(text) - 1 });
	return false;
}

/* Where its body ends nobody knows, so the connection ends, too. */
static void
refuse_for_good(struct httpd_request *req, const char *text)
{
	static const struct httpd_header close = { "Connection", "close" };

	httpd_reply(req, &(struct httpd_reply){
	    .status = MHD_HTTP_BAD_REQUEST,
	    .content_type = "text/plain; charset=utf-8",
	    .headers = &close, .n_headers = 1,
	    .body = text, .body_len = strlen(text) });
}

/* What is wrong before the body matters; answers, or leaves req as it is. */
static void
refuse_early(struct httpd_request *req)
{
	if (req->conn->bad_uri)
		httpd_reply_text(req, 400, "the address holds a zero byte\n");
	else if (httpd__has_two_meanings(req))
		refuse_for_good(req, "Host, Content-Length or "
		    "Transfer-Encoding contradict each other\n");
	else if (httpd__has_no_end(req))
		refuse_for_good(req, "of Transfer-Encoding only chunked is "
		    "known\n");
	else if (!httpd_allow(req, req->conn->h->opt.methods))
		return;
	else if (announces_too_much(req))
		httpd_reply_text(req, 413, "the body is too large\n");
}

static enum MHD_Result
queue(struct httpd_request *req)
{
	enum MHD_Result ret;

	if (req->conn->h->closing)
		(void)MHD_add_response_header(req->response,
		    MHD_HTTP_HEADER_CONNECTION, "close");
	ret = MHD_queue_response(req->mhd, req->status, req->response);
	MHD_destroy_response(req->response);
	req->response = NULL;
	req->state = REQ_QUEUED;
	/* the handler's time does not count */
	req->conn->since_ns = uv_hrtime();
	req->conn->deadline_ms = uv_now(req->conn->h->loop) +
	    req->conn->h->opt.request_ms;
	return ret;
}

/* The request is complete: over to the handler. */
static enum MHD_Result
hand_over(struct httpd_request *req)
{
	struct httpd *h = req->conn->h;

	req->state = REQ_HANDED;
	if (req->too_large)
		httpd_reply_text(req, 413, "the body is too large\n");
	else
		h->handler(req, h->user);
	if (req->state == REQ_ANSWERED)
		return req->response ? queue(req) : MHD_NO;
	req->state = REQ_WAITING;
	MHD_suspend_connection(req->mhd);
	return MHD_YES;
}

enum MHD_Result
httpd__on_access(void *cls, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data,
    size_t *data_len, void **ctx)
{
	struct httpd_request *req = *ctx;
	struct httpd_conn *conn;

	(void)cls;
	(void)version;
	if (!req) {		/* headers are in */
		conn = httpd__conn_of(mhd);
		req = conn ? request_create(conn, mhd, url, method) : NULL;
		*ctx = req;
		if (!req)
			return MHD_NO;
		refuse_early(req);
		if (req->state == REQ_ANSWERED)
			return req->response ? queue(req) : MHD_NO;
		return MHD_YES;
	}
	if (*data_len > 0) {
		body_append(req, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (req->state == REQ_RECEIVING)
		return hand_over(req);
	if (req->state == REQ_ANSWERED)
		return req->response ? queue(req) : MHD_NO;
	return MHD_YES;
}

void
httpd__on_completed(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct httpd *h = cls;
	struct httpd_request *req = *ctx;
	struct httpd_done done;

	(void)mhd;
	if (!req)
		return;
	done.duration_ns = uv_hrtime() - req->start_ns;
	done.status = code == MHD_REQUEST_TERMINATED_COMPLETED_OK ?
	    req->status : 0;
	req->conn->req = NULL;
	req->conn->since_ns = uv_hrtime();
	req->conn->deadline_ms = uv_now(h->loop) + h->opt.idle_ms;
	if (h->closing && code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		httpd__cut(req->conn);
	h->n_flight--;
	if (req->response)
		MHD_destroy_response(req->response);
	*ctx = NULL;
	done.path = req->path;
	done.method = req->method;
	done.tag = req->tag;
	if (h->opt.done)
		h->opt.done(&done, h->user);
	free(req->body);
	free(req);
}

void
httpd_reply(struct httpd_request *req, const struct httpd_reply *reply)
{
	bool waiting = req->state == REQ_WAITING;

	/* without memory for it the connection ends: on_access() says no */
	req->response = httpd__response_create(req->conn->h, reply);
	req->status = reply->status;
	req->reply_len = reply->body_len;
	req->tag = reply->tag;
	req->state = REQ_ANSWERED;
	if (!waiting)
		return;
	MHD_resume_connection(req->mhd);
	httpd__drive_soon(req->conn->h);
}

void
httpd_reply_text(struct httpd_request *req, unsigned status, const char *text)
{
	httpd_reply(req, &(struct httpd_reply){
	    .status = status, .content_type = "text/plain; charset=utf-8",
	    .body = text, .body_len = strlen(text) });
}

bool
httpd_client_left(const struct httpd_request *req)
{
	return httpd__has_left(req->conn);
}
