/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h -- a password comes from a file: a command line and an
 * environment can be read by others.
 *
 * Thread   any.
 */
#ifndef CDB_PASSWORD_H
#define CDB_PASSWORD_H

#include <stdbool.h>

#define CDB_PASSWORD_TEXT 129	/* 127 bytes, a newline and the end */

/*
 * cdb_password_read -- the first line of a file, without its end.
 *
 * False    the file cannot be read, the line is empty or too long.
 */
bool cdb_password_read(const char *path, char out[CDB_PASSWORD_TEXT]);

#endif
