/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gate.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is computed off the loop: copies only, wiped when done. */
struct gate_job {
	struct gate *g;
	struct gate_job *next;
	struct httpd_request *req;
	uint64_t generation;
	unsigned char digest[GATE_DIGEST];
	bool known_user;		/* else: only for the time it takes */
	bool right;
	char hash[WEBCONF_HASH + 1];
	char password[GATE_LOGIN_MAX];
	struct crypt_data crypt;
};

int
gate_init(struct gate *g, uv_loop_t *loop, httpd_handler *next,
    void *next_user)
{
	*g = (struct gate){ .loop = loop, .next = next,
		.next_user = next_user };
	g->last = &g->first;
	g->work.data = g;
	if (gnutls_rnd(GNUTLS_RND_KEY, g->secret, sizeof(g->secret)) < 0)
		return -EIO;
	return 0;
}

void
gate_set_users(struct gate *g, const struct webconf *conf)
{
	g->conf = conf;
	g->generation++;
	g->n_known = g->oldest = 0;
}

static void
refuse(struct httpd_request *req)
{
	static const struct httpd_header ask = { "WWW-Authenticate",
		"Basic realm=\"smx-collector\", charset=\"UTF-8\"" };
	static const char text[] = "Unauthorized\n";

	httpd_reply(req, &(struct httpd_reply){ .status = 401,
	    .content_type = "text/plain; charset=utf-8",
	    .headers = &ask, .n_headers = 1,
	    .body = text, .body_len = sizeof(text) - 1 });
}

/* "Basic BASE64" into user:password, ended with a NUL; false: nothing such. */
static bool
read_login(const struct httpd_request *req, char login[GATE_LOGIN_MAX])
{
	const char *v = httpd_header_get(req, "Authorization");
	gnutls_datum_t in, out;
	bool ok;

	if (!v || strncasecmp(v, "Basic ", 6) != 0)
		return false;
	v += 6 + strspn(v + 6, " ");
	in = (gnutls_datum_t){ (unsigned char *)(uintptr_t)v,
		(unsigned)strcspn(v, " ") };
	if (in.size == 0 || gnutls_base64_decode2(&in, &out) < 0)
		return false;
	ok = out.size < GATE_LOGIN_MAX && !memchr(out.data, '\0', out.size) &&
	    memchr(out.data, ':', out.size);
	if (ok) {
		memcpy(login, out.data, out.size);
		login[out.size] = '\0';
	}
	gnutls_memset(out.data, 0, out.size);
	gnutls_free(out.data);
	return ok;
}

static const struct webconf_user *
find_user(const struct gate *g, const char *name)
{
	for (size_t i = 0; i < g->conf->n_users; i++)
		if (strcmp(g->conf->users[i].name, name) == 0)
			return &g->conf->users[i];
	return NULL;
}

static bool
is_known(const struct gate *g, const unsigned char digest[GATE_DIGEST])
{
	for (size_t i = 0; i < g->n_known; i++)
		if (memcmp(g->known[i], digest, GATE_DIGEST) == 0)
			return true;
	return false;
}

static void
remember(struct gate *g, const unsigned char digest[GATE_DIGEST])
{
	size_t at = g->n_known;

	if (at < GATE_KNOWN_MAX)
		g->n_known++;
	else
		at = g->oldest++ % GATE_KNOWN_MAX;
	memcpy(g->known[at], digest, GATE_DIGEST);
}

static void
on_work(uv_work_t *work)
{
	struct gate *g = work->data;
	struct gate_job *job = g->first;
	const char *got = crypt_r(job->password, job->hash, &job->crypt);

	job->right = got && job->known_user && strlen(got) == WEBCONF_HASH &&
	    gnutls_memcmp(got, job->hash, WEBCONF_HASH) == 0;
}

static void start_first(struct gate *g);

static void
on_done(uv_work_t *work, int status)
{
	struct gate *g = work->data;
	struct gate_job *job = g->first;
	struct httpd_request *req = job->req;
	bool stale = job->generation != g->generation;
	bool right = job->right;

	(void)status;		/* jobs are not cancelled */
	if (right && !stale)
		remember(g, job->digest);
	g->first = job->next;
	if (!g->first)
		g->last = &g->first;
	g->n_waiting--;
	gnutls_memset(job, 0, sizeof(*job));
	free(job);
	start_first(g);
	if (stale)
		gate_ask(g, req);	/* other users by now */
	else if (right)
		g->next(req, g->next_user);
	else
		refuse(req);
}

static void
start_first(struct gate *g)
{
	if (g->first)
		uv_queue_work(g->loop, &g->work, on_work, on_done);
}

static void
compute(struct gate *g, struct httpd_request *req,
    const struct webconf_user *user, const char *password,
    const unsigned char digest[GATE_DIGEST])
{
	const char *hash = user ? user->hash : g->conf->users[0].hash;
	struct gate_job *job = NULL;

	if (g->n_waiting < GATE_WAITING_MAX)
		job = calloc(1, sizeof(*job));
	if (!job) {
		httpd_reply_text(req, 503, "too many logins at once\n");
		return;
	}
	job->g = g;
	job->req = req;
	job->generation = g->generation;
	job->known_user = user != NULL;
	memcpy(job->digest, digest, GATE_DIGEST);
	memcpy(job->hash, hash, WEBCONF_HASH);
	memcpy(job->password, password, strlen(password));
	*g->last = job;
	g->last = &job->next;
	if (g->n_waiting++ == 0)
		start_first(g);
}

static void
check(struct gate *g, struct httpd_request *req, char *login)
{
	unsigned char digest[GATE_DIGEST];
	char *colon = strchr(login, ':');
	const struct webconf_user *user;

	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, g->secret, sizeof(g->secret),
	    login, strlen(login), digest) < 0) {
		refuse(req);
		return;
	}
	if (is_known(g, digest)) {
		g->next(req, g->next_user);
		return;
	}
	*colon = '\0';
	user = find_user(g, login);
	compute(g, req, user, colon + 1, digest);
}

void
gate_ask(struct gate *g, struct httpd_request *req)
{
	char login[GATE_LOGIN_MAX];

	if (!g->conf || g->conf->n_users == 0) {
		g->next(req, g->next_user);
		return;
	}
	if (!read_login(req, login)) {
		refuse(req);
		return;
	}
	check(g, req, login);
	gnutls_memset(login, 0, sizeof(login));
}
