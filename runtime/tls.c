/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct tls {
	unsigned refs;
	enum tls_client_auth client_auth;
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t priority;
};

/* 0: the client's certificate will do; the handshake ends otherwise. */
static int
verify_client(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	const struct tls *tls = gnutls_session_get_ptr(session);
	unsigned n = 0, status = 0;

	if (tls->client_auth < TLS_VERIFY_IF_GIVEN)
		return 0;
	if (!gnutls_certificate_get_peers(session, &n) || n == 0)
		return tls->client_auth == TLS_VERIFY_IF_GIVEN ? 0 :
		    GNUTLS_E_NO_CERTIFICATE_FOUND;
	if (gnutls_certificate_verify_peers(session, &purpose, 1,
	    &status) < 0 || status != 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return 0;
}

static int
load_files(struct tls *tls, const struct tls_options *o, char msg[256])
{
	int err = gnutls_certificate_set_x509_key_file(tls->cred,
	    o->cert_file, o->key_file, GNUTLS_X509_FMT_PEM);

	if (err < 0) {
		snprintf(msg, 256, "certificate %.80s with key %.80s: %s",
		    o->cert_file, o->key_file, gnutls_strerror(err));
		return -EINVAL;
	}
	if (!o->client_ca_file)
		return 0;
	err = gnutls_certificate_set_x509_trust_file(tls->cred,
	    o->client_ca_file, GNUTLS_X509_FMT_PEM);
	if (err <= 0) {
		snprintf(msg, 256, "client CA %.120s: %s", o->client_ca_file,
		    err < 0 ? gnutls_strerror(err) : "no certificate in it");
		return -EINVAL;
	}
	return 0;
}

static int
set_versions(struct tls *tls, const struct tls_options *o, char msg[256])
{
	char text[160];
	size_t n = (size_t)snprintf(text, sizeof(text),
	    "NORMAL:%%SERVER_PRECEDENCE:-VERS-ALL");

	for (unsigned v = o->max + 1; v-- > o->min;)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    ":+VERS-TLS1.%u", v);
	if (gnutls_priority_init(&tls->priority, text, NULL) >= 0)
		return 0;
	tls->priority = NULL;
	snprintf(msg, 256, "these TLS versions cannot be had here");
	return -EINVAL;
}

int
tls_create(struct tls **out, const struct tls_options *opt, char msg[256])
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int err = -ENOMEM;

	snprintf(msg, 256, "out of memory");
	if (!tls)
		return err;
	tls->refs = 1;
	tls->client_auth = opt->client_auth;
	if (gnutls_certificate_allocate_credentials(&tls->cred) < 0) {
		tls->cred = NULL;
		goto out;
	}
	gnutls_certificate_set_verify_function(tls->cred, verify_client);
	err = load_files(tls, opt, msg);
	if (err == 0)
		err = set_versions(tls, opt, msg);
	if (err < 0)
		goto out;
	*out = tls;
	return 0;
out:
	tls_unref(tls);
	return err;
}

struct tls *
tls_ref(struct tls *tls)
{
	tls->refs++;
	return tls;
}

void
tls_unref(struct tls *tls)
{
	if (!tls || --tls->refs > 0)
		return;
	if (tls->cred)
		gnutls_certificate_free_credentials(tls->cred);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	free(tls);
}

int
tls_apply(struct tls *tls, void *session)
{
	static const gnutls_certificate_request_t wishes[] = {
		[TLS_NO_CLIENT_CERT] = GNUTLS_CERT_IGNORE,
		[TLS_REQUEST] = GNUTLS_CERT_REQUEST,
		[TLS_REQUIRE_ANY] = GNUTLS_CERT_REQUIRE,
		[TLS_VERIFY_IF_GIVEN] = GNUTLS_CERT_REQUEST,
		[TLS_REQUIRE_AND_VERIFY] = GNUTLS_CERT_REQUIRE,
	};

	gnutls_session_set_ptr(session, tls);
	gnutls_certificate_server_set_request(session,
	    wishes[tls->client_auth]);
	if (gnutls_priority_set(session, tls->priority) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
	    tls->cred) < 0)
		return -EIO;
	return 0;
}
