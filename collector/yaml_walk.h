/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_walk.h -- mappings of a YAML document, key by key, strictly: no key
 * twice, none that is not known.  Errors name the line.
 *
 * Thread   any; a walk by one at a time.
 */
#ifndef COLLECTOR_YAML_WALK_H
#define COLLECTOR_YAML_WALK_H

#include <stdbool.h>
#include <yaml.h>

struct yaml_walk {
	yaml_document_t doc;
	char *msg;		/* 256 bytes, the caller's */
	void *user;
};

/* One key that is known, and what takes its value. */
struct yaml_key {
	const char *name;
	int (*take)(struct yaml_walk *w, const char *key, yaml_node_t *value);
};

/* yaml_fail -- "line 3: WHAT: WHICH" into msg; returns -EINVAL. */
int yaml_fail(struct yaml_walk *w, const yaml_node_t *at, const char *what,
    const char *which);

/* yaml_text -- of a scalar; NULL for all else, and with a zero byte in it. */
const char *yaml_text(const yaml_node_t *n);

/* yaml_is_nothing -- `key:` with nothing behind it, or null. */
bool yaml_is_nothing(const yaml_node_t *n);

/*
 * yaml_each_pair -- `take` for each pair of a mapping, until one fails.
 *
 * Nothing is an empty mapping; anything else is an error about `what`.
 * Errors   -EINVAL; those of take.
 */
int yaml_each_pair(struct yaml_walk *w, yaml_node_t *map, const char *what,
    int (*take)(struct yaml_walk *, const char *, yaml_node_t *, const void *),
    const void *ctx);

/* yaml_take_known -- a `take` whose ctx is an array of keys, the last one
 * without a name. */
int yaml_take_known(struct yaml_walk *w, const char *key, yaml_node_t *value,
    const void *ctx);

#endif
