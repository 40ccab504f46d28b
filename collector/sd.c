/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sd.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
sd_host_valid(const char *host)
{
	size_t n = strlen(host);

	if (n == 0 || n >= SD_HOST)
		return false;
	for (const char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".-_:[]", *p))
			return false;
	return true;
}

/* One more target; `labels` is taken. */
static int
add(json_t *list, const char *host, const char *scheme, json_t *labels)
{
	if (!labels || json_object_set_new(labels, "__scheme__",
	    json_string(scheme)) < 0) {
		json_decref(labels);
		return -ENOMEM;
	}
	/* json_pack takes the labels, also when it fails */
	return json_array_append_new(list, json_pack("{s:[s],s:o}",
	    "targets", host, "labels", labels)) < 0 ? -ENOMEM : 0;
}

static json_t *
labels_of(const struct segment *g, const char *metrics_path)
{
	char path[1024];
	json_t *labels;

	snprintf(path, sizeof(path), "%.800s/%s%s%s", metrics_path,
	    g->service, g->instance[0] ? "@" : "", g->instance);
	labels = json_pack("{s:s,s:s}", "__metrics_path__", path,
	    "service", g->service);
	if (labels && g->instance[0] && json_object_set_new(labels,
	    "service_instance", json_string(g->instance)) < 0) {
		json_decref(labels);
		return NULL;
	}
	return labels;
}

/* One that is there but cannot be read has a target too, which is down. */
static bool
is_target(const struct segment *g)
{
	return g->shown || (g->bad && g->service[0] &&
	    g->cause != CAUSE_NAME);
}

static int
fill(json_t *list, const struct segments *s, const char *host,
    const char *scheme, const char *metrics_path)
{
	int err = 0;

	for (size_t i = 0; i < s->n && err == 0; i++)
		if (is_target(s->v[i]))
			err = add(list, host, scheme,
			    labels_of(s->v[i], metrics_path));
	/* no service can be named ".": what is left is the collector's own */
	if (err == 0)
		err = add(list, host, scheme, json_pack("{s:s,s:s}",
		    "__metrics_path__", metrics_path, "__param_service", "."));
	return err;
}

int
sd_write(struct body *b, const struct segments *segments, const char *host,
    const char *scheme, const char *metrics_path)
{
	json_t *list = json_array();
	char *text = NULL;
	int err = -ENOMEM;

	if (list)
		err = fill(list, segments, host, scheme, metrics_path);
	if (err == 0)
		text = json_dumps(list, JSON_COMPACT);
	if (text)
		err = body_set_text(b, text, strlen(text));
	else
		err = -ENOMEM;
	free(text);
	json_decref(list);
	return err;
}
