/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_ERROR_H
#define SMX_ERROR_H

/*
 * struct smx_error -- what went wrong, in words; filled on request.
 *
 * Owner    the caller; every call that takes one accepts NULL.
 * Content  code is the negative errno that the call returned; msg is one
 *          line without a newline that names the file, metric or option.
 */
struct smx_error {
	int code;
	char msg[252];
};

#endif
