// The records that REST reads and writes, as both sides see them: api/ asks for this, store/ is more than this.

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
} from './records.ts';
import type { DateRange, LogRepository, Page, PageRequest, RecordRepository, Repository } from './repository.ts';
import type {
  ApiKey,
  Application,
  Conference,
  OutgoingCallerId,
  Queue,
  Recording,
  Transcription,
  WebhookExchange,
} from './voice-records.ts';

/** A mapping has no sid of its own: the cursor of a page is `domainSid/kind/listSid` of the last record. */
export interface MappingRepository {
  get(domainSid: string, kind: MappingKind, listSid: string): Promise<DomainMapping | undefined>;
  insert(mapping: DomainMapping): Promise<void>;
  remove(domainSid: string, kind: MappingKind, listSid: string): Promise<boolean>;
  list(where: Partial<DomainMapping>, page: PageRequest): Promise<Page<DomainMapping>>;
}

/** `to` and `from` match the stored text, SIP URIs without parameters and headers (rest-api.md 9.4). */
export interface CallFilter {
  readonly accountSid: string;
  readonly to?: string;
  readonly from?: string;
  readonly parentCallSid?: string;
  readonly status?: CallStatus;
  /** Wall milliseconds, both ends inclusive. */
  readonly startTimeFrom?: number;
  readonly startTimeTo?: number;
  readonly endTimeFrom?: number;
  readonly endTimeTo?: number;
}

export interface CallStore {
  /** Inserts or replaces; batched within 100 ms, never awaited by SIP. */
  put(record: CallRecord): void;
  get(sid: string): Promise<CallRecord | undefined>;
  list(filter: CallFilter, page: PageRequest): Promise<Page<CallRecord>>;
  remove(sid: string): Promise<boolean>;
}

/** Promises reject with an error whose `code` is `duplicate`, `missing`, `full`, `refused` or `unavailable`. */
export interface RecordStore {
  readonly accounts: Repository<Account>;
  readonly domains: Repository<Domain>;
  readonly credentialLists: Repository<CredentialList>;
  /** Removing a list removes its credentials or addresses; removing a domain removes its mappings. */
  readonly credentials: Repository<Credential>;
  readonly ipAccessControlLists: Repository<IpAccessControlList>;
  readonly ipAddresses: Repository<IpAddress>;
  readonly mappings: MappingRepository;
  readonly byocTrunks: Repository<ByocTrunk>;
  readonly connectionPolicies: Repository<ConnectionPolicy>;
  /** Removing a policy removes its targets. */
  readonly policyTargets: Repository<PolicyTarget>;
  /** Removing a record, or the domain, removes the mapping. */
  readonly ipRecords: Repository<IpRecord>;
  readonly sourceIpMappings: Repository<SourceIpMapping>;
  readonly phoneNumbers: Repository<PhoneNumber> & {
    /** Numbers that match `pattern` (digits with `*` wildcards), newest first. */
    matching(where: Partial<PhoneNumber>, pattern: string, page: PageRequest): Promise<Page<PhoneNumber>>;
  };
  readonly applications: Repository<Application>;
  readonly keys: Repository<ApiKey>;
  readonly outgoingCallerIds: Repository<OutgoingCallerId>;
  /** One name of a queue per account. */
  readonly queues: Repository<Queue>;
  readonly recordings: RecordRepository<Recording>;
  readonly transcriptions: RecordRepository<Transcription>;
  readonly conferences: RecordRepository<Conference>;
  readonly webhookExchanges: LogRepository<WebhookExchange>;
  readonly calls: CallStore;
  readonly notifications: {
    put(record: NotificationRecord): void;
    list(where: Partial<NotificationRecord>, page: PageRequest, range?: DateRange): Promise<Page<NotificationRecord>>;
  };
}
