import { isLabelValue, isQualifiedName } from '../../job/identity.js';

/** A kind of text Kubernetes checks. */
export interface TextFormat {
  /** What is allowed, as the end of "… must be". */
  readonly rule: string;
  readonly test: (text: string) => boolean;
  /** Upper bound of the length; not judged while a part of the text is unknown. */
  readonly max?: number;
  /** Such a text cannot be judged at all while a part of it is unknown. */
  readonly whole?: true;
  /** Says so in the nearest allowed text. */
  readonly mend?: (text: string) => string;
}

const LABEL = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const DNS_LABEL = new RegExp(`^${LABEL}$`);
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const RELAXED_LABEL = '_?[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?';
const RELAXED_SUBDOMAIN = new RegExp(`^${RELAXED_LABEL}(?:\\.${RELAXED_LABEL})*$`);
const SYSCTL_PART = '[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?';
const SYSCTL = new RegExp(`^(?:${SYSCTL_PART}[./])*${SYSCTL_PART}$`);

const ISCSI_NAME = /^(?:iqn\.\d{4}-\d{2}\.[a-zA-Z0-9.-]+:[^,;*&$|\s]+|eui.[a-zA-Z0-9]{16}|naa.[a-zA-Z0-9]{32})$/;

const WINDOWS_USER = /^(?:[^"/\\:;|=,+*?<>@[\]]{1,255}\\)?[^"/\\:;|=,+*?<>@[\]\p{Cc}]{1,20}$/u;

const isSubdomain = (text: string): boolean => DNS_SUBDOMAIN.test(text);
const isRelative = (path: string): boolean => !path.startsWith('/');
const staysBelow = (path: string): boolean => !path.split('/').includes('..');
const isKey = (text: string): boolean => /^[-._a-zA-Z0-9]+$/.test(text) && text !== '.' && !text.startsWith('..');

/** The formats, by the word the tables use for them. */
export const FORMATS = {
  dnsLabel: {
    rule: 'lower-case letters, digits and "-", at both ends a letter or digit, at most 63 characters',
    test: (text) => DNS_LABEL.test(text),
    max: 63,
    mend: slug,
  },
  dnsSubdomain: {
    rule: 'lower-case letters, digits, "-" and ".", at both ends a letter or digit, at most 253 characters',
    test: isSubdomain,
    max: 253,
  },
  searchDomain: {
    rule: 'a domain of lower-case letters, digits, "-", "_" and ".", at most 253 characters',
    test: (text) => text === '.' || RELAXED_SUBDOMAIN.test(text.replace(/\.$/, '')),
    max: 254,
  },
  driverName: {
    rule: 'letters, digits, "-" and ".", at both ends a letter or digit, at most 63 characters',
    test: (text) => isSubdomain(text.toLowerCase()),
    max: 63,
  },
  labelKey: {
    rule: 'letters, digits, "-", "_" and ".", at most 63 characters, after a domain and "/" if any',
    test: isQualifiedName,
    whole: true,
  },
  labelValue: {
    rule: 'letters, digits, "-", "_" and ".", at both ends a letter or digit, at most 63 characters, or empty',
    test: isLabelValue,
    whole: true,
  },
  configKey: { rule: 'letters, digits, "-", "_" and ".", at most 253 characters', test: isKey, max: 253 },
  portName: {
    rule: 'lower-case letters, digits and single "-" between them, one letter at least, at most 15 characters',
    test: (text) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text) && /[a-z]/.test(text),
    max: 15,
    whole: true,
  },
  headerName: { rule: 'letters, digits and "-"', test: (text) => /^[-A-Za-z0-9]+$/.test(text) },
  sysctl: {
    rule: 'lower-case letters, digits, "-", "_", "." and "/", at most 253 characters',
    test: (text) => SYSCTL.test(text),
    max: 253,
  },
  iscsiName: {
    rule: 'such as "iqn.2001-04.com.example:storage", "eui." and 16 or "naa." and 32 digits',
    test: (text) => ISCSI_NAME.test(text),
    whole: true,
  },
  windowsUser: {
    rule: 'a user of at most 20 characters after a domain and "\\" if any, without any of "/:;|=,+*?<>@[]',
    test: (text) => WINDOWS_USER.test(text) && !/(?:^|\\)[. ]+$/.test(text),
    whole: true,
  },
  ip: { rule: 'an IP address', test: isIpAddress, whole: true },
  noBackstep: { rule: 'a path without ".."', test: staysBelow },
  descending: { rule: 'a relative path without ".."', test: (path) => isRelative(path) && staysBelow(path) },
  fileInVolume: {
    rule: 'a relative path without ".."',
    test: (path) => isRelative(path) && !path.startsWith('..') && staysBelow(path),
  },
  absolute: { rule: 'an absolute path', test: (path) => !isRelative(path), whole: true },
} satisfies Record<string, TextFormat>;

/** What must hold for environment variable names: since 1.32 nearly everything, before it what most programs take. */
export function environmentNameFormat(minor: number): TextFormat {
  if (minor >= 32) return { rule: 'printable ASCII characters without "="', test: (text) => /^[ -<>-~]+$/.test(text) };
  return {
    rule: 'letters, digits, "-", "_" and ".", not a digit at the start (before Kubernetes 1.32)',
    test: (text) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(text) && text !== '.' && !text.startsWith('..'),
    whole: true,
  };
}

/** Whether the text has the format, as far as it is known. */
export function matches(format: TextFormat, text: string, isUnknown: boolean): boolean {
  if (isUnknown && format.whole === true) return true;
  return format.test(text) && (isUnknown || text.length <= (format.max ?? Number.POSITIVE_INFINITY));
}

/** The DNS label next to a text: `My_Build` is `my-build`; empty when nothing is left. */
function slug(text: string): string {
  const letters = text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return letters.slice(0, 64).replace(/^-+/, '').slice(0, 63).replace(/-+$/, '');
}

function isIpAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** Kubernetes still takes leading zeros here. */
function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (tail.includes('.') && !isIpv4(tail)) return false;
  const groups = tail.includes('.') ? `${text.slice(0, -tail.length)}0:0` : text;
  const halves = groups.split('::');
  if (halves.length > 2 || !groups.includes(':')) return false;
  const words = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const fits = halves.length === 2 ? words.length < 8 : words.length === 8;
  return fits && words.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word));
}
