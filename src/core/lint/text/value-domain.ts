import { interpolate } from '../../pipeline/interpolate.js';
import { PLACEHOLDER } from '../model/placeholder.js';
import { uploadErrors, type UploadPart, type UploadText, type UploadVariable } from './upload-text.js';

/** A piece of a text that is known only later. */
export interface Hole {
  /** As written: `${TAG:-latest}`, `{{matrix.os}}`. */
  readonly source: string;
  /** What fills it when its variable is not set; undefined = the upload fails then, or a matrix fills it. */
  readonly whenUnset: string | undefined;
  /** Values the text itself suggests, e.g. its default. */
  readonly suggestions: readonly string[];
}

export type Piece = string | Hole;

/** What a text can be after the upload's interpolation and before the matrix is expanded. */
export type Domain =
  | { readonly kind: 'literal'; readonly value: string }
  /** At least one hole and some literal text. */
  | { readonly kind: 'partly-known'; readonly pieces: readonly Piece[] }
  /** Holes only, or a text the agent refuses. */
  | { readonly kind: 'unknown'; readonly pieces: readonly Hole[] };

/** The values a text can take; the holes are its unknown variables and its matrix tokens. */
export function domainOf(text: UploadText, known: ReadonlyMap<string, string>): Domain {
  const pieces = withMatrixTokens(joined(text.flatMap((part) => piecesOf(part, known))));
  const holes = pieces.filter((piece) => typeof piece !== 'string');
  const errors = uploadErrors(text);
  if (errors.length > 0) return { kind: 'unknown', pieces: errors.map((error) => laterHole(error.source)) };
  if (holes.length === 0)
    return { kind: 'literal', value: pieces.filter((piece) => typeof piece === 'string').join('') };
  return holes.length === pieces.length ? { kind: 'unknown', pieces: holes } : { kind: 'partly-known', pieces };
}

/** A few texts the domain can plausibly become; exactly its value when that is known. */
export function completions(domain: Domain): readonly string[] {
  if (domain.kind === 'literal') return [domain.value];
  if (tooManyHoles(domain)) return FILLERS.map((filler) => fill(domain, () => filler));
  return domain.pieces.reduce<readonly string[]>(
    (texts, piece) => texts.flatMap((text) => fillersOf(piece).map((filler) => text + filler)),
    [''],
  );
}

/**
 * Whether the text is wrong whatever its unknown parts become. Says no when too much is unknown.
 * Only for rules about form (names, images, quantities); for a list of allowed words ask `couldEqual` of each.
 */
export function neverValid(domain: Domain, isValid: (text: string) => boolean): boolean {
  if (domain.kind === 'unknown' || tooManyHoles(domain)) return false;
  return !completions(domain).some(isValid);
}

/** Whether the domain can become exactly this text. */
export function couldEqual(domain: Domain, text: string): boolean {
  if (domain.kind === 'literal') return domain.value === text;
  if (domain.kind === 'unknown') return true;
  const first = domain.pieces.at(0);
  const last = domain.pieces.at(-1);
  const prefix = typeof first === 'string' ? first : '';
  const suffix = typeof last === 'string' ? last : '';
  if (text.length < prefix.length + suffix.length || !text.startsWith(prefix) || !text.endsWith(suffix)) return false;
  const inner = text.slice(prefix.length, text.length - suffix.length);
  const middle = domain.pieces.slice(prefix === '' ? 0 : 1, suffix === '' ? undefined : -1);
  return containsInOrder(
    inner,
    middle.filter((piece) => typeof piece === 'string'),
  );
}

/** What becomes of the text when no unknown variable is set; undefined when the upload fails then, or a matrix fills it. */
export function whenUnset(domain: Domain): string | undefined {
  if (domain.kind === 'literal') return domain.value;
  if (domain.pieces.some((piece) => typeof piece !== 'string' && piece.whenUnset === undefined)) return undefined;
  return domain.pieces.length === 0 ? undefined : fill(domain, (hole) => hole.whenUnset ?? '');
}

/** The text with each unknown part replaced by `PLACEHOLDER`, for readers that need some text. */
export function placeholderText(domain: Domain): string {
  return domain.kind === 'literal' ? domain.value : fill(domain, () => PLACEHOLDER);
}

/** What authors put into names, tags, versions, paths, images, quantities and digests. */
const FILLERS: readonly string[] = [
  '',
  '1',
  'a',
  'a-b',
  '1.0',
  '/a',
  'example.com/a',
  '0'.repeat(64),
  `sha256:${'0'.repeat(64)}`,
];

/** Beyond this the combinations no longer stand for what is possible. */
const MAX_HOLES = 4;

/** What stands for an element of a matrix. */
export const MATRIX_TOKEN = /\{\{\s*matrix(?:\.[\w.-]+)?\s*\}\}/g;

function tooManyHoles(domain: Domain): boolean {
  return domain.kind !== 'literal' && domain.pieces.filter((piece) => typeof piece !== 'string').length > MAX_HOLES;
}

function fill(domain: Exclude<Domain, { kind: 'literal' }>, filler: (hole: Hole) => string): string {
  return domain.pieces.map((piece) => (typeof piece === 'string' ? piece : filler(piece))).join('');
}

function fillersOf(piece: Piece): readonly string[] {
  return typeof piece === 'string' ? [piece] : [...new Set([...piece.suggestions, ...FILLERS])];
}

function piecesOf(part: UploadPart, known: ReadonlyMap<string, string>): readonly Piece[] {
  if (part.kind === 'variable') return piecesOfVariable(part, known);
  return part.kind === 'error' ? [laterHole(part.source)] : [part.text];
}

function piecesOfVariable(part: UploadVariable, known: ReadonlyMap<string, string>): readonly Piece[] {
  const value = known.get(part.name);
  const optional = part.operator === ':-' || part.operator === '-' ? domainOf(part.fallback ?? [], known) : undefined;
  if (value === undefined) return [holeOf(part, optional)];
  if (optional === undefined) return [expand(part, value) ?? laterHole(part.source)];
  const usesFallback = part.operator === ':-' && value === '';
  return usesFallback ? (part.fallback ?? []).flatMap((inner) => piecesOf(inner, known)) : [value];
}

/** The part's text for a known value; undefined when the agent refuses its operator. */
function expand(part: UploadVariable, value: string): string | undefined {
  const expanded = interpolate(part.source, { [part.name]: value });
  return expanded.ok ? expanded.value.value : undefined;
}

function holeOf(part: UploadVariable, optional: Domain | undefined): Hole {
  const { source, operator } = part;
  if (optional === undefined) return { source, whenUnset: operator === '?' ? undefined : '', suggestions: [] };
  const unset = whenUnset(optional);
  const suggestions = optional.kind === 'unknown' || tooLong(optional) ? [] : completions(optional);
  return { source, whenUnset: unset, suggestions: unset === undefined ? suggestions : [unset, ...suggestions] };
}

/** A hole about which the text says nothing. */
function laterHole(source: string): Hole {
  return { source, whenUnset: undefined, suggestions: [] };
}

function tooLong(domain: Domain): boolean {
  return domain.kind !== 'literal' && domain.pieces.length > 2;
}

function joined(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.reduce<Piece[]>((out, piece) => {
    const last = out.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') out[out.length - 1] = last + piece;
    else if (piece !== '') out.push(piece);
    return out;
  }, []);
}

function withMatrixTokens(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.flatMap((piece) => (typeof piece === 'string' ? splitMatrixTokens(piece) : [piece]));
}

function splitMatrixTokens(text: string): readonly Piece[] {
  const out: Piece[] = [];
  let position = 0;
  for (const token of text.matchAll(MATRIX_TOKEN)) {
    out.push(text.slice(position, token.index), laterHole(token[0]));
    position = token.index + token[0].length;
  }
  return [...out, text.slice(position)].filter((piece) => piece !== '');
}

function containsInOrder(text: string, needles: readonly string[]): boolean {
  let position = 0;
  for (const needle of needles) {
    const found = text.indexOf(needle, position);
    if (found < 0) return false;
    position = found + needle.length;
  }
  return true;
}
