import { Chalk, type ChalkInstance } from 'chalk';

export interface ColorSituation {
  /** Whether the stream leads to a terminal. */
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From `--no-color`. */
  readonly noColor: boolean;
}

/** Colours for a stream: none without a terminal, with `--no-color` or with NO_COLOR; FORCE_COLOR turns them on for a pipe. */
export function paletteFor({ isTerminal, environment, noColor }: ColorSituation): ChalkInstance {
  const { NO_COLOR: refused = '', FORCE_COLOR: forced = '', TERM: term } = environment;
  if (noColor || refused !== '') return new Chalk({ level: 0 });
  const wanted = forced === '' ? isTerminal && term !== 'dumb' : forced !== '0' && forced !== 'false';
  return new Chalk({ level: wanted ? 1 : 0 });
}
