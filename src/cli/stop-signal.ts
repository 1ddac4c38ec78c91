/**
 * A signal that aborts when the process is asked to end (SIGTERM, SIGINT). The first request is for a clean stop; a
 * second one ends the process at once, as is the system's default.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const names = ['SIGTERM', 'SIGINT'] as const;
  const stop = (name: NodeJS.Signals): void => {
    for (const each of names) process.off(each, stop);
    controller.abort(new Error(`stopped by ${name}`));
  };
  for (const name of names) process.on(name, stop);
  return controller.signal;
}
