// SIP IP access control lists (sip-interface.md 6.6).

import { limits } from '../../base/limits.ts';
import { presentIpAccessControlList } from '../present.ts';
import { type NamedListKind, namedListRoutes } from './named-lists.ts';

export const ipAccessControlListKind: NamedListKind = {
  segment: 'IpAccessControlLists',
  key: 'ip_access_control_lists',
  prefix: 'AL',
  nameChars: limits.listFriendlyNameChars,
  codes: { tooMany: 21255, invalid: 21235, stillMapped: 21236 },
  quota: 'ipAccessControlLists',
  repository: (store) => store.ipAccessControlLists,
  present: presentIpAccessControlList,
};

export const ipAccessControlListRoutes = namedListRoutes(ipAccessControlListKind);
