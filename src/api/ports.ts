// What the REST API needs of the rest of the program, declared here because api/ imports base/ only (house style 2.1). gateway.ts
// hands in the store, the call layer and the rest; the shapes are those of store/store.ts and base/calls-api.ts.

import type { RecordStore } from '../base/record-store.ts';
import type { StoredHa1 } from '../base/records.ts';

export type {
  CallAmendment,
  CallControlError,
  CallsApi,
  CreateCallRequest,
  RedirectInstructions,
} from '../base/calls-api.ts';
export type { QueueMember, QueuesApi } from '../base/queues-api.ts';
export type { CallFilter, CallStore, MappingRepository } from '../base/record-store.ts';
export type { RecordingMedia, RecordingsApi } from '../base/recordings-api.ts';
export type { Page, PageRequest, Repository } from '../base/repository.ts';
export type { SiprecApi } from '../base/siprec-api.ts';
export type { CreateStreamRequest, StreamRecord, StreamsApi } from '../base/streams-api.ts';
export type { TranscriptionsApi } from '../base/transcriptions-api.ts';

/** What handlers read and write. */
export interface ApiStore extends RecordStore {
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
