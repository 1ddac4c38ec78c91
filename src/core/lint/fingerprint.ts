import type { Finding } from './finding.js';
import { TextLines } from './text-lines.js';

/** A finding with the names that outlive its line number. */
export interface Fingerprinted {
  readonly finding: Finding;
  /** Of rule and text of the line, spaces aside: the same when the line moves. Equal lines share it. */
  readonly fingerprint: string;
  /** The how manieth of its file with this fingerprint, from 1. */
  readonly occurrence: number;
}

/** Names every finding of some files; `sources` is the text by file. */
export function fingerprintAll(
  findings: readonly Finding[],
  sources: ReadonlyMap<string, string>,
): readonly Fingerprinted[] {
  const indexes = new Map<string, TextLines>();
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const index = indexes.get(finding.file) ?? new TextLines(sources.get(finding.file) ?? '');
    indexes.set(finding.file, index);
    const line = index.lineAt(finding.line).trim().replaceAll(/\s+/g, ' ');
    const fingerprint = stableHash(`${finding.rule}\n${line}`);
    const key = `${finding.file}\n${fingerprint}`;
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    return { finding, fingerprint, occurrence };
  });
}

/** 64 bits in 16 hexadecimal digits (two 32-bit FNV-1a with different starts); tells texts apart, keeps no secrets. */
function stableHash(text: string): string {
  return [0x811c9dc5, 0x9747b28c].map((seed) => hash32(text, seed).toString(16).padStart(8, '0')).join('');
}

function hash32(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  // Spreads the last characters over all bits, which FNV leaves near their own.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
