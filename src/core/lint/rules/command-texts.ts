import type { RuleInfo } from '../rule.js';

/** What the rules on commands say of themselves. */
export const COMMAND_RULES: readonly RuleInfo[] = [
  {
    id: 'command/args-without-command',
    severity: 'error',
    summary: 'A command container has "args" but no "command".',
    why: 'The agent runs the commands of a job itself, so the entrypoint of the image is never used and there is nothing the arguments could belong to. The Go controller drops them in silence (in a podSpecPatch they even replace the whole command); this controller adds them to the command of the step.',
    remedy: 'Write the whole command line into "command", or into the command of the step.',
  },
  {
    id: 'command/shell-vector',
    severity: 'error',
    fixable: true,
    summary:
      'A command is written as an argument vector around a shell, such as ["sh", "-c"], where each item is a line.',
    why: 'Unless the interposer is "vector" the items of "command" are joined with line breaks and run as a script. The first line then starts a shell of its own: with a terminal (the default) it waits for input until the job times out, without one the next line fails with exit status 127.',
    remedy:
      'Write the script itself into "command", or keep one item in "command" and all the rest in "args", or set "commandParams.interposer" to "vector".',
  },
  {
    id: 'command/vector-like',
    severity: 'warning',
    summary: 'A command looks like an argument vector although each item is a line of a script.',
    why: 'The items of "command" are joined with line breaks, so an item that begins with "-" is run as a command of its own, fails with "not found", and the program before it runs without its options.',
    remedy: 'Write program and options into one item, or set "commandParams.interposer" to "vector".',
  },
  {
    id: 'command/runs-in-every-container',
    severity: 'warning',
    summary: "Several containers have no command, so each of them runs the step's command.",
    why: 'A container in "podSpec.containers" is a place to run commands, one after the other; its image\'s entrypoint never starts. A database that is written there runs the tests instead, and nobody listens on its port.',
    remedy: 'Move services to "sidecars"; give every other container a command of its own.',
  },
  {
    id: 'command/step-command-ignored',
    severity: 'warning',
    summary: 'Every container has a command of its own, so the command of the step never runs.',
    why: "The command of a container wins over the step's. Buildkite still shows the command of the step, so the build looks as if it had run.",
    remedy: 'Keep one of the two.',
  },
  {
    id: 'command/none',
    severity: 'error',
    summary: 'Neither the step nor the container has a command.',
    why: 'The agent starts the job, checks out the repository and fails with "the command phase has no command to execute", unless a plugin or hook brings one. The entrypoint of the image is not used.',
    remedy: 'Give the step a "command", or the container one.',
  },
  {
    id: 'sidecar/shell-line',
    severity: 'error',
    fixable: true,
    summary:
      'A sidecar or init container has a whole shell line where Kubernetes expects one word of an argument vector.',
    why: 'Commands of sidecars and init containers go to Kubernetes as they are: the first item is the name of a program, spaces included. No such program exists, the container never starts, and the job fails when the pending timeout is over (15 minutes).',
    remedy: 'Write one item for each word, or use [sh, -c, "the line"] if it needs a shell.',
  },
  {
    id: 'container/image-missing',
    severity: 'error',
    fixable: true,
    summary: 'A container has no image.',
    why: 'The Go controller checks the images before the "image" of the step is applied and fails the job; for sidecars and init containers Kubernetes refuses the Job.',
    remedy: 'Write the image into the container.',
  },
  {
    id: 'container/working-dir',
    severity: 'warning',
    summary: 'A command container sets "workingDir", which does not change where its commands run.',
    why: 'The agent changes to the checkout before it runs the command, so relative paths are those of the repository. The build fails with "no such file", or works on the wrong files.',
    remedy: 'Begin the command with "cd".',
  },
  {
    id: 'container/probe-on-command',
    severity: 'warning',
    summary: 'A command container has a probe that can kill it.',
    why: 'When a liveness or startup probe fails, the kubelet kills the container. It is not started again (the restart policy is "Never"), so the build is lost in the middle of its command.',
    remedy: 'Remove the probe, or move the service that it belongs to into "sidecars".',
  },
  {
    id: 'sidecar/not-ready',
    severity: 'info',
    summary: 'Nothing waits until a service in a sidecar is ready.',
    why: 'Sidecars are started before the commands, but "started" only means that the process exists. The first command may find the port closed, sometimes.',
    remedy: 'Give the sidecar a "startupProbe": the pod goes on only when it has passed.',
  },
];
