import { readFileSync, writeFileSync } from 'node:fs';

/** A command of a page and what the page says it prints. */
export interface DocExample {
  readonly line: string;
  readonly output: string;
}

/** The examples of a command in a page: a block `sh` followed by a block without a language. */
export function docExamples(page: string, command: string): readonly DocExample[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/```sh\nagent-stack-k8s (.*)\n```\n\n```\n([\s\S]*?)```/g);
  return [...blocks].flatMap(([, line = '', output = '']) =>
    line.startsWith(`${command} `) ? [{ line: line.slice(command.length + 1), output }] : [],
  );
}

/** Writes into a page what an example prints now. */
export function updateDocExample(page: string, { line, output }: DocExample, now: string): void {
  const head = `${line}\n\`\`\`\n\n\`\`\`\n`;
  const text = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    text.replace(head + output, () => head + now),
  );
}
