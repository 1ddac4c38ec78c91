import { formatPath, type PathSegment } from '../../core/schema/path.js';

interface Frame {
  /** Keys seen so far; undefined for a list. */
  readonly keys: Set<string> | undefined;
  /** Where in this object or list we are. */
  at: PathSegment;
  /** The next text is a key. */
  expectsKey: boolean;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** Paths of keys that well-formed JSON text gives more than once; `JSON.parse` keeps the last and says nothing. */
export function duplicateFields(json: string): readonly string[] {
  const found = new Set<string>();
  const frames: Frame[] = [];
  for (const [token] of json.matchAll(TOKEN)) {
    if (token.startsWith('"')) {
      const frame = frames.at(-1);
      if (frame?.expectsKey === true && noteKey(frame, token)) found.add(formatPath(frames.map(({ at }) => at)));
    } else step(frames, token);
  }
  return [...found];
}

function step(frames: Frame[], token: string): void {
  const frame = frames.at(-1);
  if (token === '{') frames.push({ keys: new Set(), at: '', expectsKey: true });
  else if (token === '[') frames.push({ keys: undefined, at: 0, expectsKey: false });
  else if (token !== ',') frames.pop();
  else if (typeof frame?.at === 'number') frame.at += 1;
  else if (frame !== undefined) frame.expectsKey = true;
}

/** Moves to a key; true when it was there before. */
function noteKey(frame: Frame, token: string): boolean {
  const key = String(JSON.parse(token));
  const repeated = frame.keys?.has(key) ?? false;
  frame.keys?.add(key);
  frame.at = key;
  frame.expectsKey = false;
  return repeated;
}
