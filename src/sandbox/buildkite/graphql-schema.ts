/**
 * The part of Buildkite's GraphQL schema that the sandbox serves, written for it: names, arguments and nullability follow
 * the public schema, so that a document accepted here is accepted there.
 */
export const GRAPHQL_SCHEMA = /* GraphQL */ `
  scalar DateTime

  enum JobOrder {
    RECENTLY_CREATED
    RECENTLY_ASSIGNED
  }
  enum JobTypes {
    COMMAND
    BLOCK
    TRIGGER
    WAIT
  }
  enum ClusterQueueOrder {
    KEY
    RECENTLY_CREATED
  }
  enum BuildStates {
    CREATING
    SCHEDULED
    RUNNING
    FAILING
    PASSED
    FAILED
    BLOCKED
    CANCELING
    CANCELED
    SKIPPED
    NOT_RUN
  }
  enum JobStates {
    PENDING
    WAITING
    WAITING_FAILED
    BLOCKED
    BLOCKED_FAILED
    UNBLOCKED
    UNBLOCKED_FAILED
    LIMITING
    LIMITED
    PLATFORM_LIMITING
    PLATFORM_LIMITED
    SCHEDULED
    RESERVED
    ASSIGNED
    ACCEPTED
    RUNNING
    FINISHED
    CANCELING
    CANCELED
    TIMING_OUT
    TIMED_OUT
    SKIPPED
    BROKEN
    EXPIRED
  }
  enum JobEventSignalReason {
    AGENT_INCOMPATIBLE
    AGENT_REFUSED
    AGENT_STOP
    CANCEL
    PROCESS_RUN_ERROR
    SIGNATURE_REJECTED
    STACK_ERROR
  }

  interface Node {
    id: ID!
  }

  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  type Query {
    organization(slug: ID, uuid: ID): Organization
    job(uuid: ID!): Job
    build(slug: ID, uuid: ID): Build
    agent(slug: ID!): Agent
    node(id: ID!): Node
  }

  type Mutation {
    jobTypeCommandCancel(input: JobTypeCommandCancelInput!): JobTypeCommandCancelPayload
    agentStop(input: AgentStopInput!): AgentStopPayload
    buildCancel(input: BuildCancelInput!): BuildCancelPayload
  }

  type Organization implements Node {
    id: ID!
    uuid: String!
    slug: String!
    name: String!
    cluster(id: ID!): Cluster
    jobs(
      first: Int
      last: Int
      after: String
      before: String
      type: [JobTypes!]
      state: [JobStates!]
      cluster: ID
      clusterQueue: [ID!]
      clustered: Boolean = true
      agentQueryRules: [String!]
      priority: JobPrioritySearch
      order: JobOrder = RECENTLY_CREATED
    ): JobConnection
    agents(
      first: Int
      last: Int
      after: String
      before: String
      cluster: ID
      clusterQueue: [ID!]
      clustered: Boolean = true
      metaData: [String!]
      isRunningJob: Boolean
    ): AgentConnection
  }

  input JobPrioritySearch {
    number: [Int!]
  }

  type Cluster implements Node {
    id: ID!
    uuid: ID!
    name: String!
    defaultQueue: ClusterQueue
    queues(first: Int, last: Int, after: String, before: String, order: ClusterQueueOrder = KEY): ClusterQueueConnection
  }

  type ClusterQueue implements Node {
    id: ID!
    uuid: ID!
    key: String!
    dispatchPaused: Boolean!
    dispatchPausedNote: String
  }
  type ClusterQueueConnection {
    count: Int!
    edges: [ClusterQueueEdge]
    pageInfo: PageInfo
  }
  type ClusterQueueEdge {
    cursor: String!
    node: ClusterQueue
  }

  union Job = JobTypeCommand | JobTypeWait | JobTypeBlock | JobTypeTrigger
  type JobConnection {
    count: Int!
    edges: [JobEdge]
    pageInfo: PageInfo
  }
  type JobEdge {
    cursor: String!
    node: Job
  }

  type JobTypeWait implements Node {
    id: ID!
    uuid: String!
  }
  type JobTypeBlock implements Node {
    id: ID!
    uuid: String!
  }
  type JobTypeTrigger implements Node {
    id: ID!
    uuid: String!
  }
  type JobTypeCommand implements Node {
    id: ID!
    uuid: String!
    state: JobStates!
    label: String
    command: String
    env: [String!]
    agentQueryRules: [String!]
    automaticArtifactUploadPaths: String
    priority: JobPriority!
    agent: Agent
    build: Build
    pipeline: Pipeline
    step: StepCommand
    cluster: Cluster
    clusterQueue: ClusterQueue
    createdAt: DateTime
    scheduledAt: DateTime
    runnableAt: DateTime
    startedAt: DateTime
    finishedAt: DateTime
    canceledAt: DateTime
    exitStatus: String
    signal: String
    signalReason: JobEventSignalReason
    passed: Boolean!
    softFailed: Boolean!
    retried: Boolean!
    retriesCount: Int
    parallelGroupIndex: Int
    parallelGroupTotal: Int
    url: String!
  }
  type JobPriority {
    number: Int
  }
  type StepCommand {
    key: String
    uuid: String!
  }
  type Pipeline implements Node {
    id: ID!
    uuid: String!
    slug: String!
    name: String!
  }

  type Build implements Node {
    id: ID!
    uuid: String!
    number: Int!
    state: BuildStates!
    branch: String!
    commit: String!
    message: String
    url: String!
    createdAt: DateTime
    startedAt: DateTime
    finishedAt: DateTime
    pipeline: Pipeline!
    jobs(
      first: Int
      last: Int
      after: String
      before: String
      type: [JobTypes!]
      state: [JobStates!]
      agentQueryRules: [String!]
      order: JobOrder = RECENTLY_CREATED
    ): JobConnection
  }

  type Agent implements Node {
    id: ID!
    uuid: String!
    name: String!
    hostname: String
    version: String
    connectionState: String!
    isRunningJob: Boolean!
    job: Job
    heartbeatAt: DateTime
    createdAt: DateTime
    metaData: [String!]
    paused: Boolean!
  }
  type AgentConnection {
    count: Int!
    edges: [AgentEdge]
    pageInfo: PageInfo
  }
  type AgentEdge {
    cursor: String!
    node: Agent
  }

  input JobTypeCommandCancelInput {
    clientMutationId: String
    id: ID!
  }
  type JobTypeCommandCancelPayload {
    clientMutationId: String
    jobTypeCommand: JobTypeCommand!
  }
  input AgentStopInput {
    clientMutationId: String
    id: ID!
    graceful: Boolean = true
  }
  type AgentStopPayload {
    clientMutationId: String
    agent: Agent!
  }
  input BuildCancelInput {
    clientMutationId: String
    id: ID!
  }
  type BuildCancelPayload {
    clientMutationId: String
    build: Build!
  }
`;
