import { captureOutput } from '@oclif/test';
import type { Command } from '@oclif/core';

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Runs a command class in this process and gives what it printed and the exit status it set. */
export async function runCommand(
  command: { run: (argv: string[], options: { root: string }) => Promise<unknown> } & typeof Command,
  argv: readonly string[],
): Promise<Outcome> {
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    const { stdout, stderr, error } = await captureOutput(() => command.run([...argv], { root: process.cwd() }));
    if (error !== undefined) throw error;
    return { stdout, stderr, status: process.exitCode };
  } finally {
    process.exitCode = before;
  }
}
