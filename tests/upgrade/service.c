/* SPDX-License-Identifier: Apache-2.0 */
/* A service that was built with the next version of the library.  With an
 * argument it stays when it has counted, and says so.  Exit status: 0, or the
 * error of attach. */
#include <unistd.h>

#include "smx/layout.h"
#include "smx/writer.h"

_Static_assert(SMX_VERSION == 2, "the next version");

int
main(int argc, char **argv)
{
	int rc = smx_attach("t", NULL);

	(void)argv;
	if (rc < 0)
		return -rc;
	smx_inc(smx_counter("x_total", "x"));
	if (argc > 1 && write(STDOUT_FILENO, "x", 1) == 1)
		pause();
	return 0;
}
