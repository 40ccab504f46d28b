/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smx.h"

static const char usage[] =
    "Usage: smx [OPTION]... COMMAND [NAME]...\n"
    "Look at the shared-memory metrics of services; all but rm and reset only\n"
    "read.\n"
    "\n"
    "Commands; NAME is a service, as in smx.NAME, or the path of a file:\n"
    "  ls                  the segments of a directory\n"
    "  dump NAME...        families, series and values\n"
    "  check NAME...       is it sound, and if not, why; how full it is\n"
    "  watch NAME [TEXT]   what changes, and how fast; only series whose\n"
    "                      family's name contains TEXT\n"
    "  top                 all of them, live, on the whole terminal\n"
    "  rm NAME...          remove segments that no process lives in\n"
    "  reset NAME...       empty them; what was there is set aside as\n"
    "                      .old.smx.NAME, which dump and rm take as well\n"
    "\n"
    "Options:\n"
    "  --dir DIR           where segments are (default $SMX_DIR, /dev/shm)\n"
    "  --owner USER        take this user's files too, by name or number\n"
    "  --json              dump as JSON\n"
    "  --interval SECONDS  of watch and top (default 1)\n"
    "  --count N           end watch after N rounds\n"
    "  --help, --version\n"
    "\n"
    "Exit code: 0 fine, 1 something is wrong with a segment, or a process\n"
    "lives in it, 2 usage.\n";

enum { OPT_DIR = 256, OPT_OWNER, OPT_JSON, OPT_INTERVAL, OPT_COUNT, OPT_HELP,
	OPT_VERSION };

#define TAKES(option) (1u << ((option) - OPT_DIR))
#define READS (TAKES(OPT_DIR) | TAKES(OPT_OWNER))
#define WATCHES (READS | TAKES(OPT_INTERVAL) | TAKES(OPT_COUNT))

static const struct command {
	const char *name;
	int (*run)(const struct options *);
	int min, max; /* names */
	unsigned takes;
} commands[] = {
	{ "ls", command_ls, 0, 0, READS },
	{ "dump", command_dump, 1, INT_MAX, READS | TAKES(OPT_JSON) },
	{ "check", command_check, 1, INT_MAX, READS },
	{ "watch", command_watch, 1, 2, WATCHES },
	{ "top", command_top, 0, 0, READS | TAKES(OPT_INTERVAL) },
	{ "rm", command_rm, 1, INT_MAX, TAKES(OPT_DIR) },
	{ "reset", command_reset, 1, INT_MAX, TAKES(OPT_DIR) },
};

static int
misused(const char *what, const char *word)
{
	fprintf(stderr, "smx: %s%s%s; see smx --help\n", what,
	    word != NULL ? ": " : "", word != NULL ? word : "");
	return 2;
}

static bool
parse_number(const char *text, double min, double max, double *number)
{
	char *end;

	errno = 0;
	*number = strtod(text, &end);
	return errno == 0 && end != text && *end == '\0' && *number >= min &&
	    *number <= max;
}

static bool
parse_whole(const char *text, double min, double max, double *number)
{
	return parse_number(text, min, max, number) &&
	    *number == (double)(uint64_t)*number;
}

static bool
parse_owner(const char *text, struct smx_view_options *o)
{
	const struct passwd *user = getpwnam(text);
	double number;

	if (user != NULL)
		o->owner = user->pw_uid;
	else if (parse_whole(text, 0, 4294967294.0, &number))
		o->owner = (uid_t)number;
	else
		return false;
	o->check_owner = 1;
	return true;
}

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* One option that has a value; NULL, or what is wrong. */
static const char *
take_option(struct options *o, int option, const char *value)
{
	double number = 0;

	switch (option) {
	case OPT_DIR:
		o->dir = value;
		return *value != '\0' ? NULL : "no directory";
	case OPT_OWNER:
		return parse_owner(value, &o->view) ? NULL : "no such user";
	case OPT_JSON:
		o->json = true;
		return NULL;
	case OPT_INTERVAL:
		if (!parse_number(value, 0.01, 86400, &o->interval))
			return "not an interval of 0.01 to 86400 seconds";
		return NULL;
	default:
		if (!parse_whole(value, 1, 1e9, &number))
			return "not a number of rounds";
		o->count = (unsigned)number;
		return NULL;
	}
}

static int
run(const char *name, const struct options *o, unsigned given)
{
	const struct command *c = commands;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*c); i++, c++) {
		if (strcmp(c->name, name) != 0)
			continue;
		if (o->n_names < c->min)
			return misused("which segment", name);
		if (o->n_names > c->max)
			return misused("too many names", name);
		if ((given & ~c->takes) != 0)
			return misused("an option of another command", name);
		return c->run(o);
	}
	return misused("no such command", name);
}

/* A full disk or a closed pipe is no success. */
static int
finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "smx: cannot write the output: %s\n", strerror(errno));
	return 1;
}

#define GO_ON (-1)

/* GO_ON, or a code to exit with. */
static int
take(struct options *o, int option, char **argv)
{
	const char *wrong;

	switch (option) {
	case '?':
	case ':':
		return misused(option == '?' ? "unknown option" :
				   "an option without its value",
		    argv[optind - 1]);
	case 'h':
	case OPT_HELP:
		fputs(usage, stdout);
		return finish(0);
	case OPT_VERSION:
		puts("smx " SMX_TOOL_VERSION);
		return finish(0);
	default:
		wrong = take_option(o, option, optarg);
		return wrong == NULL ? GO_ON : misused(wrong, optarg);
	}
}

int
main(int argc, char **argv)
{
	const char *dir = getenv(SMX_DIR_ENV);
	struct options o = { .interval = 1 };
	unsigned given = 0;
	int option, code;

	o.dir = dir != NULL && *dir != '\0' ? dir : SMX_DIR_DEFAULT;
	opterr = 0; /* one line is enough */
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) !=
	    -1) {
		code = take(&o, option, argv);
		if (code != GO_ON)
			return code;
		given |= TAKES(option);
	}
	if (optind == argc)
		return misused("no command", NULL);
	o.names = argv + optind + 1;
	o.n_names = argc - optind - 1;
	return finish(run(argv[optind], &o, given));
}
