/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_TEXT_H
#define SMX_SRC_TEXT_H
/*
 * text -- which strings a segment may hold.  Writers ask before they publish,
 * readers before they believe.
 */
#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without control characters other than newline and tab. */
bool smx__text_valid(const char *, size_t len);

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
bool smx__name_valid(const char *, size_t len);

/* Name characters only; may be empty. */
bool smx__unit_valid(const char *, size_t len);

/* [a-zA-Z_][a-zA-Z0-9_]*, and none that others give a meaning to: le,
 * quantile, service, service_instance, and all that begin with `__`. */
bool smx__label_valid(const char *, size_t len);

#endif
