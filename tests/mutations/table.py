# SPDX-License-Identifier: Apache-2.0
"""What is broken, and which test must notice.

A mutation: name, the test, and edits (file, text that is there once, text to
put in its place).  `short` ones are part of every test run.
"""

# Test: (program below the build folder, arguments).
TESTS = {
    test: ('tests/' + test.replace('/', '_'), [])
    for test in (
        'crash/aside', 'crash/exhausted', 'crash/restart', 'fork/fork', 'hostile/file',
        'hostile/segment', 'race/processes', 'race/slots', 'race/snapshot',
        'race/thread_ends', 'race/threads', 'unit/view', 'unit/writer_lives',
        'unit/writer_families', 'unit/writer_rules')
}
TESTS['crash/killpoint'] = ('tests/crash/killpoint/crash_killpoint',
                            ['--steps'])
TESTS['race/interleave'] = ('tests/crash/killpoint/race_interleave', [])

HOT = 'libshm/include/smx/hot.h'
BEGIN = '	smx__cell_add(cell, 1);			    /* SMX_HIST_BEGIN */\n'
SUM = '	smx__cell_add_release(cell + 2, value);	    /* SMX_HIST_SUM */\n'
BUCKET = \
    '	smx__cell_add_release(cell + 3 + i, 1);	    /* SMX_HIST_BUCKET */\n'
END = '	smx__cell_add_release(cell + 1, 1);	    /* SMX_HIST_END */\n'
OBSERVE = BEGIN + SUM + BUCKET + END

MUTATIONS = []


def mutation(name, test, *edits, **more):
    MUTATIONS.append(dict(name=name, test=test, edits=edits, **more))


# -- registration: committed, written, published, handed out

mutation(
    'the tail is stored before the record', 'crash/killpoint',
    ('libshm/src/register.c',
     '	n = pwrite(fd, r, r->size,',
     '	__atomic_store_n(&p->header->dir_tail, tail + r->size,\n'
     '	    __ATOMIC_RELEASE);\n'
     '	n = pwrite(fd, r, r->size,'),
    short=True)
mutation(
    'cells are committed after publication', 'unit/writer_rules',
    ('libshm/src/register.c',
     '	int rc = commit(p, fd, def->record->type, end, err);\n\n'
     '	if (rc < 0)\n		return rc;\n',
     '	int rc;\n\n'),
    ('libshm/src/register.c',
     '	free(r);\n	return rc;',
     '	free(r);\n	if (rc == 0)\n'
     '		rc = commit(p, fd, def->record->type, end, err);\n'
     '	return rc;'))
mutation(
    'handles exist before their cells are committed', 'unit/writer_lives',
    ('libshm/src/register.c',
     '	rc = commit(p, fd, def->record->type, series_end(s), err);\n',
     '	rc = 0;\n'))
mutation(
    'only the overflow lane is committed', 'race/threads',
    ('libshm/src/lane.c',
     '	for (ref = p->own; ref && rc == 0; ref = ref->next)',
     '	for (ref = NULL; ref && rc == 0; ref = ref->next)'))
mutation(
    'a lane is given before it is committed far enough', 'race/threads',
    ('libshm/src/lane.c',
     '	uint64_t need = p->need > SMX_SINK ? p->need : SMX_SINK;',
     '	uint64_t need = SMX_SINK;'))
mutation(
    'the old family is retired before the new is there', 'crash/killpoint',
    ('libshm/src/register.c',
     '		rc = smx__append(p, fd, &def->record->record, err);\n'
     '	if (rc == 0 && namesake)\n'
     '		rc = retire(p, fd, namesake, err);\n',
     '		rc = namesake ? retire(p, fd, namesake, err) : 0;\n'
     '	if (rc == 0)\n'
     '		rc = smx__append(p, fd, &def->record->record, err);\n'))
mutation(
    'the magic is stored first', 'crash/killpoint',
    ('libshm/src/build.c',
     '		rc = write_at(fd, h, sizeof(*h), 0);',
     '		rc = write_at(fd, &magic, sizeof(magic), 0);\n	if (rc == 0)\n'
     '		rc = write_at(fd, (const char *)h + 8, sizeof(*h) - 8, 8);'))
mutation(
    'registration takes no lock', 'race/processes',
    ('libshm/src/register.c',
     '	rc = fd < 0 ? fd : smx__lock_register(fd, p->options.lock_ms, err);',
     '	rc = fd < 0 ? fd : 0;'))

mutation(
    'new cells begin where a lost registration ended', 'crash/killpoint',
    ('libshm/src/register.c',
     ' : p->keys.cells_end;',
     ' :\n	    p->header->cells_reserved > p->keys.cells_end ?\n'
     '	    p->header->cells_reserved : p->keys.cells_end;'))
mutation(
    'the first cell is in the sink', 'crash/killpoint',
    ('libshm/src/keys.c', ' = SMX_SINK;', ' = SMX_SINK - 8;'))
mutation(
    'the file shrinks when it is attached', 'crash/killpoint',
    ('libshm/src/attach.c', '	rc = smx__slot_take(p, fd, err);\n',
     '	(void)ftruncate(fd, (off_t)p->geometry.size - SMX_PAGE);\n'
     '	rc = smx__slot_take(p, fd, err);\n'))
mutation(
    'a redefinition changes what is published', 'crash/killpoint',
    ('libshm/src/register.c',
     '	smx__record_seal(&r.record, SMX_RECORD_RETIRE, sizeof(r));\n',
     '	smx__record_seal(&r.record, SMX_RECORD_RETIRE, sizeof(r));\n'
     '	if (pwrite(fd, "", 1, (off_t)(p->geometry.dir_off + 40)) != 1)\n'
     '		return -EIO;\n'))
mutation(
    'two definitions in one process are taken', 'unit/writer_families',
    ('libshm/src/register.c', '	if (f && !same && f->ours)\n',
     '	if (f && !same && f->ours && f->n_series == UINT32_MAX)\n'))
mutation(
    'the registration lock is left to close', 'crash/killpoint',
    ('libshm/src/lock.c',
     '	(void)smx__lock_release(fd, SMX_LOCK_REGISTER);\n',
     '	(void)fd;\n'))

# -- committed

mutation(
    'committed is raised before the pages are there', 'crash/killpoint',
    ('libshm/src/area.c', '	to = chunk(a, need);\n',
     '	to = chunk(a, need);\n	raise_to(committed, to);\n'))
mutation(
    'committed falls', 'unit/writer_lives',
    ('libshm/src/area.c', '	while (seen < to && ', '	while (seen != to && '))

# -- histograms

mutation('begin is dropped', 'crash/killpoint',
         (HOT, OBSERVE, SUM + BUCKET + END), short=True)
mutation('begin comes after sum and bucket', 'crash/killpoint',
         (HOT, OBSERVE, SUM + BUCKET + BEGIN + END))
mutation('end comes before sum and bucket', 'crash/killpoint',
         (HOT, OBSERVE, BEGIN + END + SUM + BUCKET))
mutation(
    'the reader takes begin first and end last', 'race/snapshot',
    ('libshm/src/lanes.c',
     '	copy_cells(l, h->cell + SMX_HIST_END, 1, &end);\n'
     '	copy_cells(l, h->cell + SMX_HIST_SUM, 1 + h->n_buckets, to);\n'
     '	copy_cells(l, h->cell + SMX_HIST_BEGIN, 1, &begin);\n',
     '	copy_cells(l, h->cell + SMX_HIST_BEGIN, 1, &begin);\n'
     '	copy_cells(l, h->cell + SMX_HIST_SUM, 1 + h->n_buckets, to);\n'
     '	copy_cells(l, h->cell + SMX_HIST_END, 1, &end);\n'))
mutation(
    'the reader does not compare begin and end', 'race/snapshot',
    ('libshm/src/lanes.c', '	return begin == end;',
     '	return begin + 1 > 0 || end > 0;'))
mutation(
    'end is not mended', 'crash/killpoint',
    ('libshm/src/lane.c',
     '	__atomic_store_n(cell + SMX_HIST_END, begin, __ATOMIC_RELEASE);\n',
     '	(void)begin;\n'))

# -- exemplars

mutation(
    'seq is not odd while an exemplar is written', 'crash/killpoint',
    ('libshm/src/exemplar_put.c',
     '	__atomic_store_n(&s->seq, seq, __ATOMIC_RELAXED);\n', ''))
mutation(
    'an exemplar that a dead process has locked stays so', 'crash/killpoint',
    ('libshm/src/exemplar_put.c',
     '	if (seen != SMX_OWNER_NONE && !is_dead(seen))\n',
     '	(void)is_dead;\n	if (seen != SMX_OWNER_NONE)\n'))

# -- lanes

mutation(
    'a lane is zeroed on adoption', 'crash/restart',
    ('libshm/src/lane.c',
     '	smx__keys_each_series(&p->keys, mend_histogram, &a);',
     '	smx__keys_each_series(&p->keys, mend_histogram, &a);\n'
     '	__builtin_memset(a.base, 0, a.mapped);'),
    short=True)
mutation(
    'a lane is claimed without compare-and-swap', 'race/interleave',
    ('libshm/src/lane.c',
     '		    cas_owner(&p->lanes[i], SMX_OWNER_NONE, mine)) {',
     '		    (p->lanes[i].owner = mine) != 0) {'))
mutation(
    'a lane is not given back by its thread', 'race/threads',
    ('libshm/src/lane.c',
     '	*at = ref->next;\n	set_free(p, ref->number);',
     '	*at = ref->next;'))
mutation(
    'the lanes of a slot are not swept at takeover', 'crash/restart',
    ('libshm/src/slot.c',
     '	rc = smx__lane_sweep_slot(p, fd, odd);', '	rc = 0;'))
mutation(
    'lanes of the living are taken', 'crash/exhausted',
    ('libshm/src/lane.c',
     '	return smx__lock_held(fd, SMX_LOCK_SLOT0 + (int64_t)slot, 1) == 0;',
     '	return fd >= 0;'))
mutation(
    'the overflow lane is updated without a lock', 'crash/exhausted',
    ('libshm/src/slow.c', '	if (shared)\n		(void)__atomic',
     '	uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED);\n\n'
     '	if (shared && seen % 512 == 0) /* a busy machine, at worst */\n'
     '		sched_yield();\n'
     '	if (shared)\n'
     '		__atomic_store_n(cell, seen + n, __ATOMIC_RELAXED);\n'
     '	else if (shared)\n		(void)__atomic'))
mutation(
    'updates after the destructor claim a lane again', 'race/thread_ends',
    ('libshm/src/slow.c',
     '	if ((lane & SMX__ENDED) == SMX__ENDED)\n		return false;\n', ''))

mutation(
    'the lanes of a detached process are unmapped',
    'race/thread_ends',
    ('libshm/src/attach.c', '			(void)smx__area_sink_all(&ref->area);\n',
     '			smx__area_release(&ref->area);\n'))
mutation(
    'a gauge is added to without compare-and-swap', 'race/threads',
    (HOT, '	} while (!__atomic_compare_exchange_n(cell, &seen, bits ^ SMX__XOR, 1,\n'
     '	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));\n',
     '		__atomic_store_n(cell, bits ^ SMX__XOR, __ATOMIC_RELAXED);\n'
     '	} while (0);\n'))

# -- slots, leases, gauges

mutation(
    'the lease is on a description that is not pinned', 'crash/killpoint',
    ('libshm/src/slot.c', '	int rc = lease_any(p, fd);\n',
     '	int other = smx__reopen(p, err);\n'
     '	int rc = lease_any(p, other);\n\n	close(other);\n'),
    short=True)
mutation(
    'the same, and attach does not look', 'fork/fork',
    ('libshm/src/slot.c', '	int rc = lease_any(p, fd);\n',
     '	int other = smx__reopen(p, err);\n'
     '	int rc = lease_any(p, other);\n\n	close(other);\n'),
    ('libshm/src/attach.c',
     '	if (rc == 0)\n		rc = check_lease(p, err);\n',
     '	(void)check_lease;\n'))
mutation(
    'a lease is a lock of the process', 'crash/killpoint',
    ('libshm/src/lock.c', '.l_start = byte, .l_len = 1\n	};\n\n'
     '	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)',
     '.l_start = byte, .l_len = 1\n	};\n\n'
     '	if (fcntl(fd, byte == SMX_LOCK_REGISTER ? F_OFD_SETLK : F_SETLK,\n'
     '		&lock) == 0)'))
mutation(
    'the generation is not odd while a slot is taken', 'crash/killpoint',
    ('libshm/src/slot.c',
     '	__atomic_store_n(&slot->generation, odd, __ATOMIC_RELAXED);\n', ''))
mutation(
    'the generation is even before the gauges are unset', 'crash/killpoint',
    ('libshm/src/slot.c',
     '	rc = smx__lane_sweep_slot(p, fd, odd);\n',
     '	rc = smx__lane_sweep_slot(p, fd, odd);\n'
     '	__atomic_store_n(&slot->generation, odd + 1, __ATOMIC_RELEASE);\n'))
mutation(
    'gauges of the last owner are kept', 'crash/killpoint',
    ('libshm/src/slot.c', '	for (i = 0; i < n; i += 8)',
     '	for (i = n; i < n; i += 8)'))
mutation(
    'the reader does not look at the generation again', 'race/slots',
    ('libshm/src/slots.c',
     '	r->whole = smx__load_relaxed_u32(&r->slot->generation) =='
     ' generation;',
     '	r->whole = true;'))
mutation(
    'a read lock counts as a life', 'unit/view',
    ('libshm/src/slots.c',
     '	struct flock lock = { .l_type = F_RDLCK,',
     '	struct flock lock = { .l_type = F_WRLCK,'))

# -- fork

mutation(
    'the child of a fork keeps what it inherits', 'fork/fork',
    ('libshm/src/fork.c',
     '	return -pthread_atfork(before_fork, in_parent, in_child);',
     '	(void)in_child;\n'
     '	return -pthread_atfork(before_fork, in_parent, in_parent);'),
    short=True)
mutation(
    'the child keeps the mapping that pins the lease', 'fork/fork',
    ('libshm/src/fork.c',
     '	(void)mmap(p->header, p->head_size, PROT_READ | PROT_WRITE,\n'
     '	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);\n', ''))
mutation(
    'signals are not blocked over fork', 'fork/fork',
    ('libshm/src/fork.c', '	(void)sigfillset(&all);',
     '	(void)sigemptyset(&all);'))

mutation(
    'leases are looked for in a file that is set aside', 'crash/aside',
    ('libshm/src/open.c',
     '	alive = smx__lock_alive(fd);\n', '	alive = 0;\n'))

# -- the reader believes

mutation(
    'cells past the end of a lane are believed', 'hostile/segment',
    ('libshm/src/directory.c',
     '	if (first + s->n_cells > smx__cell_map_of(d, f)->limit)\n'
     '		return "cells past the end";\n',
     '	(void)first;\n	(void)d;\n'),
    short=True)
mutation(
    'cells in the sink are believed', 'hostile/segment',
    ('libshm/src/directory.c', ' || s->cell < SMX_SINK)', ')'))
mutation(
    'the CRC of the header is not looked at', 'hostile/segment',
    ('libshm/src/header.c', '	if (h->crc != smx__header_crc(h))',
     '	if (h->crc == 0 && h->crc != smx__header_crc(h))'))
mutation(
    'regions may overlap', 'hostile/segment',
    ('libshm/src/header.c', '	if (r->off < *end || r->off',
     '	if (r->off'))
mutation(
    'a tail past the directory is believed', 'hostile/segment',
    ('libshm/src/view.c', ' || t.value > v->header.dir_size ||', ' ||'))
mutation(
    'the CRC of a record is not looked at', 'hostile/segment',
    ('libshm/src/record.c',
     '	if (r->crc != smx__crc32(bytes + 8, r->size - 8))\n', '	if (0)\n'))
mutation(
    'overlapping series are taken', 'hostile/segment',
    ('libshm/src/cells.c', '		if ((m->words[i / 64] & bit_of(i)) != 0)\n'
     '			return false;\n', '		(void)bit_of(i);\n'))
mutation(
    'committed is not looked at', 'unit/view',
    ('libshm/src/lanes.c',
     '		.end = min_u32((uint32_t)(bytes / 8), '
     'v->dir.catalog.n_cells),\n',
     '		.end = min_u32((uint32_t)(h->lane_size / 8),\n'
     '		    v->dir.catalog.n_cells),\n'))
mutation(
    'holes are read', 'unit/view',
    ('libshm/src/lanes.c',
     '	err = smx__spans_find(&v->spans, v->fd, l->off, 8, l->end);\n',
     '	err = smx__spans_find(&v->spans, v->fd, l->off, 8, l->end);\n'
     '	if (err == 0 && v->spans.n > 0) {\n'
     '		v->spans.list[0].first = 8;\n'
     '		v->spans.list[0].end = l->end;\n'
     '		v->spans.n = 1;\n'
     '	}\n'))
mutation(
    'a file that is cut ends the reader', 'hostile/file',
    ('libshm/src/lanes.c',
     '	return smx__guard_run(l->view->base, l->view->mapped, read, l);\n',
     '	return read(l);\n'))
