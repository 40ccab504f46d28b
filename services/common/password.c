/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <stdio.h>
#include <string.h>

bool
cdb_password_read(const char *path, char out[CDB_PASSWORD_TEXT])
{
	FILE *file = fopen(path, "re");
	bool read = file && fgets(out, CDB_PASSWORD_TEXT, file);
	size_t len = read ? strcspn(out, "\n") : 0;

	if (file)
		fclose(file);
	if (len == 0 || len == CDB_PASSWORD_TEXT - 1)
		return false;
	out[len] = '\0';
	return true;
}
