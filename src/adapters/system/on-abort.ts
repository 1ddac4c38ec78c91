interface Waiting {
  readonly listener: () => void;
}

interface Audience {
  readonly waiting: Set<Waiting>;
  readonly tell: () => void;
}

/** One signal serves everything in the process, and an event listener for each call would cost as much as the call. */
const audiences = new WeakMap<AbortSignal, Audience>();

/**
 * Calls `listener` once when the signal aborts, at once when it already has.
 * @returns a function that takes the listener away again; with the last one nothing stays at the signal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  const { waiting, tell } = audienceOf(signal);
  const entry = { listener };
  waiting.add(entry);
  return () => {
    if (!waiting.delete(entry) || waiting.size > 0) return;
    audiences.delete(signal);
    signal.removeEventListener('abort', tell);
  };
}

function audienceOf(signal: AbortSignal): Audience {
  const known = audiences.get(signal);
  if (known !== undefined) return known;
  const waiting = new Set<Waiting>();
  const tell = (): void => {
    for (const { listener } of waiting) listener();
  };
  audiences.set(signal, { waiting, tell });
  signal.addEventListener('abort', tell, { once: true });
  return { waiting, tell };
}
