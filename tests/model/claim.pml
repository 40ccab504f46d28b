/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim -- slots, lanes and what a lane holds: processes take a slot, sweep
 * the lanes of its last owner, claim a lane, add to it, give it back; they
 * are killed between any two steps, and sweep lanes of the dead
 * (libshm/src/slot.c, libshm/src/lane.c).
 *
 * Promise  a lane has at most one live process that writes it, so that no
 *          update is lost: what the lanes hold in the end is what was added.
 *
 * Memory   an update is a load and a store, and the store may wait until the
 *          writer's next release, as on aarch64; a load after an acquire is
 *          not satisfied before it.  All else is the kernel's (locks) or a
 *          compare-and-swap.  A kill drops the leases after all stores are
 *          seen: the kernel's doing.
 *
 * Locks are kept here as the kernel keeps them: by owner, gone with it.
 */
#ifndef PROCESSES
#define PROCESSES 4
#endif
#define SLOTS 2
#ifndef LANES
#define LANES 1
#endif
#ifndef KILLS
#define KILLS 2
#endif

#define NOBODY 15
#define NONE   0 /* owner of a free lane */

/* (slot + 1, generation) in one word, as in the segment */
#ifdef NO_GENERATION
#define OWNER(slot, generation) ((slot) + 1)
#define SLOT_OF(owner) ((owner) - 1)
#else
#define OWNER(slot, generation) (((slot) + 1) * 16 + (generation))
#define SLOT_OF(owner) ((owner) / 16 - 1)
#endif

/* The segment. */
byte generation[SLOTS];
byte owner[LANES];
byte cell[LANES];

/* The kernel. */
byte lease[SLOTS];
byte registration = NOBODY;

/* What is judged. */
byte kills;
byte holds[PROCESSES]; /* the lane it writes, + 1 */
byte added;
byte started; /* in this order: they are all alike */

init {
	byte i;

	atomic {
		do
		:: i < SLOTS -> lease[i] = NOBODY; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < PROCESSES -> run process(i); i++
		:: else -> break
		od
	}
	/* all is over: nothing was lost */
	_nr_pr == 1;
	assert(cell[0] + cell[LANES - 1] * (LANES - 1) == added)
}

/* Each step may be the last: who is killed does none after it, and loses its
 * locks with the process. */
inline step()
{
	if
	:: kills < KILLS ->
		kills++;
		goto killed
	:: skip
	fi
}

/* This lane is written by its owner alone. */
#define ALONE(me, lane) \
	((holds[0] != lane + 1 || me == 0) && \
	 (holds[1] != lane + 1 || me == 1) && \
	 (holds[2] != lane + 1 || me == 2) && \
	 (PROCESSES < 4 || holds[PROCESSES - 1] != lane + 1 || \
	  me == PROCESSES - 1))

#ifdef NO_LEASE_CHECK
#define DEAD(o) 1
#else
#define DEAD(o) (lease[SLOT_OF(o)] == NOBODY)
#endif
#ifdef STORE_NOT_CAS
#define SWAPS(lane, from) 1
#else
#define SWAPS(lane, from) (owner[lane] == from)
#endif

/* take_from_dead() and set_free(): ours first, then mended, then free. */
inline free_lane_of(judged)
{
	atomic {
		taken = 0;
		if
		:: SWAPS(lane, judged) ->
			owner[lane] = mine;
			taken = 1
		:: else
		fi
	}
	if
	:: taken ->
		step();
		atomic {
			holds[me] = lane + 1;
			assert(ALONE(me, lane))
		}
		step();
#ifdef ZERO_ON_ADOPTION
		cell[lane] = 0;
#endif
		atomic {
			holds[me] = 0;
			owner[lane] = NONE
		}
	:: else
	fi
}

/* lane.c: smx__lane_sweep_slot() */
inline sweep_own_slot()
{
	lane = 0;
	do
	:: lane < LANES ->
		judged = owner[lane];
		step();
		if
		:: judged != NONE && SLOT_OF(judged) == slot ->
			free_lane_of(judged)
		:: else
		fi;
		lane++
	:: else -> break
	od
}

/* lane.c: sweep() */
inline sweep_dead()
{
	lane = 0;
	do
	:: lane < LANES ->
		judged = owner[lane];
		step();
		if
		:: judged != NONE && SLOT_OF(judged) != slot &&
		    DEAD(judged) ->
			step();
			free_lane_of(judged)
		:: else
		fi;
		lane++
	:: else -> break
	od
}

/* lane.c: take_free() */
inline take_free()
{
	lane = 0;
	taken = 0;
	do
	:: lane < LANES && !taken ->
#ifdef CAS_RELAXED
		/* the load of the cell, satisfied before the swap */
		early = cell[lane];
#endif
		atomic {
			if
			:: owner[lane] == NONE ->
				owner[lane] = mine;
				taken = 1;
				holds[me] = lane + 1;
				assert(ALONE(me, lane))
			:: else -> lane++
			fi
		}
	:: else -> break
	od
}

/* smx_inc(): load, add, store; the store may wait. */
inline update()
{
#ifdef CAS_RELAXED
	seen = early;
#else
	seen = cell[lane];
#endif
	step();
	atomic {
		waiting = seen + 1;
		added++
	}
	if
	:: cell[lane] = waiting; waiting = 0
	:: skip
	fi
}

inline give_back()
{
#ifdef FREE_RELAXED
	atomic {
		holds[me] = 0;
		owner[lane] = NONE
	}
	if
	:: waiting -> cell[lane] = waiting; waiting = 0
	:: else
	fi
#else
	/* release: what waits is seen first */
	if
	:: waiting -> cell[lane] = waiting; waiting = 0
	:: else
	fi;
	step();
	atomic {
		holds[me] = 0;
		owner[lane] = NONE
	}
#endif
}

proctype process(byte me)
{
	byte slot = NOBODY, mine, lane, judged, seen, waiting, early, claimed;
	bool taken;

	/* slot.c: smx__slot_take(), under the registration lock */
	atomic {
		registration == NOBODY && started == me ->
			registration = me;
			started++
	}
	step();
	atomic {
		if
		:: lease[0] == NOBODY -> slot = 0
		:: lease[0] != NOBODY && lease[1] == NOBODY -> slot = 1
		:: else -> goto over /* joins the crowd: no lane */
		fi;
		lease[slot] = me
	}
	step();
#ifdef GENERATION_STAYS
	generation[slot] = generation[slot] | 1;
#else
	generation[slot] = (generation[slot] + 1) | 1;
#endif
	mine = OWNER(slot, generation[slot]);
	step();
#ifndef SWEEP_LATE
	sweep_own_slot();
#endif
	generation[slot] = generation[slot] + 1;
	mine = OWNER(slot, generation[slot]);
	step();
	registration = NOBODY;
	step();
	take_free();
	if
	:: taken
	:: else ->
		sweep_dead();
		take_free()
	fi;
	if
	:: !taken -> goto over /* the overflow lane */
	:: else
	fi;
#ifdef SWEEP_LATE
	claimed = lane;
	sweep_own_slot();
	lane = claimed;
#endif
	step();
	update();
	step();
	give_back();
killed:
over:
	atomic {
		/* the kernel: stores are seen, then locks are dropped */
		if
		:: waiting -> cell[lane] = waiting; waiting = 0
		:: else
		fi;
		holds[me] = 0
	}
	atomic {
		if
		:: slot != NOBODY -> lease[slot] = NOBODY
		:: else
		fi;
		if
		:: registration == me -> registration = NOBODY
		:: else
		fi
	}
}
