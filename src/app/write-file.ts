import { realpathSync, statSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, ToolkitError } from '../core/errors.js';

/** Writes a file as a whole or not at all: readers see the old or the new text. Keeps the mode of a file and follows a link to it. */
export async function writeFileWhole(path: string, text: string): Promise<void> {
  const status = statSync(path, { throwIfNoEntry: false });
  const target = status === undefined ? path : realpathSync(path);
  // A device or a pipe, such as /dev/stderr, cannot be replaced.
  if (status !== undefined && !status.isFile()) return write(target, text);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, text, status === undefined ? {} : { mode: status.mode });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cannotWrite(path, error);
  }
}

/** Adds to the end of a file, which need not exist. */
export async function appendToFile(path: string, text: string): Promise<void> {
  try {
    await appendFile(path, text);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function cannotWrite(path: string, error: unknown): ToolkitError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ToolkitError(`cannot write "${path}": ${reason}`, EXIT.unable, { cause: error });
}
