/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "smx.h"

static int
dump(const struct options *o, const char *word)
{
	struct smx_snapshot shot = { 0 };
	struct smx_error error;
	struct smx_view *view;
	int err = target_open(&view, o, word, &error);

	if (err < 0)
		return complain(&error);
	err = smx_snapshot_take(&shot, view, &error);
	if (err == 0 && o->json)
		dump_json(target_service(word), &shot);
	else if (err == 0)
		dump_text(target_service(word), &shot);
	smx_snapshot_free(&shot);
	smx_view_close(view);
	return err < 0 ? complain(&error) : 0;
}

/* One JSON document per line and segment, so that several can be told
 * apart. */
int
command_dump(const struct options *o)
{
	int wrong = 0;

	for (int i = 0; i < o->n_names; i++)
		wrong |= dump(o, o->names[i]);
	return wrong;
}
