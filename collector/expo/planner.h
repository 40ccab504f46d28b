/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_PLANNER_H
#define EXPO_PLANNER_H

#include "plan.h"

/*
 * expo__plan -- fill a page that is all zero; earlier and from as in
 * expo_page_renew(), or NULL.
 *
 * Errors   -ENOMEM, -E2BIG; the page may be half filled then, and can be
 *          destroyed.
 */
int expo__plan(struct expo_page *, const struct expo_page *earlier,
    const uint32_t *from, const struct expo_source *, size_t n);

#endif
