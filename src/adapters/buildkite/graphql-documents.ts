/**
 * The GraphQL documents we send, as plain text: nothing parses them at run time. A test validates each against
 * Buildkite's published schema.
 */

const SCHEDULED_JOB = `
fragment ScheduledJob on Job {
  __typename
  ... on JobTypeCommand {
    uuid
    state
    createdAt
    scheduledAt
    priority { number }
    agentQueryRules
    command
    env
  }
}`;

/** Organization behind a slug; null when the slug is wrong or the token may not see it. Costs 1 point. */
export const ORGANIZATION_CHECK = `
query OrganizationCheck($org: ID!) {
  organization(slug: $org) { id uuid slug name }
}`;

/** Waiting command jobs of one cluster, the oldest page first when `before` is absent. Costs 4 points plus 2 a job. */
export const SCHEDULED_JOBS = `
query ScheduledJobs($org: ID!, $cluster: ID!, $rules: [String!], $last: Int!, $before: String) {
  organization(slug: $org) {
    id
    jobs(
      type: [COMMAND]
      state: [SCHEDULED]
      cluster: $cluster
      agentQueryRules: $rules
      order: RECENTLY_CREATED
      last: $last
      before: $before
    ) {
      pageInfo { hasPreviousPage startCursor }
      edges { node { ...ScheduledJob } }
    }
  }
}
${SCHEDULED_JOB}`;

/** As `SCHEDULED_JOBS`, for jobs that belong to no cluster. */
export const UNCLUSTERED_SCHEDULED_JOBS = `
query UnclusteredScheduledJobs($org: ID!, $rules: [String!], $last: Int!, $before: String) {
  organization(slug: $org) {
    id
    jobs(
      type: [COMMAND]
      state: [SCHEDULED]
      clustered: false
      agentQueryRules: $rules
      order: RECENTLY_CREATED
      last: $last
      before: $before
    ) {
      pageInfo { hasPreviousPage startCursor }
      edges { node { ...ScheduledJob } }
    }
  }
}
${SCHEDULED_JOB}`;

/** What one job needs to run. Costs 1 or 2 points. */
export const JOB_DETAIL = `
query JobDetail($uuid: ID!) {
  job(uuid: $uuid) { ...ScheduledJob }
}
${SCHEDULED_JOB}`;

/** Queues of a cluster with their pause flag; `$cluster` is the bare UUID here. Costs 6 points plus 1 a queue. */
export const CLUSTER_QUEUES = `
query ClusterQueues($org: ID!, $cluster: ID!, $first: Int!, $after: String) {
  organization(slug: $org) {
    id
    cluster(id: $cluster) {
      id
      defaultQueue { key }
      queues(first: $first, after: $after, order: KEY) {
        pageInfo { hasNextPage endCursor }
        edges { node { key dispatchPaused } }
      }
    }
  }
}`;

/**
 * States of `count` jobs in one request: variables `$u0`, `$u1`, … give the answers `j0`, `j1`, … Costs 1 point a job.
 */
export function jobStatesDocument(count: number): string {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const variables = numbers.map((index) => `$u${index}: ID!`).join(', ');
  const fields = numbers.map((index) => `  j${index}: job(uuid: $u${index}) { ...JobState }`).join('\n');
  return `
query JobStates(${variables}) {
${fields}
}

fragment JobState on Job {
  __typename
  ... on JobTypeCommand { uuid state }
}`;
}
