/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/options.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/segments.h"
#include "runtime/addr.h"
#include "runtime/number.h"
#include "smx/layout.h"

static const char usage[] =
"usage: smx-collector [flags]\n"
"\n"
"Serves the metrics of all segments in a directory to Prometheus.\n"
"\n"
"  --web.listen-address=ADDR  HOST:PORT, :PORT, [IPV6]:PORT or unix:/PATH;\n"
"                             may be repeated (default 127.0.0.1:9464)\n"
"  --web.systemd-socket       listen on the sockets that systemd opened, and\n"
"                             on no other\n"
"  --web.config.file=PATH     TLS, users and headers, in the form that all\n"
"                             Prometheus exporters know\n"
"  --web.telemetry-path=PATH  where the metrics are (default /metrics)\n"
"  --web.max-requests=N       requests for metrics that may wait while others\n"
"                             are answered, 0 for no limit (default 200)\n"
"  --web.disable-exporter-metrics\n"
"                             leave out what is about the collector itself\n"
"                             (process_*, smx_collector_*)\n"
"  --openmetrics.created      in OpenMetrics, send also when each counter and\n"
"                             histogram began: Prometheus stores that as\n"
"                             series of its own\n"
"  --dir=PATH                 directory of the segments (default $SMX_DIR,\n"
"                             else /dev/shm)\n"
"  --owner=USER               name or number: in a directory that everyone\n"
"                             may write to, take this user's segments as well\n"
"                             as our own and root's\n"
"  --service=NAME             a service that should be there: shown with 0\n"
"                             live processes while it is not; may be repeated\n"
"  --segment-retention=TIME   how long a segment without a living process is\n"
"                             shown after a scrape has taken its last values:\n"
"                             90s, 15m, 1h, 2d (default 0, for ever)\n"
"  --user=USER                as root: become this user (name or number) once\n"
"                             the sockets are open\n"
"  --no-sandbox.landlock      leave all files in reach\n"
"  --no-sandbox.seccomp       leave all system calls allowed\n"
"  --log.level=LEVEL          debug, info, warn or error (default info)\n"
"  --version                  print the version\n"
"  --help                     print this\n"
"\n"
"Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot run (a port in\n"
"use, say), 2 for a wrong command line.\n";

const char *
options_usage(void)
{
	return usage;
}

static int
set_listen(struct options *o, const char *v)
{
	struct addr addr;

	if (o->n_listen == OPTIONS_LISTEN_MAX || addr_parse(v, &addr) < 0)
		return -EINVAL;
	o->listen[o->n_listen++] = v;
	return 0;
}

static int
set_path(struct options *o, const char *v)
{
	size_t n = strlen(v);

	/* "/", "/sd", "/-/", "/api/" and "/page/" are taken, and "x/" would
	 * never be found */
	if (v[0] != '/' || n < 2 || v[n - 1] == '/' || strpbrk(v, "?#% ") ||
	    strncmp(v, "/-/", 3) == 0 || strcmp(v, "/sd") == 0 ||
	    strncmp(v, "/api/", 5) == 0 || strncmp(v, "/page/", 6) == 0)
		return -EINVAL;
	o->telemetry_path = v;
	return 0;
}

static int
set_web_config(struct options *o, const char *v)
{
	/* empty is none, as with other exporters */
	o->web_config = v[0] ? v : NULL;
	return 0;
}

static int
set_max_requests(struct options *o, const char *v)
{
	int64_t n;

	if (number_parse(v, 0, 1000000, &n) < 0)
		return -EINVAL;
	o->max_requests = (unsigned)n;
	return 0;
}

static int
set_quiet(struct options *o, const char *v)
{
	(void)v;
	o->about_us = false;
	return 0;
}

static int
set_created(struct options *o, const char *v)
{
	(void)v;
	o->created = true;
	return 0;
}

static int
set_dir(struct options *o, const char *v)
{
	if (v[0] == '\0')
		return -EINVAL;
	o->dir = v;
	return 0;
}

static int
set_owner(struct options *o, const char *v)
{
	const struct passwd *pw = getpwnam(v);
	int64_t uid;

	o->owner_given = true;
	if (pw) {
		o->owner = pw->pw_uid;
		return 0;
	}
	if (number_parse(v, 0, UINT32_MAX - 1, &uid) < 0)
		return -EINVAL;
	o->owner = (uid_t)uid;
	return 0;
}

static int
set_service(struct options *o, const char *v)
{
	char file[256], service[SEGMENT_NAME], instance[SEGMENT_NAME];

	snprintf(file, sizeof(file), "%s%.200s", SMX_FILE_PREFIX, v);
	if (segment_parse_name(file, service, instance) < 0 || instance[0])
		return -EINVAL;
	for (size_t i = 0; i < o->n_services; i++)
		if (strcmp(o->services[i], v) == 0)
			return 0;
	if (o->n_services == OPTIONS_SERVICE_MAX)
		return -EINVAL;
	o->services[o->n_services++] = v;
	return 0;
}

static int
set_retention(struct options *o, const char *v)
{
	return duration_parse(v, &o->keep_ns);
}

static int
set_user(struct options *o, const char *v)
{
	if (v[0] == '\0')
		return -EINVAL;
	o->user = v;
	return 0;
}

static int
set_systemd_socket(struct options *o, const char *v)
{
	(void)v;
	o->systemd_socket = true;
	return 0;
}

static int
set_no_landlock(struct options *o, const char *v)
{
	(void)v;
	o->landlock = false;
	return 0;
}

static int
set_no_seccomp(struct options *o, const char *v)
{
	(void)v;
	o->seccomp = false;
	return 0;
}

static int
set_level(struct options *o, const char *v)
{
	return log_level_parse(v, &o->level);
}

static int
set_version(struct options *o, const char *v)
{
	(void)v;
	o->version = true;
	return 0;
}

static int
set_help(struct options *o, const char *v)
{
	(void)v;
	o->help = true;
	return 0;
}

static const struct flag {
	const char *name;
	bool has_value;
	int (*set)(struct options *, const char *);
} flags[] = {
	{ "--web.listen-address", true, set_listen },
	{ "--web.systemd-socket", false, set_systemd_socket },
	{ "--web.config.file", true, set_web_config },
	{ "--web.telemetry-path", true, set_path },
	{ "--web.max-requests", true, set_max_requests },
	{ "--web.disable-exporter-metrics", false, set_quiet },
	{ "--openmetrics.created", false, set_created },
	{ "--dir", true, set_dir },
	{ "--owner", true, set_owner },
	{ "--service", true, set_service },
	{ "--segment-retention", true, set_retention },
	{ "--user", true, set_user },
	{ "--no-sandbox.landlock", false, set_no_landlock },
	{ "--no-sandbox.seccomp", false, set_no_seccomp },
	{ "--log.level", true, set_level },
	{ "--version", false, set_version },
	{ "--help", false, set_help },
	{ "-h", false, set_help },
};

static const struct flag *
find_flag(const char *arg, size_t n)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strlen(flags[i].name) == n &&
		    memcmp(flags[i].name, arg, n) == 0)
			return &flags[i];
	return NULL;
}

/* One flag at argv[*i]; *i is left on its last word. */
static int
parse_one(struct options *o, int argc, char *const *argv, int *i,
    char msg[256])
{
	const char *arg = argv[*i], *value = NULL;
	size_t n = strcspn(arg, "=");
	const struct flag *f = find_flag(arg, n);

	if (!f) {
		snprintf(msg, 256, "unknown %s: %.150s (--help lists all)",
		    arg[0] == '-' ? "flag" : "argument", arg);
		return -EINVAL;
	}
	if (arg[n] == '=')
		value = arg + n + 1;
	else if (f->has_value && *i + 1 < argc)
		value = argv[++*i];
	if (f->has_value != (value != NULL)) {
		snprintf(msg, 256, "%s %s a value", f->name,
		    f->has_value ? "wants" : "takes no");
		return -EINVAL;
	}
	if (f->set(o, value) < 0) {
		snprintf(msg, 256, "%s: \"%.150s\" will not do", f->name,
		    value);
		return -EINVAL;
	}
	return 0;
}

int
options_parse(struct options *o, int argc, char *const *argv, char msg[256])
{
	const char *dir = getenv(SMX_DIR_ENV);

	*o = (struct options){ .telemetry_path = "/metrics",
		.dir = dir && dir[0] ? dir : SMX_DIR_DEFAULT,
		.max_requests = 200, .about_us = true, .landlock = true,
		.seccomp = true, .level = LOG_INFO };
	for (int i = 1; i < argc; i++)
		if (parse_one(o, argc, argv, &i, msg) < 0)
			return -EINVAL;
	if (o->n_listen == 0)
		o->listen[o->n_listen++] = "127.0.0.1:9464";
	return 0;
}
