import { type RenderCommandFlags, type RenderResult, runRender } from '../../src/app/run-render.js';
import { toSortedYaml } from '../../src/cli/format/manifest-yaml.js';
import { ToolkitError } from '../../src/core/errors.js';

const NOTHING: RenderCommandFlags = {
  pipeline: undefined,
  configs: [],
  steps: [],
  jobs: [],
  set: [],
  env: [],
  jobUuid: undefined,
  podTemplates: [],
  explain: undefined,
  diff: false,
};

/** What `render` answers to these flags, in an environment without variables. */
export function renderWith(flags: Partial<RenderCommandFlags>): Promise<RenderResult> {
  return runRender({ ...NOTHING, ...flags }, { environment: {}, version: 'v0.0.0', print: toSortedYaml });
}

/** The error `render` ends with: `status message`. */
export async function renderError(flags: Partial<RenderCommandFlags>): Promise<string> {
  try {
    await renderWith(flags);
  } catch (error) {
    if (error instanceof ToolkitError) return `${error.exit} ${error.message}`;
    throw error;
  }
  throw new Error('render did not fail');
}
