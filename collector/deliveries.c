/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/deliveries.h"

#include <stdlib.h>

void
deliveries_begin(struct deliveries *d, uint64_t turn,
    const struct selection *sel, unsigned n)
{
	struct delivery *one = malloc(sizeof(*one));

	if (!one)
		return;
	*one = (struct delivery){ .next = d->under_way, .turn = turn,
		.refs = n, .sel = *sel };
	d->under_way = one;
}

void
deliveries_end(struct deliveries *d, uint64_t turn, bool whole)
{
	struct delivery **at = &d->under_way, *one;

	while (*at && (*at)->turn != turn)
		at = &(*at)->next;
	one = *at;
	if (!one)
		return;
	one->taken |= whole;
	if (--one->refs > 0)
		return;
	*at = one->next;
	one->next = NULL;
	if (!one->taken) {
		deliveries_free(one);
		return;
	}
	one->next = d->taken;
	d->taken = one;
}

struct delivery *
deliveries_collect(struct deliveries *d)
{
	struct delivery *list = d->taken;

	d->taken = NULL;
	return list;
}

void
deliveries_free(struct delivery *list)
{
	while (list) {
		struct delivery *next = list->next;

		free(list);
		list = next;
	}
}

void
deliveries_close(struct deliveries *d)
{
	deliveries_free(d->under_way);
	deliveries_free(d->taken);
	*d = (struct deliveries){ 0 };
}
