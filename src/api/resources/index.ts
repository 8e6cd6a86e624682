// The registry of resources: one line each.

import type { Route } from '../request.ts';
import { accountRoutes } from './accounts.ts';
import { applicationRoutes } from './applications.ts';
import { byocTrunkRoutes } from './byoc-trunks.ts';
import { callEventRoutes } from './call-events.ts';
import { callRoutes } from './calls.ts';
import { conferenceRoutes } from './conferences.ts';
import { connectionPolicyRoutes, policyTargetRoutes } from './connection-policies.ts';
import { credentialListRoutes } from './credential-lists.ts';
import { credentialRoutes } from './credentials.ts';
import { domainRoutes } from './domains.ts';
import { iamKeyRoutes } from './iam-keys.ts';
import { ipAccessControlListRoutes } from './ip-access-control-lists.ts';
import { ipAddressRoutes } from './ip-addresses.ts';
import { keyRoutes } from './keys.ts';
import { liveTranscriptionRoutes } from './live-transcriptions.ts';
import { mappingRoutes } from './mappings.ts';
import { memberRoutes } from './members.ts';
import { notificationRoutes } from './notifications.ts';
import { outgoingCallerIdRoutes } from './outgoing-caller-ids.ts';
import { participantRoutes } from './participants.ts';
import { phoneNumberRoutes } from './phone-numbers.ts';
import { queueRoutes } from './queues.ts';
import { recordingTranscriptionRoutes } from './recording-transcriptions.ts';
import { recordingRoutes } from './recordings.ts';
import { registrationRoutes } from './registrations.ts';
import { siprecRoutes } from './siprec.ts';
import { ipRecordRoutes, sourceIpMappingRoutes } from './source-addresses.ts';
import { streamRoutes } from './streams.ts';

import { tokenRoutes } from './tokens.ts';

export const routes: readonly Route[] = [
  ...accountRoutes,
  ...keyRoutes,
  ...iamKeyRoutes,
  ...applicationRoutes,
  ...outgoingCallerIdRoutes,
  ...tokenRoutes,
  ...callRoutes,
  ...callEventRoutes,
  ...streamRoutes,
  ...siprecRoutes,
  ...conferenceRoutes,
  ...participantRoutes,
  ...queueRoutes,
  ...memberRoutes,
  ...notificationRoutes,
  ...domainRoutes,
  ...registrationRoutes,
  ...mappingRoutes,
  ...credentialListRoutes,
  ...credentialRoutes,
  ...ipAccessControlListRoutes,
  ...ipAddressRoutes,
  ...phoneNumberRoutes,
  ...recordingRoutes,
  ...recordingTranscriptionRoutes,
  ...liveTranscriptionRoutes,
  ...byocTrunkRoutes,
  ...connectionPolicyRoutes,
  ...policyTargetRoutes,
  ...ipRecordRoutes,
  ...sourceIpMappingRoutes,
];
