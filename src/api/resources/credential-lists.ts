// SIP credential lists (sip-interface.md 6.5).

import { limits } from '../../base/limits.ts';
import { presentCredentialList } from '../present.ts';
import { type NamedListKind, namedListRoutes } from './named-lists.ts';

export const credentialListKind: NamedListKind = {
  segment: 'CredentialLists',
  key: 'credential_lists',
  prefix: 'CL',
  nameChars: limits.friendlyNameChars,
  codes: { tooMany: 21239, invalid: 21240, stillMapped: 21241 },
  quota: 'credentialLists',
  repository: (store) => store.credentialLists,
  present: presentCredentialList,
};

export const credentialListRoutes = namedListRoutes(credentialListKind);
