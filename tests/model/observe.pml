/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe -- begin, sum, bucket, end: a writer that observes, may be killed
 * and is followed by another; a reader that takes end first and begin last
 * (libshm/include/smx/hot.h, libshm/src/lanes.c).
 *
 * Promise  a reader that finds begin equal to end holds a sum and buckets
 *          that belong together, save for what a killed writer had added to
 *          the sum and not to a bucket; and when all is quiet, they are equal.
 *
 * Memory   as memory.h has it: stores wait and overtake, loads hurry.
 *          With TSO (x86-64) nothing overtakes; there each add is one
 *          instruction, so that a signal handler may observe between any two.
 *
 * Bucket b counts observations of VALUE(b), so the buckets tell the sum.
 */
#define BEGIN  0
#define END    1
#define SUM    2
#define BUCKET 3 /* and 4 */
#define CELLS  5

#define VALUE(b) (1 + 9 * (b))

#ifndef OBSERVATIONS
#define OBSERVATIONS 3
#endif

/* What each store and load is, and what a broken one would be. */
#if defined(RELAXED_STORES) || defined(RELAXED_SUM)
#define ORDER_SUM RELAXED
#else
#define ORDER_SUM RELEASE
#endif
#if defined(RELAXED_STORES) || defined(RELAXED_BUCKET)
#define ORDER_BUCKET RELAXED
#else
#define ORDER_BUCKET RELEASE
#endif
#if defined(RELAXED_STORES) || defined(RELAXED_END)
#define ORDER_END RELAXED
#else
#define ORDER_END RELEASE
#endif

#include "memory.h"

/* What a killed writer added to the sum and not to a bucket. */
byte ahead;
bool killed;

/* smx_observe(), one instruction that writes after the other. */
#ifdef ONE_WORD
/* odd while under way */
#define FIRST(b)  store(BEGIN, own[BEGIN] + 1, RELAXED)
#define SECOND(b) store(SUM, own[SUM] + VALUE(b), ORDER_SUM)
#define LAST(b)   store(BEGIN, own[BEGIN] + 1, ORDER_END)
#elif defined(BEGIN_LATE)
#define FIRST(b)  store(SUM, own[SUM] + VALUE(b), ORDER_SUM)
#define SECOND(b) store(BEGIN, own[BEGIN] + 1, RELAXED)
#define LAST(b)   store(END, own[END] + 1, ORDER_END)
#elif defined(NO_BEGIN)
#define FIRST(b)  skip
#define SECOND(b) store(SUM, own[SUM] + VALUE(b), ORDER_SUM)
#define LAST(b)   store(BEGIN, own[BEGIN] + 1, ORDER_END); \
		  store(END, own[END] + 1, ORDER_END)
#elif defined(END_EARLY)
#define FIRST(b)  store(BEGIN, own[BEGIN] + 1, RELAXED)
#define SECOND(b) store(END, own[END] + 1, ORDER_END)
#define LAST(b)   store(SUM, own[SUM] + VALUE(b), ORDER_SUM)
#else
#define FIRST(b)  store(BEGIN, own[BEGIN] + 1, RELAXED)
#define SECOND(b) store(SUM, own[SUM] + VALUE(b), ORDER_SUM)
#define LAST(b)   store(END, own[END] + 1, ORDER_END)
#endif
#define THIRD(b)  store(BUCKET + (b), own[BUCKET + (b)] + 1, ORDER_BUCKET)

/* A signal handler that observes, or nothing. */
#ifdef HANDLERS
#define INTERRUPT(b) \
	if \
	:: handlers < 1 -> \
		handlers++; \
		FIRST(1 - b); SECOND(1 - b); THIRD(1 - b); LAST(1 - b) \
	:: skip \
	fi
#else
#define INTERRUPT(b) skip
#endif

/* A kill: the kernel drops the lease when all its stores are seen. */
#ifdef KILLS
#define KILLED :: goto dead
#else
#define KILLED
#endif

active proctype writer()
{
	byte i, b, handlers;

	do
	:: i < OBSERVATIONS ->
		i++;
		if
		:: b = 0
		:: b = 1
		fi;
		INTERRUPT(b);
		FIRST(b);
		if
		:: skip
		KILLED
		fi;
		INTERRUPT(b);
		SECOND(b);
		if
		:: skip
#ifdef KILLS
		:: ahead = VALUE(b); goto dead
#endif
		fi;
		INTERRUPT(b);
		THIRD(b);
		if
		:: skip
		KILLED
		fi;
		INTERRUPT(b);
		LAST(b)
	:: else -> break
	od;
	goto done;
dead:
	killed = 1;
	n_waiting == 0;
	/* the next owner mends the lane, and observes once */
#ifndef NO_MEND
	store(END, own[BEGIN], RELEASE);
#endif
	FIRST(0); SECOND(0); THIRD(0); LAST(0);
done:
	n_waiting == 0;
#ifndef ONE_WORD
	assert(memory[BEGIN] == memory[END])
#endif
}

/* The order of the reader's loads, and which of them are acquires. */
#define LOADS 5
#ifdef BEGIN_FIRST
#define LOAD(i) ((i) == 0 -> BEGIN : ((i) == 4 -> END : (i) + 1))
#elif defined(ONE_WORD)
#define LOAD(i) (((i) == 0 || (i) == 4) -> BEGIN : (i) + 1)
#else
#define LOAD(i) ((i) == 0 -> END : ((i) == 4 -> BEGIN : (i) + 1))
#endif
#ifdef RELAXED_LOADS
#define ACQUIRE(i) (!LOOSE_LOAD)
#elif defined(RELAXED_LOAD_END)
#define ACQUIRE(i) ((i) != 0 || !LOOSE_LOAD)
#elif defined(RELAXED_LOAD_CELLS)
#define ACQUIRE(i) ((i) == 0 || !LOOSE_LOAD)
#else
#define ACQUIRE(i) 1
#endif

active proctype reader()
{
	byte got[LOADS]; /* in the order of the program */
	bool done[LOADS];
	byte i, k, told;
	bool may;

	do
	:: done[0] && done[1] && done[2] && done[3] && done[4] -> break
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
	told = got[2] * VALUE(0) + got[3] * VALUE(1);
	assert(got[0] != got[4]
#ifdef ONE_WORD
	    || got[0] % 2 == 1
#endif
	    || got[1] == told || (ahead > 0 && got[1] == told + ahead));
#ifndef ONE_WORD
	/* a killed observation may be in begin alone */
	assert(got[0] != got[4] || killed || got[2] + got[3] == got[0])
#endif
}
