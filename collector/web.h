/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.h -- what is in force of --web.config.file, and its renewal.
 *
 * The file, and the certificates it names, are read again when one of them
 * has changed.  A new state that is wrong is said once and changes nothing.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_WEB_H
#define COLLECTOR_WEB_H

#include "collector/gate.h"
#include "collector/webconf.h"
#include "runtime/log.h"

struct web {
	const char *path;		/* borrowed; NULL: no such file */
	const struct log *log;
	struct gate *gate;
	struct httpd *http;		/* NULL until web_attach() */
	struct webconf *conf;		/* in force */
	struct tls *tls;		/* of conf; NULL: plain HTTP */
	struct webconf *refused;	/* newer, but wrong: its files count */
	uint64_t stamp;			/* of all files when last read */
};

/*
 * web_open -- read the file for the first time.
 *
 * Owner    the caller, until web_close(); path, log and gate are borrowed.
 * Errors   as webconf_load() and tls_create(), said in the log.
 */
int web_open(struct web *w, const char *path, const struct log *log,
    struct gate *gate);

/* web_attach -- the server it is about, opened with w->tls. */
void web_attach(struct web *w, struct httpd *http);

/* web_refresh -- read again what has changed.  Cheap when nothing has: a
 * stat() for each file.  Made for every connection and every request. */
void web_refresh(struct web *w);

/* web_reload -- read again in any case. */
void web_reload(struct web *w);

/* web_close -- after the server has ended. */
void web_close(struct web *w);

#endif
