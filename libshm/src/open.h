/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_OPEN_H
#define SMX_SRC_OPEN_H

#include "process.h"

/*
 * smx__open -- open the segment at p->dir/p->file, made anew if there is
 * none, or none that can be used and nobody alive uses it.
 *
 * Return   a descriptor with the registration lock held; p->geometry, p->dev
 *          and p->ino are filled.
 * Errors   as smx_attach().
 */
int smx__open(struct smx__process *, struct smx_error *);

#endif
