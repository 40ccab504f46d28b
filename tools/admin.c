/* SPDX-License-Identifier: Apache-2.0 */
/* rm and reset: the only commands that change anything. */
#include "admin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "smx.h"

#define LOCK_MS 1000 /* patience with a process that is attaching */

/* With the file that a word means; 1 if it failed. */
static int
act_on(const struct options *o, const char *word,
    int (*act)(int, const char *, uint32_t, struct smx_error *))
{
	struct smx_error error;
	struct target t;
	int err = target_find(&t, o, word, &error);

	if (err < 0)
		return complain(&error);
	err = act(t.fd, t.file, LOCK_MS, &error);
	close(t.fd);
	if (err == -ENOENT)
		target_hint(&error, " in %s", t.dir);
	if (err == -EBUSY)
		target_hint(&error, "; see smx dump");
	return err < 0 ? complain(&error) : 0;
}

static int
act_on_all(const struct options *o,
    int (*act)(int, const char *, uint32_t, struct smx_error *))
{
	int wrong = 0;

	for (int i = 0; i < o->n_names; i++)
		wrong |= act_on(o, o->names[i], act);
	return wrong;
}

int
command_rm(const struct options *o)
{
	return act_on_all(o, smx__admin_remove);
}

int
command_reset(const struct options *o)
{
	/* a file size limit is an error like others */
	(void)signal(SIGXFSZ, SIG_IGN);
	return act_on_all(o, smx__admin_reset);
}
