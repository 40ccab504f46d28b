/* SPDX-License-Identifier: Apache-2.0 */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names in it come from callers and from hostile files. */
static void
make_one_line(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int
smx__fail(struct smx_error *err, int code, const char *format, ...)
{
	va_list args;
	size_t len;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->msg, sizeof(err->msg), format, args);
	va_end(args);
	len = strlen(err->msg);
	if (len > 0 && err->msg[len - 1] == ':')
		(void)snprintf(err->msg + len, sizeof(err->msg) - len, " %s",
		    strerrordesc_np(-code));
	make_one_line(err->msg);
	return code;
}
