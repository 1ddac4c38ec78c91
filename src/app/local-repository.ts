import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A git work tree on this machine that jobs can be checked out from. */
export interface LocalRepository {
  readonly path: string;
  readonly commit: string;
  readonly branch: string;
  /** Whether files differ from the commit; jobs do not see those changes. */
  readonly dirty: boolean;
}

const run = promisify(execFile);

/** The git repository that a folder belongs to; undefined when there is none, or no git. */
export async function localRepository(folder: string): Promise<LocalRepository | undefined> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('git', ['-C', folder, ...args]);
    return stdout.trim();
  };
  try {
    const [path, commit, branch, changes] = await Promise.all([
      git('rev-parse', '--show-toplevel'),
      git('rev-parse', 'HEAD'),
      git('rev-parse', '--abbrev-ref', 'HEAD'),
      git('status', '--porcelain'),
    ]);
    return { path, commit, branch, dirty: changes !== '' };
  } catch {
    return undefined;
  }
}
