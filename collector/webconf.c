/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/webconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/yaml_walk.h"

static struct webconf *
conf(struct yaml_walk *r)
{
	return r->user;
}

static int
set_file(struct yaml_walk *r, const char *key, yaml_node_t *value,
    const char **target, unsigned slot)
{
	const char *path = yaml_text(value);

	if (!path || yaml_is_nothing(value) || !*path)
		return yaml_fail(r, value, "must be the name of a file", key);
	if (asprintf(&conf(r)->files[slot], "%s%s",
	    path[0] == '/' ? "" : conf(r)->dir, path) < 0) {
		conf(r)->files[slot] = NULL;
		return -ENOMEM;
	}
	*target = conf(r)->files[slot];
	return 0;
}

static int
take_cert(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	return set_file(r, key, value, &conf(r)->tls.cert_file, 0);
}

static int
take_key(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	return set_file(r, key, value, &conf(r)->tls.key_file, 1);
}

static int
take_ca(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	return set_file(r, key, value, &conf(r)->tls.client_ca_file, 2);
}

static int
take_client_auth(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	static const struct {
		const char *name;
		enum tls_client_auth auth;
	} known[] = {
		{ "", TLS_NO_CLIENT_CERT },
		{ "NoClientCert", TLS_NO_CLIENT_CERT },
		{ "RequestClientCert", TLS_REQUEST },
		{ "RequireAnyClientCert", TLS_REQUIRE_ANY },
		{ "RequireClientCert", TLS_REQUIRE_ANY },
		{ "VerifyClientCertIfGiven", TLS_VERIFY_IF_GIVEN },
		{ "RequireAndVerifyClientCert", TLS_REQUIRE_AND_VERIFY },
	};
	const char *s = yaml_text(value);

	for (size_t i = 0; s && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(s, known[i].name) == 0) {
			conf(r)->tls.client_auth = known[i].auth;
			return 0;
		}
	return yaml_fail(r, value, "not a client_auth_type", s ? s : key);
}

static int
set_version(struct yaml_walk *r, yaml_node_t *value, unsigned *minor)
{
	const char *s = yaml_text(value);

	if (!s || strlen(s) != 5 || strncmp(s, "TLS1", 4) != 0 ||
	    s[4] < '0' || s[4] > '3')
		return yaml_fail(r, value, "not TLS10, TLS11, TLS12 or TLS13",
		    s ? s : "");
	*minor = (unsigned)(s[4] - '0');
	return 0;
}

static int
take_min(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	(void)key;
	return set_version(r, value, &conf(r)->tls.min);
}

static int
take_max(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	(void)key;
	return set_version(r, value, &conf(r)->tls.max);
}

static int
take_bool(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	const char *s = yaml_text(value);

	if (s && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0))
		return 0;
	return yaml_fail(r, value, "must be true or false", key);
}

static int
refuse(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	return yaml_fail(r, value, "cannot be chosen here", key);
}

static int
take_tls(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	static const struct yaml_key keys[] = {
		{ "cert_file", take_cert }, { "key_file", take_key },
		{ "client_ca_file", take_ca },
		{ "client_auth_type", take_client_auth },
		{ "min_version", take_min }, { "max_version", take_max },
		/* ours always come first */
		{ "prefer_server_cipher_suites", take_bool },
		{ "cipher_suites", refuse }, { "curve_preferences", refuse },
		{ "client_allowed_sans", refuse },
		{ NULL, NULL },
	};
	struct tls_options *t = &conf(r)->tls;
	int err;

	if (yaml_is_nothing(value))
		return 0;
	conf(r)->has_tls = true;
	err = yaml_each_pair(r, value, key, yaml_take_known, keys);
	if (err < 0)
		return err;
	if (!t->cert_file || !t->key_file)
		return yaml_fail(r, value, key,
		    "cert_file and key_file are needed");
	if (t->min > t->max)
		return yaml_fail(r, value, key,
		    "min_version is above max_version");
	if (!t->client_ca_file && t->client_auth >= TLS_VERIFY_IF_GIVEN)
		return yaml_fail(r, value, key, "client_auth_type needs a "
		    "client_ca_file");
	if (t->client_ca_file && t->client_auth == TLS_NO_CLIENT_CERT)
		return yaml_fail(r, value, key, "client_ca_file needs a "
		    "client_auth_type");
	return 0;
}

static bool
is_bcrypt(const char *s)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789";

	return strlen(s) == WEBCONF_HASH && s[0] == '$' && s[1] == '2' &&
	    strchr("aby", s[2]) && s[3] == '$' && s[6] == '$' &&
	    s[4] >= '0' && s[4] <= '3' && s[5] >= '0' && s[5] <= '9' &&
	    strcmp(s + 4, "04") >= 0 && strspn(s + 7, digits) == 53;
}

static int
add_user(struct yaml_walk *r, const char *name, yaml_node_t *value,
    const void *ctx)
{
	struct webconf *c = conf(r);
	const char *hash = yaml_text(value);
	struct webconf_user *u = &c->users[c->n_users];

	(void)ctx;
	if (!hash || !is_bcrypt(hash))
		return yaml_fail(r, value, "not a bcrypt hash", "of a user");
	if (strchr(name, ':'))
		return yaml_fail(r, value, "a colon in a user's", "name");
	c->n_users++;
	u->name = strdup(name);
	u->hash = strdup(hash);
	return u->name && u->hash ? 0 : -ENOMEM;
}

static int
take_users(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	size_t n;

	if (value->type != YAML_MAPPING_NODE)
		return yaml_each_pair(r, value, key, add_user, NULL);
	n = (size_t)(value->data.mapping.pairs.top -
	    value->data.mapping.pairs.start);
	if (n > WEBCONF_USERS_MAX)
		return yaml_fail(r, value, key, "too many");
	conf(r)->users = calloc(n + 1, sizeof(*conf(r)->users));
	return conf(r)->users ? yaml_each_pair(r, value, key, add_user, NULL) :
	    -ENOMEM;
}

static int
add_header(struct yaml_walk *r, const char *name, yaml_node_t *value,
    const void *ctx)
{
	static const char *const known[] = { "Strict-Transport-Security",
		"X-Content-Type-Options", "X-Frame-Options",
		"X-XSS-Protection", "Content-Security-Policy" };
	struct webconf *c = conf(r);
	const char *s = yaml_text(value);
	char *copy;

	(void)ctx;
	if (!s || strpbrk(s, "\r\n"))
		return yaml_fail(r, value, "not a value for the header", name);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcasecmp(known[i], name) != 0)
			continue;
		for (size_t k = 0; k < c->n_headers; k++)
			if (c->headers[k].name == known[i])
				return yaml_fail(r, value, "comes twice", name);
		copy = strdup(s);
		if (!copy)
			return -ENOMEM;
		c->headers[c->n_headers++] = (struct httpd_header){
			known[i], copy };
		return 0;
	}
	return yaml_fail(r, value, "this header cannot be set", name);
}

static int
take_headers(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	return yaml_each_pair(r, value, key, add_header, NULL);
}

static int
take_http(struct yaml_walk *r, const char *key, yaml_node_t *value)
{
	static const struct yaml_key keys[] = {
		{ "http2", take_bool },		/* HTTP/1.1 it is */
		{ "headers", take_headers },
		{ NULL, NULL },
	};

	return yaml_each_pair(r, value, key, yaml_take_known, keys);
}

static int
read_document(struct yaml_walk *r)
{
	static const struct yaml_key keys[] = {
		{ "tls_server_config", take_tls },
		{ "http_server_config", take_http },
		{ "basic_auth_users", take_users },
		{ NULL, NULL },
	};
	yaml_node_t *root = yaml_document_get_root_node(&r->doc);

	return !root ? 0 :
	    yaml_each_pair(r, root, "the file", yaml_take_known, keys);
}

static int
parse(struct yaml_walk *r, FILE *file)
{
	yaml_parser_t parser;
	int err = -ENOMEM;

	if (!yaml_parser_initialize(&parser))
		return err;
	yaml_parser_set_input_file(&parser, file);
	if (yaml_parser_load(&parser, &r->doc)) {
		err = read_document(r);
		yaml_document_delete(&r->doc);
	} else {
		snprintf(r->msg, 256, "line %zu: not YAML: %.150s",
		    parser.problem_mark.line + 1,
		    parser.problem ? parser.problem : "cannot be read");
		err = -EINVAL;
	}
	yaml_parser_delete(&parser);
	return err;
}

static char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Not more than anybody would write: its reader takes memory. */
static int
check_size(FILE *file, char msg[256])
{
	char buf[4096];
	size_t n = 0, got;

	while ((got = fread(buf, 1, sizeof(buf), file)) > 0 &&
	    n <= WEBCONF_BYTES_MAX)
		n += got;
	if (ferror(file) || n > WEBCONF_BYTES_MAX) {
		snprintf(msg, 256, "%s", ferror(file) ? "cannot be read" :
		    "too large");
		return -EINVAL;
	}
	rewind(file);
	return 0;
}

int
webconf_load(struct webconf **out, const char *path, char msg[256])
{
	struct yaml_walk r = { .msg = msg };
	struct webconf *c;
	FILE *file = fopen(path, "re");
	int err;

	if (!file) {
		err = -errno;
		snprintf(msg, 256, "%s", strerror(-err));
		return err;
	}
	snprintf(msg, 256, "%s", strerror(ENOMEM));
	err = -ENOMEM;
	c = r.user = calloc(1, sizeof(*c));
	if (!c)
		goto out;
	c->tls.min = 2;
	c->tls.max = 3;
	c->dir = dir_of(path);
	if (!c->dir)
		goto out;
	err = check_size(file, msg);
	if (err == 0)
		err = parse(&r, file);
out:
	fclose(file);
	if (err < 0)
		webconf_free(c);
	else
		*out = c;
	return err;
}

void
webconf_free(struct webconf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_users; i++) {
		free(c->users[i].name);
		free(c->users[i].hash);
	}
	for (size_t i = 0; i < c->n_headers; i++)
		free((void *)(uintptr_t)c->headers[i].value);
	for (size_t i = 0; i < WEBCONF_FILES; i++)
		free(c->files[i]);
	free(c->users);
	free(c->dir);
	free(c);
}
