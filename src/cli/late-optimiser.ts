import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs before V8 thinks of optimising it. Node 20 comes with 67,584. */
const BUDGET = 1_000_000;

/** The V8 of Node 20. Flags come and go with its versions, and it complains on standard error about one that it does not know. */
const KNOWN_V8 = '11.3.';

/**
 * Lets V8 optimise only what stays hot. A daemon that sleeps between bursts, each of them over within seconds, seldom gets back
 * what optimising costs: otherwise it is a quarter of the processor time of a first burst of 1,000 jobs, on cores
 * that others may need. Holds for the whole process. Call it when the program is loaded: V8 refuses a code cache made with other flags.
 * @param v8 on any other version than the one it was measured on, nothing changes.
 */
export function optimiseLate(v8 = process.versions.v8): void {
  if (!v8.startsWith(KNOWN_V8)) return;
  setFlagsFromString(`--interrupt-budget=${BUDGET}`);
}
