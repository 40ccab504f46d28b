/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory -- of aarch64, for the models.  Stores wait in a buffer and reach
 * memory one by one, seen by all at once from then on.  A store overtakes
 * those before it, unless it is to the same cell or a release.  A load
 * overtakes those before it, unless they are acquires; that is the reader's
 * part, with LOOSE_LOAD.  With TSO (x86-64) nothing overtakes.
 *
 * The model says how many CELLS there are.  One thread stores at a time.
 */
#ifdef TSO
#define RELAXED 1
#define LOOSE_LOAD 0
#else
#define RELAXED 0
#define LOOSE_LOAD 1
#endif
#define RELEASE 1

#define DEPTH 5 /* of the buffer */

byte memory[CELLS];

/* The store buffer: entry 0 is the oldest. */
byte n_waiting;
byte cell_of[DEPTH], value_of[DEPTH], order_of[DEPTH];

/* What the writing thread itself would load: its last store. */
byte own[CELLS];

inline store(c, v, order)
{
	atomic {
		n_waiting < DEPTH;
		cell_of[n_waiting] = c;
		value_of[n_waiting] = v;
		order_of[n_waiting] = order;
		n_waiting++;
		own[c] = v;
	}
}

/* One store that may reaches memory. */
active proctype buffer()
{
	byte i, k;
	bool may;

end:	do
	:: atomic {
		n_waiting > 0;
		i = 0;
		do
		:: i < n_waiting - 1 -> i++
		:: break
		od;
		may = !(order_of[i] == RELEASE && i > 0);
		k = 0;
		do
		:: k < i ->
			may = may && cell_of[k] != cell_of[i];
			k++
		:: else -> break
		od;
		if
		:: !may -> skip
		:: else ->
			memory[cell_of[i]] = value_of[i];
			do
			:: i + 1 < n_waiting ->
				cell_of[i] = cell_of[i + 1];
				value_of[i] = value_of[i + 1];
				order_of[i] = order_of[i + 1];
				i++
			:: else -> break
			od;
			n_waiting--;
			cell_of[n_waiting] = 0;
			value_of[n_waiting] = 0;
			order_of[n_waiting] = 0
		fi;
		i = 0;
		k = 0;
		may = 0
	}
	od
}
