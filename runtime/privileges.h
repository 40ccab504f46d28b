/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.h -- giving up what a server does not need.
 *
 * Thread   before there is a second one.
 */
#ifndef SMX_RUNTIME_PRIVILEGES_H
#define SMX_RUNTIME_PRIVILEGES_H

/*
 * privileges_drop -- become `user`, for good, and give up all capabilities.
 *
 * `user` is a name or a number of the user database; his groups are taken
 * too.  NULL stays who we are: root then keeps the one capability to read
 * files of others.  Neither an exec nor a set-user-ID file gives anything
 * back, and no core is ever written.
 *
 * Errors   -EINVAL no such user; -EPERM somebody else, and we are not root;
 *          -EIO the kernel refused.  msg says so in one line.
 */
int privileges_drop(const char *user, char msg[256]);

#endif
