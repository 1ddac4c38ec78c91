import { at, isRecord, numberAt, recordAt, type JsonRecord } from '../objects.js';
import { invalidValue, type FieldError } from './field-errors.js';
import { inclusiveRange } from './names.js';

const MAX_ID = 2_147_483_647;

function idProblems(context: JsonRecord, keys: readonly string[], field: string): readonly FieldError[] {
  return keys.flatMap((key) => {
    const id = numberAt(context, key);
    const valid = id === undefined || (id >= 0 && id <= MAX_ID);
    return valid ? [] : [invalidValue(`${field}.${key}`, id, inclusiveRange(0, MAX_ID))];
  });
}

/** Rules for the security context of a container. */
export function validateContainerSecurity(container: JsonRecord, field: string): readonly FieldError[] {
  const context = recordAt(container, 'securityContext');
  const contradicts = context.allowPrivilegeEscalation === false && context.privileged === true;
  const rule = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
  return [
    ...idProblems(context, ['runAsUser', 'runAsGroup'], `${field}.securityContext`),
    ...seccompProblems(context, `${field}.securityContext.seccompProfile`),
    ...(contradicts ? [invalidValue(`${field}.securityContext`, context, rule)] : []),
  ];
}

/** Rules for the security context of a pod. */
export function validatePodSecurity(spec: JsonRecord, field: string): readonly FieldError[] {
  const context = recordAt(spec, 'securityContext');
  const groups: unknown = at(context, 'supplementalGroups');
  const listed = Array.isArray(groups) ? groups.map((group: unknown) => ({ group })) : [];
  return [
    ...idProblems(context, ['fsGroup', 'runAsUser', 'runAsGroup'], `${field}.securityContext`),
    ...listed.flatMap((item, index) =>
      idProblems(item, ['group'], '').map((problem) => ({
        ...problem,
        field: `${field}.securityContext.supplementalGroups[${index}]`,
      })),
    ),
    ...seccompProblems(context, `${field}.securityContext.seccompProfile`),
  ];
}

function seccompProblems(context: JsonRecord, field: string): readonly FieldError[] {
  const { seccompProfile } = context;
  if (!isRecord(seccompProfile)) return [];
  const local = seccompProfile.type === 'Localhost';
  const named = seccompProfile.localhostProfile !== undefined;
  if (local && !named) {
    const detail = 'must be set when seccomp type is Localhost';
    return [{ type: 'FieldValueRequired', field: `${field}.localhostProfile`, detail }];
  }
  const unwanted = 'can only be set when seccomp type is Localhost';
  return named && !local ? [invalidValue(`${field}.localhostProfile`, seccompProfile.localhostProfile, unwanted)] : [];
}
