// Part of the composition root: emergency calling as the settings, hookswitch.yaml and the directory say it.

import { type EmergencyAddress, readEmergencyAddress } from './base/emergency-address.ts';
import type { RandomSource } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Domain } from './base/records.ts';
import type { EmergencyServices } from './call/emergency.ts';
import type { EmergencyLocation } from './call/location.ts';
import type { TrunkBook } from './call/trunk.ts';
import type { Config } from './config.ts';
import type { DeclaredEmergencyAddress } from './config-declared.ts';
import type { Request } from './sip/grammar/message.ts';
import { isSipUri } from './sip/grammar/uri.ts';
import type { StoreDirectory } from './store/directory.ts';

/** Tries the chain of the emergency service without reaching anybody (sip-interface.md 9). */
const TEST_NUMBER = '933';

export const isEmergencyNumber = (settings: Pick<Config, 'emergencyNumbers'>, number: string): boolean =>
  number === TEST_NUMBER || settings.emergencyNumbers.includes(number);

/**
 * Whether an INVITE is an emergency call that no bound of ours may stop: the number, and a domain that has emergency calling. Before the
 * caller is known the domain is that of the Request-URI.
 */
export function emergencyRequests(
  settings: () => Config,
  domainOf: (host: string, port: number | undefined) => Domain | undefined,
): (request: Request, domain: Domain | undefined) => boolean {
  return ({ uri }, domain) => {
    if (!isSipUri(uri) || uri.user === undefined || !isEmergencyNumber(settings(), uri.user)) return false;
    return (domain ?? domainOf(uri.host, uri.port))?.emergencyCallingEnabled ?? false;
  };
}

export interface EmergencyParts {
  readonly settings: () => Config;
  readonly directory: Pick<StoreDirectory, 'phoneNumberBySid'>;
  readonly book: Pick<TrunkBook, 'find'>;
  readonly random: RandomSource;
  readonly wall: () => number;
  readonly log: Log;
}

export function createEmergencyServices(parts: EmergencyParts): EmergencyServices {
  const { settings, directory, book } = parts;
  const declaredOf = ({ domainName }: Domain) =>
    settings().declared.domains.find((domain) => domain.name === domainName);
  return {
    isEmergencyNumber: (number) => isEmergencyNumber(settings(), number),
    trunkFor(accountSid) {
      const name = settings().emergencyTrunk;
      return name === null ? undefined : book.find(name, accountSid);
    },
    callerNumber(domain) {
      const sid = domain.emergencyCallerSid;
      const number = sid === null ? undefined : directory.phoneNumberBySid(sid);
      return number?.accountSid === domain.accountSid ? number.phoneNumber : declaredOf(domain)?.emergencyCallerId;
    },
    locationOf(domain, username) {
      const declared = declaredOf(domain);
      const ofUser = addressOfUser(settings(), declared, username);
      return located(ofUser ?? addressOverRest(domain) ?? declared?.emergencyAddress);
    },
    random: parts.random,
    wall: parts.wall,
    log: parts.log,
  };
}

/** The user's own address, from the lists by which the domain knows its users. */
function addressOfUser(
  config: Config,
  domain: Config['declared']['domains'][number] | undefined,
  username: string | undefined,
): DeclaredEmergencyAddress | undefined {
  if (!domain || username === undefined) return undefined;
  const lists = [...(domain.credentialLists ?? []), ...(domain.registrationCredentialLists ?? [])];
  return config.declared.credentialLists
    .filter((list) => lists.includes(list.name))
    .flatMap((list) => list.users)
    .find((user) => user.username === username && user.emergencyAddress !== undefined)?.emergencyAddress;
}

/** What REST set goes before what hookswitch.yaml says of the domain, as with the number. */
function addressOverRest({ emergencyAddress }: Domain): EmergencyAddress | undefined {
  const read = emergencyAddress === null ? undefined : readEmergencyAddress(emergencyAddress);
  return read?.ok ? read.value : undefined;
}

function located(address: DeclaredEmergencyAddress | EmergencyAddress | undefined): EmergencyLocation | undefined {
  if (!address) return undefined;
  return 'uri' in address ? { kind: 'reference', uri: address.uri } : { kind: 'civic', address };
}
