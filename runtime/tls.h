/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h -- what a TLS server shows and asks for: read from files once, then
 * used by any number of sessions.
 *
 * Thread   one at a time.
 */
#ifndef SMX_RUNTIME_TLS_H
#define SMX_RUNTIME_TLS_H

#include <stddef.h>

enum tls_client_auth {
	TLS_NO_CLIENT_CERT,
	TLS_REQUEST,			/* asked for, not looked at */
	TLS_REQUIRE_ANY,		/* must be there, not looked at */
	TLS_VERIFY_IF_GIVEN,
	TLS_REQUIRE_AND_VERIFY,
};

struct tls_options {
	const char *cert_file;		/* PEM: ours first, then its issuers */
	const char *key_file;		/* PEM */
	const char *client_ca_file;	/* PEM; NULL: none */
	enum tls_client_auth client_auth;
	unsigned min, max;		/* minor of TLS 1.x, 0 to 3 */
};

struct tls;

/*
 * tls_create -- read the files.
 *
 * Owner    the caller has the one reference.
 * Errors   -ENOMEM; -EINVAL: msg says which file and why.
 */
int tls_create(struct tls **out, const struct tls_options *opt,
    char msg[256]);

struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls);	/* NULL is fine */

/*
 * tls_apply -- to a new session (a gnutls_session_t) before its handshake;
 * the session must not outlive the caller's reference.
 *
 * Errors   -EIO.
 */
int tls_apply(struct tls *tls, void *session);

#endif
