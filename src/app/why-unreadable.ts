/** Why the operating system did not give a file, with the remedy: the end of a message that names the file. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file; check the path';
    case 'EACCES':
      return 'permission denied; make it readable for this user';
    case 'EISDIR':
      return 'it is a folder; name a file in it';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
