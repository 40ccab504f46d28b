/* SPDX-License-Identifier: Apache-2.0 */
/* What a host program loads and unloads while the service runs. */
#include "smx/writer.h"

int plugin_start(void);
void plugin_count(void);

static struct smx_counter count;

int
plugin_start(void)
{
	int rc = smx_attach("t", NULL);

	count = smx_counter("x_total", "x");
	return rc;
}

void
plugin_count(void)
{
	smx_inc(count);
}
