import { Command, Errors, Flags } from '@oclif/core';
import type { ChalkInstance } from 'chalk';
import { closestName } from '../core/closest-name.js';
import { ConfigError, type ConfigProblem, formatProblem } from '../core/config/config-problem.js';
import { EXIT, type ExitStatus, ToolkitError } from '../core/errors.js';
import { paletteFor } from './colors.js';

/** What every command shares: exit status, errors and warnings on standard error, colours, quiet broken pipes. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    'no-color': Flags.boolean({ description: 'Write without colours. [env: NO_COLOR]', helpGroup: 'GLOBAL' }),
  };

  /** Colours for standard output. */
  protected get palette(): ChalkInstance {
    return this.paletteOf(process.stdout);
  }

  /** Says on standard error what the user should know although the command goes on. */
  protected printWarnings(warnings: readonly ConfigProblem[]): void {
    const { yellow } = this.paletteOf(process.stderr);
    for (const warning of warnings) process.stderr.write(`${yellow('warning')}: ${formatProblem(warning)}\n`);
  }

  /** Ends the command because its configuration cannot be used: prints all problems, exit status 2. */
  protected refuseConfig(problems: readonly ConfigProblem[]): never {
    throw new ConfigError(problems);
  }

  /** Ends the command with a status once all output is written; `process.exit` would cut a pipe. */
  protected setExitStatus(status: ExitStatus): void {
    process.exitCode = status;
  }

  protected override async init(): Promise<void> {
    await super.init();
    // oclif sees to standard output, but `2>&1 | head` breaks both.
    if (!process.stderr.listeners('error').includes(ignoreBrokenPipe)) process.stderr.on('error', ignoreBrokenPipe);
  }

  protected override catch(error: Error): Promise<void> {
    if (error instanceof Errors.ExitError) throw error;
    printError(error, {
      knownFlags: Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags }),
      palette: this.paletteOf(process.stderr),
    });
    return Promise.resolve();
  }

  private paletteOf(stream: NodeJS.WriteStream): ChalkInstance {
    const noColor = this.argv.includes('--no-color');
    return paletteFor({ isTerminal: stream.isTTY, environment: process.env, noColor });
  }
}

export interface ErrorSituation {
  /** Names of the flags that exist, for a "did you mean". */
  readonly knownFlags?: readonly string[];
  /** @default no colours */
  readonly palette?: ChalkInstance;
}

/** Prints an error on standard error, as its kind deserves, and sets the exit status that belongs to it. */
export function printError(error: unknown, { knownFlags = [], palette }: ErrorSituation = {}): void {
  const { status, text } = explain(error, knownFlags);
  process.stderr.write(`${palette?.red('error') ?? 'error'}: ${text}\n`);
  process.exitCode = status;
}

/** `… | head` closes the pipe when it has enough: no reason to complain. Everything else on a stream is our bug. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

interface Explanation {
  readonly status: ExitStatus;
  readonly text: string;
}

function explain(error: unknown, knownFlags: readonly string[]): Explanation {
  if (error instanceof ToolkitError) return { status: error.exit, text: error.message };
  if (error instanceof Errors.CLIError && 'flags' in error && Array.isArray(error.flags)) {
    return { status: EXIT.usage, text: unknownFlags(error.flags.map(String), knownFlags) };
  }
  // oclif's complaints about flags and arguments.
  if (error instanceof Errors.CLIError) return { status: EXIT.usage, text: firstLower(usageText(error.message)) };
  const report = 'this is a bug; please report it with the lines above';
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: EXIT.unable, text: `${stack}\n${report}` };
}

function unknownFlags(unknown: readonly string[], known: readonly string[]): string {
  const lines = unknown.map((flag) => {
    // The value is left out: it may be a secret whose flag was mistyped.
    const name = flag.replace(/=.*$/s, '');
    const closest = closestName(name.replace(/^-+/, ''), known);
    return `unknown flag "${name}"${closest === undefined ? '' : `; did you mean "--${closest}"?`}`;
  });
  return [...lines, 'see --help for all flags'].join('\n');
}

/** Without the frame that oclif puts around a single complaint. */
function usageText(message: string): string {
  return (
    message
      .replace(/^The following errors? occurred:\n\s*/, '')
      .replace(/^Parsing (--[\w-]+) \n\s*/, '$1: ')
      // A command without arguments and a word after it: oclif looks for a command of both.
      .replace(/^command (\S+?):(.*) not found$/s, 'unexpected argument "$2"; "$1" takes none')
      .replace('See more help with --help', 'see --help for all flags')
  );
}

function firstLower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
