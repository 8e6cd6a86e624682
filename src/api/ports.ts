// What the REST API needs of the rest of the program, declared here because api/ imports base/ only (house style 2.1). gateway.ts
// hands in the store, the call layer and the rest; the shapes are those of store/store.ts and base/calls-api.ts.

import type {
  Account,
  ByocTrunk,
  CallRecord,
  CallStatus,
  ConnectionPolicy,
  Credential,
  CredentialList,
  Domain,
  DomainMapping,
  IpAccessControlList,
  IpAddress,
  IpRecord,
  MappingKind,
  NotificationRecord,
  PhoneNumber,
  PolicyTarget,
  SourceIpMapping,
  StoredHa1,
} from '../base/records.ts';

import type { LogRepository, Page, PageRequest, RecordRepository, Repository } from '../base/repository.ts';
import type {
  ApiKey,
  Application,
  Conference,
  OutgoingCallerId,
  Queue,
  Recording,
  Transcription,
  WebhookExchange,
} from '../base/voice-records.ts';

export type {
  CallAmendment,
  CallControlError,
  CallsApi,
  CreateCallRequest,
  RedirectInstructions,
} from '../base/calls-api.ts';
export type { QueueMember, QueuesApi } from '../base/queues-api.ts';
export type { RecordingMedia, RecordingsApi } from '../base/recordings-api.ts';
export type { Page, PageRequest, Repository } from '../base/repository.ts';
export type { SiprecApi } from '../base/siprec-api.ts';
export type { CreateStreamRequest, StreamRecord, StreamsApi } from '../base/streams-api.ts';
export type { TranscriptionsApi } from '../base/transcriptions-api.ts';

/** The cursor of a page is `domainSid/kind/listSid` of its edge record. */
export interface MappingRepository {
  get(domainSid: string, kind: MappingKind, listSid: string): Promise<DomainMapping | undefined>;
  insert(mapping: DomainMapping): Promise<void>;
  remove(domainSid: string, kind: MappingKind, listSid: string): Promise<boolean>;
  list(where: Partial<DomainMapping>, page: PageRequest): Promise<Page<DomainMapping>>;
}

export interface CallFilter {
  readonly accountSid: string;
  readonly to?: string;
  readonly from?: string;
  readonly parentCallSid?: string;
  readonly status?: CallStatus;
  readonly startTimeFrom?: number;
  readonly startTimeTo?: number;
  readonly endTimeFrom?: number;
  readonly endTimeTo?: number;
}

/** Promises reject with an error whose `code` is `duplicate`, `missing`, `full` or `unavailable`. */
export interface ApiStore {
  readonly accounts: Repository<Account>;
  readonly domains: Repository<Domain>;
  readonly credentialLists: Repository<CredentialList>;
  readonly credentials: Repository<Credential>;
  readonly ipAccessControlLists: Repository<IpAccessControlList>;
  readonly ipAddresses: Repository<IpAddress>;
  readonly mappings: MappingRepository;
  readonly byocTrunks: Repository<ByocTrunk>;
  readonly connectionPolicies: Repository<ConnectionPolicy>;
  readonly policyTargets: Repository<PolicyTarget>;
  readonly ipRecords: Repository<IpRecord>;
  readonly sourceIpMappings: Repository<SourceIpMapping>;
  readonly phoneNumbers: Repository<PhoneNumber> & {
    matching(where: Partial<PhoneNumber>, pattern: string, page: PageRequest): Promise<Page<PhoneNumber>>;
  };
  readonly applications: Repository<Application>;
  readonly keys: Repository<ApiKey>;
  readonly outgoingCallerIds: Repository<OutgoingCallerId>;
  readonly queues: Repository<Queue>;
  readonly recordings: RecordRepository<Recording>;
  readonly transcriptions: RecordRepository<Transcription>;
  readonly conferences: RecordRepository<Conference>;
  readonly webhookExchanges: LogRepository<WebhookExchange>;
  readonly calls: {
    get(sid: string): Promise<CallRecord | undefined>;
    list(filter: CallFilter, page: PageRequest): Promise<Page<CallRecord>>;
    remove(sid: string): Promise<boolean>;
  };
  readonly notifications: {
    put(record: NotificationRecord): void;
    list(
      where: Partial<NotificationRecord>,
      page: PageRequest,
      range?: { readonly from?: number; readonly to?: number },
    ): Promise<Page<NotificationRecord>>;
  };
  onDirectoryChange(listener: () => void): () => void;
}

/** Makes the SIP side see a change before REST answers it. */
export interface ApiDirectory {
  refresh(): Promise<void>;
}

/** Captures of calls, as pcap files. */
export interface CapturesApi {
  /** Undefined when nothing is kept of the call. */
  read(callSid: string): Promise<Buffer | undefined>;
}

/** store/secrets.ts digestHa1: passwords are hashed before they are handed on. */
export type HashPassword = (username: string, password: string, realms: readonly string[]) => readonly StoredHa1[];
