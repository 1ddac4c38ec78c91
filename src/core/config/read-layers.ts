import { closestName } from '../closest-name.js';
import { nanosecondsToMs, parseDurationMs } from '../duration.js';
import { ok } from '../result.js';
import { decode, type DecodeIssue, formatPath, type PathSegment } from '../schema/decode.js';
import { configDefinitions } from './config-definitions.js';
import { type ConfigKey, envNames, flagNames } from './config-key.js';
import type { ConfigOrigin, ConfigProblem } from './config-problem.js';
import { type ConfigDocument, type Position, readConfigFile } from './read-config-file.js';
import { readFileValue, readText } from './read-value.js';
import { CONFIG_ENTRIES, type ConfigEntry, type ConfigProperty, RETIRED_KEYS } from './schema.js';

/** What one layer says, and what is wrong with it. */
export interface LayerReading {
  readonly values: Map<ConfigProperty, { readonly value: unknown; readonly origin: ConfigOrigin }>;
  readonly problems: ConfigProblem[];
  readonly warnings: ConfigProblem[];
}

const ENTRY_BY_KEY: ReadonlyMap<string, ConfigEntry> = new Map(CONFIG_ENTRIES.map((entry) => [entry.key.key, entry]));

function emptyReading(): LayerReading {
  return { values: new Map(), problems: [], warnings: [] };
}

/** Reads every key of the file; unknown ones are problems. */
export function readFileLayer(document: ConfigDocument): LayerReading {
  const reading = emptyReading();
  reading.warnings.push(...document.warnings);
  for (const key of Object.keys(document.value)) {
    const entry = ENTRY_BY_KEY.get(key);
    if (entry === undefined) readStranger(reading, document, key);
    else readFileKey(reading, document, entry);
  }
  return reading;
}

function readFileKey(reading: LayerReading, document: ConfigDocument, { property, key }: ConfigEntry): void {
  const value = document.value[key.key];
  const origin = fileOrigin(document, document.valuePosition([key.key]));
  if (value === null) {
    reading.warnings.push({ origin, key: key.key, message: `"${key.key}" has no value: the default stays` });
    return;
  }
  const read = key.schema === undefined ? readFileValue(key, value) : ok(readSection(reading, document, key));
  if (!read.ok) {
    const message = key.secret === true ? read.error : withTrap(read.error, document, [key.key]);
    reading.problems.push({ origin, key: key.key, message });
  } else if (read.value !== undefined) setValue(reading, { property, key }, { value: read.value, origin });
}

function setValue(
  reading: LayerReading,
  entry: Pick<ConfigEntry, 'property' | 'key'>,
  given: { value: unknown; origin: ConfigOrigin },
): void {
  const { property, key } = entry;
  reading.values.set(property, given);
  if (key.noEffect === undefined) return;
  reading.warnings.push({
    origin: given.origin,
    key: key.key,
    message: `"${key.key}" has no effect: ${key.noEffect}; delete it`,
  });
}

/** Decodes lists and nested sections; what is wrong goes into the reading, the rest is returned. */
function readSection(reading: LayerReading, document: ConfigDocument, key: ConfigKey): unknown {
  const options = { definitions: configDefinitions, patch: key.key === 'pod-spec-patch' };
  const { value, issues } = decode(document.value[key.key], key.schema ?? {}, options);
  for (const issue of issues) {
    // Go takes a key in another case for the right one, so such a file works today.
    const kind = issue.kind === 'wrong-case' ? reading.warnings : reading.problems;
    kind.push(sectionProblem(issue, document, key));
  }
  return key.key === 'agent-config' ? withMilliseconds(value) : value;
}

function sectionProblem(issue: DecodeIssue, document: ConfigDocument, key: ConfigKey): ConfigProblem {
  const path = [key.key, ...issue.path];
  const isAboutKey = issue.kind === 'unknown-field' || issue.kind === 'wrong-case';
  const position = isAboutKey ? document.keyPosition(path) : document.valuePosition(path);
  const suggests = issue.suggestion !== undefined && issue.kind !== 'wrong-case';
  const text = `"${formatPath(path)}": ${issue.message}${suggests ? `; did you mean "${issue.suggestion}"?` : ''}`;
  const message = isAboutKey ? text : withTrap(text, document, path);
  return { origin: fileOrigin(document, position), key: formatPath(path), message };
}

function withTrap(message: string, document: ConfigDocument, path: readonly PathSegment[]): string {
  const trap = document.trapAt(path);
  return trap === undefined ? message : `${message} (${trap})`;
}

/** The one duration inside a section, in the unit of `ControllerConfig`. */
function withMilliseconds(agentConfig: unknown): unknown {
  if (typeof agentConfig !== 'object' || agentConfig === null || !('container-start-timeout' in agentConfig)) {
    return agentConfig;
  }
  const { 'container-start-timeout': timeout, ...others } = agentConfig;
  const ms = typeof timeout === 'number' ? ok(nanosecondsToMs(BigInt(timeout))) : parseDurationMs(String(timeout));
  return ms.ok ? { ...others, 'container-start-timeout': ms.value } : others;
}

/** Reads the variables that are configuration; all others are somebody else's. */
export function readEnvironmentLayer(environment: Readonly<Record<string, string | undefined>>): LayerReading {
  const reading = emptyReading();
  for (const entry of CONFIG_ENTRIES) {
    const name = envNames(entry.key).find((candidate) => environment[candidate] !== undefined);
    const text = name === undefined ? undefined : environment[name];
    if (name !== undefined && text !== undefined) readVariable(reading, entry, { name, text });
  }
  return reading;
}

function readVariable(reading: LayerReading, entry: ConfigEntry, variable: { name: string; text: string }): void {
  const { name, text } = variable;
  const origin: ConfigOrigin = { layer: 'environment', name };
  const ignored = whyIgnored(entry.key, variable);
  if (ignored === undefined) readTextInto(reading, entry, { text: isNoColor(variable) ? 'true' : text, origin });
  else if (ignored !== '') reading.warnings.push({ origin, key: entry.key.key, message: ignored });
}

/** Why a variable does not count; the empty text when that need not even be said. */
function whyIgnored(key: ConfigKey, { name, text }: { name: string; text: string }): string | undefined {
  if (text === '') {
    if (canBeEmpty(key)) return undefined;
    return name === 'NO_COLOR' ? '' : `"${key.key}" cannot be empty: the empty variable is ignored; unset it`;
  }
  if (key.kind === 'integer' && /^(?:tcp|udp|sctp):\/\//.test(text)) {
    return `"${key.key}" is not set by this: it is the link to a Kubernetes Service of a like name; set enableServiceLinks: false on the pod`;
  }
  return undefined;
}

/** An empty text is a value of the key, and so clears it. */
function canBeEmpty(key: ConfigKey): boolean {
  return key.kind === 'list' || (key.kind === 'text' && readText(key, '').ok);
}

/** https://no-color.org: any text but the empty one counts, not only "true". */
function isNoColor({ name, text }: { name: string; text: string }): boolean {
  return name === 'NO_COLOR' && !/^(?:false|0|no)$/i.test(text);
}

/** Reads flags; their values are raw text, so that a bad one is reported with all others. */
export function readFlagLayer(flags: Readonly<Record<string, string | readonly string[]>>): LayerReading {
  const reading = emptyReading();
  const given = new Map(Object.entries(flags));
  for (const entry of CONFIG_ENTRIES) {
    const name = flagNames(entry.key).find((candidate) => given.has(candidate));
    if (name === undefined) continue;
    const values = [given.get(name) ?? []].flat();
    const text = entry.key.kind === 'list' ? values.join(',') : (values.at(-1) ?? '');
    given.delete(name);
    readTextInto(reading, entry, { text, origin: { layer: 'flag', name } });
  }
  for (const name of given.keys()) {
    const message = ENTRY_BY_KEY.has(name)
      ? `"${name}" can be set in the file only`
      : `unknown key "${name}"${suggestedKey(name)}`;
    reading.problems.push({ origin: { layer: 'flag', name }, key: name, message });
  }
  return reading;
}

/** Reads `key=value` settings as the command line's `--set` takes them. */
export function readSettingLayer(settings: readonly string[]): LayerReading {
  const reading = emptyReading();
  for (const setting of settings) {
    const [, name = setting, text] = /^([^=]*)=(.*)$/s.exec(setting) ?? [];
    readSetting(reading, name, text);
  }
  return reading;
}

function readSetting(reading: LayerReading, name: string, text: string | undefined): void {
  const origin: ConfigOrigin = { layer: 'flag', name: `set ${name}` };
  const entry = ENTRY_BY_KEY.get(name);
  if (text === undefined || name === '') {
    const setting = text === undefined ? name : `=${text}`;
    reading.problems.push({ origin, key: name, message: `"${setting}" is not of the form key=value` });
  } else if (entry === undefined) {
    reading.problems.push({
      origin,
      key: name,
      message: `unknown key "${name}"${insideSection(name) ?? suggestedKey(name)}`,
    });
  } else if (entry.key.kind === 'section') {
    readSectionSetting(reading, { text: `${name}: ${text}`, origin });
  } else {
    readTextInto(reading, entry, { text, origin });
  }
}

/** What to write instead of `section.key`. */
function insideSection(name: string): string | undefined {
  const [section = '', ...path] = name.split('.');
  if (path.length === 0 || ENTRY_BY_KEY.get(section)?.key.kind !== 'section') return undefined;
  const value = path.reduceRight((inner, key) => `{${key}: ${inner}}`, '…');
  return `; a section is set as a whole: ${section}='${value}'`;
}

/** Reads the setting as a file of one line, whose places then mean the setting. */
function readSectionSetting(reading: LayerReading, setting: { text: string; origin: ConfigOrigin }): void {
  const { text, origin } = setting;
  const document = readConfigFile(text, '');
  if (!document.ok) {
    reading.problems.push(...document.error.map((problem) => ({ ...problem, origin })));
    return;
  }
  const file = readFileLayer(document.value);
  for (const [property, { value }] of file.values) reading.values.set(property, { value, origin });
  reading.problems.push(...file.problems.map((problem) => ({ ...problem, origin })));
  reading.warnings.push(...file.warnings.map((problem) => ({ ...problem, origin })));
}

function readTextInto(reading: LayerReading, entry: ConfigEntry, given: { text: string; origin: ConfigOrigin }): void {
  const read = readText(entry.key, given.text);
  if (read.ok) setValue(reading, entry, { value: read.value, origin: given.origin });
  else reading.problems.push({ origin: given.origin, key: entry.key.key, message: read.error });
}

function fileOrigin(document: ConfigDocument, position: Position): ConfigOrigin {
  return { layer: 'file', file: document.file, ...position };
}

function readStranger(reading: LayerReading, document: ConfigDocument, key: string): void {
  const origin = fileOrigin(document, document.keyPosition([key]));
  const retired = RETIRED_KEYS[key];
  if (retired !== undefined) {
    const kind = retired.accepted ? reading.warnings : reading.problems;
    kind.push({
      origin,
      key,
      message: `"${key}" ${retired.accepted ? 'has no effect' : 'is no key'}: ${retired.reason}`,
    });
    return;
  }
  reading.problems.push({ origin, key, message: `unknown key "${key}"${suggestedKey(key)}` });
}

function suggestedKey(written: string): string {
  const known = [...ENTRY_BY_KEY.keys()];
  const bare = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');
  const spelled = known.find((key) => bare(key) === bare(written));
  if (spelled !== undefined) return `: write it "${spelled}"`;
  const closest = closestName(written, known);
  return closest === undefined ? '; see docs/configuration.md for all keys' : `; did you mean "${closest}"?`;
}
