/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish -- registration and lane claims: a process of two threads, one that
 * registers and one that claims a lane and updates through whatever handle
 * there is; a sibling that registers the same key or another; a reader.
 * Either process may be killed between any two steps
 * (libshm/src/register.c, libshm/src/lane.c, libshm/src/area.c).
 *
 * Promise  an update never meets a cell that its lane has no page for (P1);
 *          a reader never sees a record that is not whole (I4), nor touches
 *          a page that is not there (I5); one key has one cell, and cells
 *          follow each other without a gap, whoever was killed (R1).
 *
 * Memory   of the stores of a registration, which wait and reach memory in
 *          any order, save that a release waits for those before it; and of
 *          the reader's two loads.  What the kernel does (locks, pages) is
 *          seen at once.
 *
 * A cell is one counter, numbered from 0; a lane's pages and its `committed`
 * are counted in cells.  Lane 0 is the shared one.
 */
#define RECORDS 3
#define LANES	3 /* 0 shared; 1 of process 0, 2 of process 1 */
#define NOBODY	15
#define NO_KEY	0

/* The segment.  key 0: the bytes of the record are not there. */
byte key[RECORDS], cell[RECORDS];
byte tail, reserved;
byte pages[LANES], committed[LANES];

/* The kernel. */
byte registration = NOBODY;
bool dead[2];

/* Of each process: its mutex, what its lanes have, what it has handles of. */
byte mutex[2] = NOBODY;
byte need[2];
bool has_lane[2];
byte mapped[2];	      /* cells of its own lane */
byte mapped_shared[2]; /* of lane 0 */
byte handle[2];	      /* the cell, + 1 */
byte wants[2];	      /* the key of it */

byte kills;

inline may_die(me)
{
	if
	:: kills < 1 ->
		atomic {
			kills++;
			dead[me] = 1;
			if
			:: registration == me -> registration = NOBODY
			:: else
			fi
		}
		goto over
	:: dead[me] -> goto over
	:: !dead[me]
	fi
}

/* smx__area_commit(): pages first, then `committed`, which only rises. */
#define RAISE(lane, to) \
	if \
	:: committed[lane] < to -> committed[lane] = to \
	:: else \
	fi
#define MAKE_PAGES(lane, to) \
	if \
	:: pages[lane] < to -> pages[lane] = to \
	:: else \
	fi

#ifdef COMMITTED_EARLY
#define FIRST(lane, to)	 RAISE(lane, to)
#define SECOND(lane, to) MAKE_PAGES(lane, to)
#else
#define FIRST(lane, to)	 MAKE_PAGES(lane, to)
#define SECOND(lane, to) RAISE(lane, to)
#endif

inline commit_lane(me, lane, to)
{
	atomic { FIRST(lane, to) };
	may_die(me);
	atomic { SECOND(lane, to) };
	may_die(me)
}

/* register.c: commit(): in the shared lane and in all of this process. */
inline commit(me, to)
{
	if
	:: to > need[me] ->
		commit_lane(me, 0, to);
		mapped_shared[me] = to;
		if
		:: has_lane[me] ->
			commit_lane(me, 1 + me, to);
			mapped[me] = to
		:: else
		fi;
		need[me] = to
	:: else
	fi
}

/* register.c: append(): the record past the tail, then the tail. */
inline append(me, k, c)
{
#ifdef TAIL_FIRST
	tail = at + 1;
	may_die(me);
	atomic { cell[at] = c; key[at] = k };
#elif defined(TAIL_RELAXED)
	/* two stores, in either order */
	if
	:: atomic { cell[at] = c; key[at] = k };
		may_die(me);
		tail = at + 1
	:: tail = at + 1;
		may_die(me);
		atomic { cell[at] = c; key[at] = k }
	fi;
#else
	cell[at] = c;
	may_die(me);
	key[at] = k;
	may_die(me);
	tail = at + 1;
#endif
	may_die(me)
}

#ifdef NO_LOCK
#define LOCK_FREE 1
#else
#define LOCK_FREE (registration == NOBODY)
#endif
#ifdef NO_MUTEX
#define MUTEX_FREE(me) 1
#else
#define MUTEX_FREE(me) (mutex[me] == NOBODY)
#endif

/* Where the next cell begins: after the last published one (R1). */
#ifdef CELLS_FROM_RESERVED
#define NEXT_CELL reserved
#else
#define NEXT_CELL at
#endif

inline enter(me)
{
	if
	:: atomic { MUTEX_FREE(me) && !dead[me] -> mutex[me] = me }
	:: dead[me] -> goto over
	fi
}

proctype registrar(byte me; byte wanted)
{
	byte at, i, found, next;

	enter(me);
	if
	:: atomic { LOCK_FREE && !dead[me] -> registration = me }
	:: dead[me] -> goto over
	fi;
	wants[me] = wanted;
	may_die(me);
	at = tail; /* what is published by now, the lock keeps */
	i = 0;
	found = NOBODY;
	do
	:: i < at ->
		if
		:: key[i] == wanted -> found = cell[i]
		:: else
		fi;
		i++
	:: else -> break
	od;
	may_die(me);
	if
	:: found != NOBODY
	:: else ->
		next = NEXT_CELL;
		commit(me, next + 1);
		reserved = next + 1;
		may_die(me);
		append(me, wanted, next);
		found = next
	fi;
#ifdef HANDLE_EARLY
	handle[me] = found + 1;
#endif
	/* a sibling's cell is committed here too */
	commit(me, found + 1);
	registration = NOBODY;
	handle[me] = found + 1;
	mutex[me] = NOBODY;
over:
	skip
}

/* lane.c: a lane is given to a thread when it has what handles need. */
proctype claimer(byte me)
{
	byte to;

	enter(me);
	may_die(me);
	to = need[me];
#ifndef CLAIM_UNCOMMITTED
	commit_lane(me, 1 + me, to);
	mapped[me] = to;
#endif
	has_lane[me] = 1;
	mutex[me] = NOBODY;
	/* an update, once there is a handle or there will be none */
	if
	:: handle[me] != 0 && !dead[me] ->
		assert(mapped[me] >= handle[me]);
		assert(pages[1 + me] >= handle[me])
	:: dead[me]
	:: timeout
	fi;
over:
	skip
}

/* A thread without a lane updates the shared one. */
proctype bystander(byte me)
{
	if
	:: handle[me] != 0 && !dead[me] ->
		assert(mapped_shared[me] >= handle[me]);
		assert(pages[0] >= handle[me])
	:: dead[me]
	:: timeout
	fi
}

/* The tail, then what is below it; `committed`, then what is below that. */
proctype reader()
{
	byte seen, i, lane, limit;
	byte keys[RECORDS], cells[RECORDS];

#ifdef READER_RELAXED
	/* the records' loads, satisfied before the tail's */
	do
	:: i < RECORDS -> keys[i] = key[i]; cells[i] = cell[i]; i++
	:: else -> break
	od;
	seen = tail;
#else
	seen = tail;
	do
	:: i < seen -> keys[i] = key[i]; cells[i] = cell[i]; i++
	:: else -> break
	od;
#endif
	i = 0;
	do
	:: i < seen ->
		assert(keys[i] != NO_KEY && cells[i] == i);
		assert(i == 0 || keys[i] != keys[0]);
		i++
	:: else -> break
	od;
	do
	:: lane < LANES ->
		limit = committed[lane];
		assert(pages[lane] >= limit);
		lane++
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		run registrar(0, 1);
		run claimer(0);
		run bystander(0);
		if
		:: run registrar(1, 1)
		:: run registrar(1, 2)
		fi;
		run reader()
	}
	_nr_pr == 1;
	/* whatever was killed, the next registration finds it in order */
	assert(tail <= 2 && (tail < 1 || (key[0] != NO_KEY && cell[0] == 0)) &&
	    (tail < 2 || (key[1] != NO_KEY && cell[1] == 1 &&
	    key[1] != key[0])));
	i = 0;
	do
	:: i < 2 ->
		assert(handle[i] == 0 || key[handle[i] - 1] == wants[i]);
		i++
	:: else -> break
	od
}
