/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/web.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t
mix_file(uint64_t h, const char *path)
{
	struct stat st;

	if (!path)
		return h;
	if (stat(path, &st) < 0)
		return mix(h, (uint64_t)errno);
	h = mix(mix(h, st.st_dev), st.st_ino);
	h = mix(mix(h, (uint64_t)st.st_size), (uint64_t)st.st_mode);
	h = mix(mix(h, (uint64_t)st.st_mtim.tv_sec),
	    (uint64_t)st.st_mtim.tv_nsec);
	return mix(mix(h, (uint64_t)st.st_ctim.tv_sec),
	    (uint64_t)st.st_ctim.tv_nsec);
}

/* Of every file that the newest state, right or wrong, is made of. */
static uint64_t
stamp_of(const struct web *w)
{
	const struct webconf *c = w->refused ? w->refused : w->conf;
	uint64_t h = mix_file(1, w->path);

	for (size_t i = 0; c && i < WEBCONF_FILES; i++)
		h = mix_file(h, c->files[i]);
	return h;
}

static void
put_in_force(struct web *w, struct webconf *conf, struct tls *tls)
{
	struct webconf *old = w->conf;

	w->conf = conf;
	gate_set_users(w->gate, conf);
	if (w->http)
		httpd_set_headers(w->http, conf->headers, conf->n_headers);
	if (w->http && tls)
		httpd_set_tls(w->http, tls);
	tls_unref(w->tls);
	w->tls = tls;
	webconf_free(old);
}

static int
load(struct web *w, char msg[256])
{
	struct webconf *conf;
	struct tls *tls = NULL;
	int err = webconf_load(&conf, w->path, msg);

	webconf_free(w->refused);
	w->refused = NULL;
	if (err < 0)
		return err;
	if (w->http && conf->has_tls != (w->tls != NULL)) {
		snprintf(msg, 256, "TLS is switched on or off by a restart "
		    "only");
		err = -EINVAL;
	} else if (conf->has_tls) {
		err = tls_create(&tls, &conf->tls, msg);
	}
	if (err < 0)
		w->refused = conf;
	else
		put_in_force(w, conf, tls);
	return err;
}

void
web_reload(struct web *w)
{
	char msg[256];
	int err;

	if (!w->path)
		return;
	err = load(w, msg);
	w->stamp = stamp_of(w);
	if (err < 0)
		log_error(w->log, "web configuration refused, the old one "
		    "stays", LOG_STR("file", w->path), LOG_STR("reason", msg));
	else
		log_info(w->log, "web configuration read",
		    LOG_STR("file", w->path), LOG_BOOL("tls", w->tls != NULL),
		    LOG_UINT("users", w->conf->n_users));
}

void
web_refresh(struct web *w)
{
	if (w->path && stamp_of(w) != w->stamp)
		web_reload(w);
}

int
web_open(struct web *w, const char *path, const struct log *log,
    struct gate *gate)
{
	char msg[256];
	int err;

	*w = (struct web){ .path = path, .log = log, .gate = gate };
	if (!path)
		return 0;
	err = load(w, msg);
	w->stamp = stamp_of(w);
	if (err < 0)
		log_error(log, "web configuration refused",
		    LOG_STR("file", path), LOG_STR("reason", msg));
	return err;
}

void
web_attach(struct web *w, struct httpd *http)
{
	w->http = http;
	if (w->conf)
		httpd_set_headers(http, w->conf->headers, w->conf->n_headers);
}

void
web_close(struct web *w)
{
	tls_unref(w->tls);
	webconf_free(w->conf);
	webconf_free(w->refused);
}
