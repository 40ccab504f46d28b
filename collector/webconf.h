/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webconf.h -- the file of --web.config.file, in the form that Prometheus'
 * exporter-toolkit knows: who may ask, and under which certificate.
 *
 *	tls_server_config:
 *	  cert_file: server.crt		# relative to this file
 *	  key_file: server.key
 *	  client_auth_type: RequireAndVerifyClientCert
 *	  client_ca_file: clients.crt
 *	  min_version: TLS12
 *	http_server_config:
 *	  headers:
 *	    X-Frame-Options: deny
 *	basic_auth_users:
 *	  prometheus: $2y$10$...		# bcrypt
 *
 * Whatever else is in it is an error: a misspelt key must not leave a door
 * open.
 */
#ifndef COLLECTOR_WEBCONF_H
#define COLLECTOR_WEBCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/httpd.h"
#include "runtime/tls.h"

#define WEBCONF_BYTES_MAX	(1 << 20)
#define WEBCONF_USERS_MAX	1024
#define WEBCONF_HEADERS_MAX	8
#define WEBCONF_FILES		3
#define WEBCONF_HASH		60	/* characters of a bcrypt hash */

struct webconf_user {
	char *name;
	char *hash;
};

struct webconf {
	bool has_tls;
	struct tls_options tls;		/* paths made absolute or relative to
					 * where we are */
	char *files[WEBCONF_FILES];			/* what tls points at */
	struct webconf_user *users;
	size_t n_users;
	struct httpd_header headers[WEBCONF_HEADERS_MAX];
	size_t n_headers;
	char *dir;			/* of the file, with its slash */
};

/*
 * webconf_load -- read and check the file; the files it names are not read.
 *
 * Owner    the caller, until webconf_free().
 * Errors   -ENOMEM; -EINVAL, -errno of reading: msg says what and where.
 */
int webconf_load(struct webconf **out, const char *path, char msg[256]);
void webconf_free(struct webconf *c);	/* NULL is fine */

#endif
