/** A closed terminal asks, too: what was started must not outlive it. */
const REQUESTS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * A signal that aborts when the process is asked to end (SIGTERM, SIGINT, SIGHUP). The first request is for a clean stop; a
 * second one ends the process at once, as is the system's default.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) return controller.abort(new Error(`stopped by ${name}`));
    // Not before the second: libraries that restore the terminal end a process on which nobody listens any more.
    for (const each of REQUESTS) process.off(each, stop);
    process.kill(process.pid, name);
  };
  for (const name of REQUESTS) process.on(name, stop);
  return controller.signal;
}

/** Aborts when the reader of standard output is gone, as `head` is when it has enough, or a closed terminal. */
export function outputLostSignal(): AbortSignal {
  const controller = new AbortController();
  process.stdout.on('error', () => controller.abort(new Error('nobody reads the output any more')));
  return controller.signal;
}
