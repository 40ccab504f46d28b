/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runtime/number.h"
#include "version.h"

static const char *const profiles[] = { "default", "replay", "demo" };

const char *
cdb_profile_name(enum cdb_profile profile)
{
	return profiles[profile];
}

bool
cdb_names_take(struct cdb_names *names, const char *value)
{
	size_t len = strlen(value);

	if (names->n == CDB_NAMES_MAX || len == 0 || len > 31)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '-' &&
		    value[i] != '_')
			return false;
	names->name[names->n++] = value;
	return true;
}

static bool
take_redis(void *arg, const char *value)
{
	struct cdb_options *o = arg;

	return addr_parse(value, &o->redis) == 0 &&
	    (o->redis.is_unix || (o->redis.host[0] && o->redis.port));
}

static bool
take_password(void *arg, const char *value)
{
	struct cdb_options *o = arg;

	return cdb_password_read(value, o->password);
}

static bool
take_listen(void *arg, const char *value)
{
	struct cdb_options *o = arg;
	struct addr addr;

	o->listen = value;
	return addr_parse(value, &addr) == 0;
}

static bool
take_collector(void *arg, const char *value)
{
	struct cdb_options *o = arg;
	size_t len = strlen(value);

	/* it is sent in a header: no blanks, no control characters */
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] == 0x7f)
			return false;
	o->collector_url = value;
	return (strncmp(value, "http://", 7) == 0 ||
		   strncmp(value, "https://", 8) == 0) &&
	    len < 256 && value[len - 1] != '/';
}

static bool
take_profile(void *arg, const char *value)
{
	struct cdb_options *o = arg;

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(value, profiles[i]) == 0) {
			o->profile = (enum cdb_profile)i;
			return true;
		}
	}
	return false;
}

static bool
take_seed(void *arg, const char *value)
{
	struct cdb_options *o = arg;
	int64_t v;

	if (number_parse(value, 0, INT64_MAX, &v) < 0)
		return false;
	o->seed = (uint64_t)v;
	return true;
}

static bool
take_no_metrics(void *arg, const char *value)
{
	struct cdb_options *o = arg;

	(void)value;
	o->metrics = false;
	return true;
}

static bool
take_log_level(void *arg, const char *value)
{
	struct cdb_options *o = arg;

	return log_level_parse(value, &o->log_level) == 0;
}

static const struct cdb_option common[] = {
	{ "--redis", "ADDRESS", "HOST:PORT or unix:/path",
	    "where Redis listens [127.0.0.1:6379]", take_redis },
	{ "--redis-password-file", "FILE", "a file with a password in it",
	    "log in to Redis as the user of the service's name",
	    take_password },
	{ "--listen", "ADDRESS", "HOST:PORT",
	    "where to answer HTTP", take_listen },
	{ "--collector-url", "URL", "http://HOST:PORT without a slash behind",
	    "where /metrics redirects to [http://127.0.0.1:9464]",
	    take_collector },
	{ "--profile", "NAME", "default, replay or demo",
	    "which set of rules to use [default]", take_profile },
	{ "--seed", "N", "a whole number from 0 on",
	    "what all ids and chances follow from [1]", take_seed },
	{ "--no-metrics", NULL, NULL,
	    "do not attach to a segment", take_no_metrics },
	{ "--log-level", "LEVEL", "debug, info, warn or error",
	    "the least that is logged [info]", take_log_level },
};
#define N_COMMON (sizeof(common) / sizeof(common[0]))

static void
help_list(const struct cdb_option *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("  %-16s %-8s %s\n", list[i].name,
		    list[i].value ? list[i].value : "", list[i].help);
}

static void
help_print(const struct cdb_usage *usage)
{
	printf("usage: %s [options]\n%s\n\n", usage->program, usage->what);
	help_list(common, N_COMMON);
	help_list(usage->more, usage->n_more);
	printf("  --help\n  --version\n");
}

static const struct cdb_option *
find(const struct cdb_option *list, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i].name) == len &&
		    memcmp(list[i].name, name, len) == 0)
			return &list[i];
	return NULL;
}

static int
refuse(const struct cdb_usage *usage, const char *name, const char *what,
    const char *detail)
{
	fprintf(stderr, "%s: %s %s%s (see --help)\n", usage->program, name,
	    what, detail);
	return 2;
}

/* One option at argv[*i], and its value there or behind. */
static int
take_one(int argc, char **argv, int *i, const struct cdb_usage *usage,
    struct cdb_options *out)
{
	char *word = argv[*i];
	char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct cdb_option *opt = find(common, N_COMMON, word, len);
	void *arg = out;
	const char *value = equals ? equals + 1 : NULL;

	if (!opt) {
		opt = find(usage->more, usage->n_more, word, len);
		arg = usage->arg;
	}
	if (!opt)
		return refuse(usage, word, "is not an option of ours", "");
	if (opt->value && !value && *i + 1 < argc)
		value = argv[++*i];
	if (opt->value && !value)
		return refuse(usage, opt->name, "wants ", opt->wants);
	if (!opt->value && value)
		return refuse(usage, opt->name, "takes no value", "");
	if (!opt->take(arg, value))
		return refuse(usage, opt->name, "wants ", opt->wants);
	return -1;
}

int
cdb_options_parse(int argc, char **argv, const struct cdb_usage *usage,
    struct cdb_options *out)
{
	addr_parse("127.0.0.1:6379", &out->redis);
	out->password[0] = '\0';
	out->collector_url = "http://127.0.0.1:9464";
	out->profile = CDB_DEFAULT;
	out->seed = 1;
	out->metrics = true;
	out->log_level = LOG_INFO;
	for (int i = 1; i < argc; i++) {
		int status;

		if (strcmp(argv[i], "--help") == 0) {
			help_print(usage);
			return 0;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("%s %s\n", usage->program, CDB_VERSION);
			return 0;
		}
		status = take_one(argc, argv, &i, usage, out);
		if (status >= 0)
			return status;
	}
	return -1;
}
