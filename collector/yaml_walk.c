/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/yaml_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
yaml_fail(struct yaml_walk *w, const yaml_node_t *at, const char *what,
    const char *which)
{
	snprintf(w->msg, 256, "line %zu: %s: %.150s",
	    at ? at->start_mark.line + 1 : 1, what, which);
	return -EINVAL;
}

const char *
yaml_text(const yaml_node_t *n)
{
	const char *s;

	if (!n || n->type != YAML_SCALAR_NODE)
		return NULL;
	s = (const char *)n->data.scalar.value;
	return strlen(s) == n->data.scalar.length ? s : NULL;
}

bool
yaml_is_nothing(const yaml_node_t *n)
{
	const char *s = yaml_text(n);

	return s && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (!*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

static int
check_unique(struct yaml_walk *w, const yaml_node_t *map,
    const yaml_node_pair_t *pair, const char *key)
{
	const yaml_node_pair_t *p = map->data.mapping.pairs.start;

	for (; p < pair; p++) {
		const char *other = yaml_text(yaml_document_get_node(&w->doc,
		    p->key));

		if (other && strcmp(other, key) == 0)
			return yaml_fail(w, yaml_document_get_node(&w->doc,
			    pair->key), "comes twice", key);
	}
	return 0;
}

int
yaml_each_pair(struct yaml_walk *w, yaml_node_t *map, const char *what,
    int (*take)(struct yaml_walk *, const char *, yaml_node_t *, const void *),
    const void *ctx)
{
	yaml_node_pair_t *p;

	if (yaml_is_nothing(map))
		return 0;
	if (map->type != YAML_MAPPING_NODE)
		return yaml_fail(w, map, "must be a mapping", what);
	for (p = map->data.mapping.pairs.start;
	    p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(&w->doc, p->key);
		const char *key = yaml_text(k);
		int err;

		if (!key)
			return yaml_fail(w, k, "not a key", what);
		err = check_unique(w, map, p, key);
		if (err == 0)
			err = take(w, key, yaml_document_get_node(&w->doc,
			    p->value), ctx);
		if (err < 0)
			return err;
	}
	return 0;
}

int
yaml_take_known(struct yaml_walk *w, const char *key, yaml_node_t *value,
    const void *ctx)
{
	for (const struct yaml_key *k = ctx; k->name; k++)
		if (strcmp(k->name, key) == 0)
			return k->take(w, key, value);
	return yaml_fail(w, value, "unknown key", key);
}
