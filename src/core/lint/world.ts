import type { ControllerConfig } from '../config/config.js';
import type { ClusterFacts } from './cluster-facts.js';

/** All that a rule may know beside the file; what is undefined is not known, and no rule guesses it. */
export interface LintWorld {
  /** The controller's configuration; its defaults when none was given. */
  readonly config: ControllerConfig;
  /** Name of the configuration file for messages; undefined = none was given, so `config` tells nothing of the real controller. */
  readonly configName: string | undefined;
  readonly facts: ClusterFacts | undefined;
  readonly versions: LintVersions;
  /** Variables of the upload that are known. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of variables that are set when the pipeline is uploaded, with values nobody knows here. */
  readonly knownEnv: readonly string[];
  /** `false` for pipelines that are uploaded with `--no-interpolation`. */
  readonly interpolate: boolean;
  /** Queues that exist, from the settings; empty = not told. */
  readonly queues: readonly string[];
  /** More images that have no shell, as patterns with `*`. */
  readonly imagesWithoutShell: readonly string[];
  /** What the other files of the run say, for rules that compare. */
  readonly neighbours: Neighbours;
  /** Version of this program, e.g. `v0.1.0`. */
  readonly version: string;
}

/** Versions without a leading `v`, e.g. `3.136.2`; Kubernetes as `1.36`. */
export interface LintVersions {
  readonly agent: string | undefined;
  readonly controller: string | undefined;
  readonly kubernetes: string | undefined;
}

/** What the files of one run have together; the file being linted is counted, too. */
export interface Neighbours {
  /** Queue → in how many files it is named. */
  readonly queues: ReadonlyMap<string, number>;
  /** Keys of steps and groups. */
  readonly stepKeys: ReadonlySet<string>;
}
