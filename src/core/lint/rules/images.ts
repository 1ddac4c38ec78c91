import type { RuleSet } from '../rule.js';
import { imageReferences, matrixImages } from './image-references.js';
import { floatingTags, imagesWithoutShell, overriddenImages } from './image-choice.js';

/** Which images a job uses, and whether they can be pulled and used. */
export const imageRules: RuleSet = {
  rules: [
    {
      id: 'image/reference',
      severity: 'error',
      summary: 'A text is no image reference.',
      why: 'The controller fails the job before it starts; an image that comes from a patch or the step is only refused by the kubelet, as "InvalidImageName".',
      remedy: 'Write [registry[:port]/]path[:tag][@digest], without spaces and without "https://".',
    },
    {
      id: 'image/uppercase',
      severity: 'error',
      fixable: true,
      summary: 'The path of an image has capital letters.',
      why: 'Names of repositories are lower-case in every registry, even where the organisation is shown with capitals. The job fails before it starts; tags may have capitals.',
      remedy: 'Write the path in lower case.',
    },
    {
      id: 'image/no-shell',
      severity: 'warning',
      summary: 'The commands run in an image that has no shell.',
      why: 'The agent runs each command with "/bin/sh -ec" inside the image. Without a shell the container does not get to the first line of the command.',
      remedy:
        'Take a variant with a shell ("-debug", "-alpine", "-dev"). The debug variants of distroless keep theirs in /busybox: set BUILDKITE_SHELL to "/busybox/sh -ec" in the container. Patterns for images of your own: the setting "images-without-shell".',
    },
    {
      id: 'image/floating-tag',
      severity: 'off',
      strict: 'info',
      summary: 'An image has the tag "latest", or none.',
      why: 'The same commit can be built with another image tomorrow, and every job asks the registry whether the tag has moved. With "imagePullPolicy: IfNotPresent" or "Never" nobody asks: each node keeps what it once pulled, and the same step runs different images on different nodes. That is a warning even where the rule is off.',
      remedy: 'Pin a version, or a digest.',
    },
    {
      id: 'image/overrides-containers',
      severity: 'warning',
      summary: "The step's image replaces the images written in its containers.",
      why: 'The attribute "image" is applied to every command container of the job, so the image of the container is never pulled. Controllers before 0.30 ignore the attribute instead, and the other image runs.',
      remedy: 'Remove one of the two; with several containers keep their own images.',
    },
  ],
  checks: [
    { scope: 'step', check: imageReferences },
    { scope: 'job', check: matrixImages },
    { scope: 'step', check: imagesWithoutShell },
    { scope: 'step', check: floatingTags },
    { scope: 'step', check: overriddenImages },
  ],
};
