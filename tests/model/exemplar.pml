/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exemplar -- two writers of one exemplar, one after the other by its owner
 * word, the first of which may be killed; a reader that takes seq before and
 * after the words (libshm/src/exemplar_put.c, libshm/src/exemplar_read.c).
 *
 * Promise  a reader that finds seq even, not 0, and the same before and after
 *          holds words that one writer wrote (I9).
 *
 * Memory   as memory.h has it: stores wait and overtake, loads hurry.
 */
#define SEQ   0
#define WORD  1 /* and 2 */
#define OWNER 3
#define CELLS 4

#include "memory.h"

#ifdef RELAXED_WORDS
#define ORDER_WORDS RELAXED
#else
#define ORDER_WORDS RELEASE
#endif
#ifdef RELAXED_EVEN
#define ORDER_EVEN RELAXED
#else
#define ORDER_EVEN RELEASE
#endif

#define FREE 0
bool dead;

/* lock(): compare-and-swap, from nobody or from a dead owner. */
#ifdef NO_LOCK
#define LOCKED(me) 1
#else
#define LOCKED(me) \
	(memory[OWNER] == FREE || (dead && n_waiting == 0))
#endif

inline lock(me)
{
	atomic {
		LOCKED(me) ->
			memory[OWNER] = me;
			own[SEQ] = memory[SEQ]
	}
}

#ifdef KILLS
#define MAY_DIE \
	if \
	:: me == 1 -> goto killed \
	:: skip \
	fi
#else
#define MAY_DIE skip
#endif

proctype writer(byte me)
{
	byte seq;

	lock(me);
	seq = (own[SEQ] + 1) | 1;
	MAY_DIE;
#ifdef ODD_LATE
	store(WORD, me, ORDER_WORDS);
	store(SEQ, seq, RELAXED);
#else
	store(SEQ, seq, RELAXED);
	MAY_DIE;
	store(WORD, me, ORDER_WORDS);
#endif
	MAY_DIE;
	store(WORD + 1, me, ORDER_WORDS);
	MAY_DIE;
	store(SEQ, seq + 1, ORDER_EVEN);
	MAY_DIE;
	store(OWNER, FREE, RELEASE);
	goto over;
killed:
	/* the kernel drops its lease when all its stores are seen */
	n_waiting == 0;
	dead = 1;
over:
	skip
}

#define LOADS 4
#define LOAD(i) ((i) == 3 -> SEQ : (i))
#ifdef RELAXED_LOADS
#define ACQUIRE(i) 0
#elif defined(RELAXED_LOAD_SEQ)
#define ACQUIRE(i) ((i) != 0)
#elif defined(RELAXED_LOAD_WORDS)
#define ACQUIRE(i) ((i) == 0)
#else
#define ACQUIRE(i) 1
#endif

proctype reader()
{
	byte got[LOADS];
	bool done[LOADS];
	byte i, k;
	bool may;

	do
	:: done[0] && done[1] && done[2] && done[3] -> break
	:: else ->
		atomic {
			i = 0;
			do
			:: i < LOADS - 1 -> i++
			:: break
			od;
			may = !done[i];
			k = 0;
			do
			:: k < i ->
				may = may && (done[k] ||
				    (!ACQUIRE(k) && LOAD(k) != LOAD(i)));
				k++
			:: else -> break
			od;
			if
			:: may ->
				got[i] = memory[LOAD(i)];
				done[i] = 1
			:: else -> skip
			fi;
			i = 0;
			k = 0;
			may = 0
		}
	od;
#ifdef ONE_LOOK
	got[3] = got[0];
#endif
	assert(got[0] == 0 || got[0] % 2 == 1 || got[0] != got[3] ||
	    got[1] == got[2])
}

init {
	atomic {
		run writer(1);
		run writer(2);
		run reader()
	}
}
