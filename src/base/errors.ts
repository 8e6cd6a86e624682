// The catalogue of the vendor's error numbers that this gateway raises: in notifications, in the log, in X-Twilio-Error, in ErrorCode of a
// fallback request and in REST answers. The README shows the same table, and a test finds codes in src/ that have no row here.
// The message of a single case is written where it is raised; a row says what the number means and what the user can do about it.
// One piece although it is long: it is read by looking up one number.

import { limits } from './limits.ts';

export interface ErrorEntry {
  /** `warning`: the call or request goes on. */
  readonly level: 'error' | 'warning';
  readonly text: string;
  /** What the user can do. */
  readonly fix: string;
  /** Status of the REST answer that carries the code; absent where it is never one. */
  readonly httpStatus?: number;
  /** What stands behind the code in X-Twilio-Error, in the vendor's words (sip-interface.md 1.4). */
  readonly sipText?: string;
}

const error = (text: string, fix: string): ErrorEntry => ({ level: 'error', text, fix });
const warning = (text: string, fix: string): ErrorEntry => ({ level: 'warning', text, fix });
const rest = (httpStatus: number, text: string, fix: string): ErrorEntry => ({ level: 'error', text, fix, httpStatus });
const sip = (level: ErrorEntry['level'], text: string, sipText: string, fix: string): ErrorEntry => ({
  level,
  text,
  sipText,
  fix,
});

export const errorCatalogue: Readonly<Record<number, ErrorEntry>> = {
  // --- numbers of our own: the vendor's dictionary has none
  90916: error('a recording could not be written', 'make room on the disk of dataDir; the call went on'),
  90911: warning('an emergency call was placed', 'see who called, from where; the log has it at error level'),

  // --- accounts and capacity
  10001: sip(
    'error',
    'the account is suspended or closed',
    'Account is not active',
    'set its Status to active over REST',
  ),
  10003: error('a call came for an account that is suspended or closed', 'set its Status to active over REST'),
  10004: rest(429, 'the gateway carries as many calls as it may', 'raise maxCalls, or try again later'),

  // --- fetching documents, files and callbacks
  11100: error('a URL is not an absolute http or https URL', 'write the whole URL, or one relative to the document'),
  11200: error(
    'no answer came within the read timeout',
    `answer faster, or raise it with #rt= (up to ${limits.webhookTimeoutMs} ms)`,
  ),
  11201: error('connecting to the server took too long', 'check address, firewall and load of the server'),
  11202: error('the server refused the connection', 'start the application; check host and port of the URL'),
  11203: error(
    'the total time for a request ran out',
    `answer within ${limits.webhookTimeoutMs} ms, redirects and retries included`,
  ),
  11205: error(
    'the connection failed or was lost',
    'see the cause in the log; private addresses need webhookAllowPrivate',
  ),
  11206: error('the answer is not valid HTTP', 'check that the port speaks HTTP, and the encoding of the body'),
  11210: error('the host name does not resolve', 'check the name and the DNS of this machine'),
  11215: error('too many redirects, or documents that lead in circles', 'end the chain; use a verb that takes time'),
  11216: error('a redirect without a usable Location', 'send an absolute http or https URL in Location'),
  11217: error('the server answered with an error status', 'read the log of your application for that request'),
  11220: error('the TLS handshake failed', 'offer TLS 1.2 or newer on that port'),
  11235: error('the certificate is for another name', 'use the name in the certificate, or renew it with this name'),
  11236: error('the certificate has expired', 'renew it'),
  11237: error('the chain of the certificate is not trusted', 'send the whole chain; NODE_EXTRA_CA_CERTS adds a root'),
  11243: error('the retry policy in the fragment of the URL is invalid', 'use #rp= with ct, rt, 4xx, 5xx or all'),
  11750: error('the answer is larger than 64 kB', 'send a shorter document; let Redirect fetch the rest'),
  11770: error('the answer is empty', 'answer with a Response element; an empty one ends the call'),

  // --- TwiML documents
  12100: error('the document is not well-formed XML', 'see line and column in the message; escape & and <'),
  12101: error('the version attribute of Response is invalid', 'leave it out'),
  12102: error('the root element is not Response', 'wrap the verbs in one Response element'),
  12200: warning('an element or attribute does not belong there', 'check its spelling and where it stands'),
  12300: error('the Content-Type of the answer is not one for TwiML', 'send text/xml'),
  12400: error('a fault of the gateway ended the document', 'report it with the log lines of the call'),

  15003: warning('a status callback was answered with an error', 'answer 204; it is not sent again'),

  // --- conferences
  16020: rest(400, 'the conference is full', `at most ${limits.conferenceParticipants}, or its maxParticipants`),
  16021: rest(400, 'the account has too many conferences at once', `at most ${limits.conferencesPerAccount}`),
  16022: rest(400, 'the conference is over, or there is none of that SID', 'use its name: it makes a new one'),
  16024: rest(
    400,
    'the label of the participant is invalid',
    `at most ${limits.participantLabelChars} characters, no CallSid, no /`,
  ),
  16025: error('participantLabel is in use in this conference: the call does not join', 'choose another label'),
  16026: rest(400, 'the label is in use in this conference', 'choose another Label'),
  16027: rest(400, 'the participant to be coached is on hold', 'take it from hold first'),
  16028: rest(
    400,
    'the participant to be coached is not in the conference',
    'the CallSid of a participant that is in it',
  ),

  // --- TwiML verbs
  13000: warning('Conference beside other nouns in one Dial: the others are not dialled', 'Conference alone'),
  13201: error('Dial in the document of a called party', 'use Say, Play, Pause, Gather, Redirect or Hangup there'),
  13210: warning('method of Dial is invalid', 'GET or POST'),
  13211: warning('ifMachine of Dial is no longer used', 'leave it out'),
  13212: warning('timeout of Dial is invalid', '5 to 600 seconds'),
  13213: warning('hangupOnStar of Dial is invalid', 'true or false'),
  13214: warning('the caller id may not be shown to numbers', 'use a number of the account, or set callerIds: any'),
  13215: warning(
    'something inside Dial cannot be dialled',
    `Number, Sip or Client, at most ${limits.dialTargets}; Application with its sid; Conference or Queue alone`,
  ),
  13216: warning('timeLimit of Dial is invalid', '1 to 14400 seconds'),
  13217: warning(
    'record of Dial is invalid',
    'record-from-answer, record-from-ringing, both with -dual, do-not-record',
  ),
  13218: warning('sequential of Dial is invalid', 'true or false'),
  13219: warning('answerOnBridge of Dial is invalid', 'true or false'),
  13220: warning('ringTone of Dial is unknown', 'a country code in lower case'),
  13221: warning('statusCallbackMethod of Number is invalid', 'GET or POST'),
  13222: warning('sendDigits holds other characters', '0-9 A-D # * w W'),
  13223: warning('the text of Number is not a phone number', 'digits, with + in front for E.164'),
  13224: error(
    'there is no trunk for the number',
    'declare one under trunks in hookswitch.yaml, or set a default trunk',
  ),
  13225: error('the number begins with a blocked prefix', 'see blockedPrefixes of the account'),
  13227: error('no trunk may be used for this number', 'add its prefix to allowedPrefixes; demo users reach no trunk'),
  13230: warning('muted of Conference is invalid', 'true or false'),
  13231: error('endConferenceOnExit of Conference is invalid', 'true or false'),
  13232: warning('startConferenceOnEnter of Conference is invalid', 'true or false'),
  13233: warning('waitUrl of Conference is invalid', 'an absolute http or https URL, or empty for silence'),
  13234: warning('waitMethod of Conference is invalid', 'GET or POST'),
  13235: warning('beep of Conference is invalid', 'true, false, onEnter or onExit'),
  13236: warning('the text of Conference is the SID of no running conference', 'write a name: it makes a new one'),
  13237: warning(
    'the name of the conference is missing or invalid',
    `1 to ${limits.conferenceNameChars} characters, without control characters`,
  ),
  13238: error('a verb that may not run while a participant waits', 'Play, Say, Pause or Redirect'),
  13239: error('trim of Conference is invalid', 'trim-silence or do-not-trim'),
  13240: error('coach of Conference is nobody in this conference', 'the CallSid of a participant that is in it'),
  13241: warning('statusCallbackMethod of Sip is invalid', 'GET or POST'),
  13243: warning('the text of Sip is not a SIP URI', 'write sip:user@host'),
  13247: error('callerId is invalid; the caller is shown instead', 'a number, a client name or a SIP user'),
  13248: warning('callerId is too long; the caller is shown instead', `at most ${limits.dialCallerIdChars} characters`),
  13249: warning('username or password of Sip is invalid', 'no line breaks; at most 255 characters'),
  13250: warning('too many Uri elements in Sip', `at most ${limits.sipNounUris}`),
  13252: warning('a header of the SIP URI is refused', 'names X-… and User-to-User; values percent-encoded'),
  13253: warning('the headers of the SIP URI are too long', `at most ${limits.sipNounHeaderChars} characters together`),
  13256: warning(
    'recordingStatusCallback is not a URL',
    'an absolute http or https URL, or one relative to the document',
  ),
  13257: error('transcribeCallback is not a URL', 'an absolute http or https URL, or one relative to the document'),
  13258: error('Sim inside Dial: there is no network of SIM cards here', 'Number by a trunk, or Sip'),
  13310: warning('finishOnKey of Gather names several keys', 'one of 0-9 # *, or empty'),
  13311: warning('finishOnKey of Gather is no key', 'one of 0-9 # *, or empty'),
  13312: warning('method of Gather is invalid', 'GET or POST'),
  13313: warning('timeout of Gather is invalid', 'whole seconds, at least 1'),
  13314: warning('numDigits of Gather is invalid', `1 to ${limits.gatherDigits}`),
  13320: warning('a verb that Gather cannot hold', 'Say, Play (without digits) or Pause'),
  13321: warning(
    'voice of a Say inside Gather is unknown; a default is used',
    'man, woman, or a voice of the language',
  ),
  13322: warning('loop of a Say inside Gather is invalid', `0 (as often as possible) to ${limits.playLoops}`),
  13325: error('the file of a Play inside Gather cannot be decoded', 'WAV (PCM, A-law, µ-law) or MP3; at most 40 MB'),
  13326: warning('input of Gather is invalid', 'dtmf, speech, or both with a space between'),
  13327: warning('speechTimeout of Gather is invalid', 'seconds from 1 to 60, or auto'),
  13328: warning('maxSpeechTime of Gather is invalid', 'seconds from 1 to 60'),
  13329: warning('partialResultCallbackMethod of Gather is invalid', 'GET or POST'),
  13330: warning('hints of Gather are too many or too long', 'at most 500, each of 100 characters'),
  13331: warning('language of Gather is invalid', 'a language tag such as en-US'),
  13332: warning('bargeIn of Gather is invalid', 'true or false'),
  13333: warning('profanityFilter of Gather is invalid', 'true or false'),
  13334: warning('speechModel of Gather is unknown', 'leave it out: the configured recogniser has its own'),
  13335: warning('speechTimeout="auto" with a speechModel', 'one of the two; the timeout was used'),
  13338: error('actionOnEmptyResult of Gather is invalid', 'true or false'),
  13340: error('speech recognition failed', 'look at the recogniser (recogniserUrl): the message says how it failed'),
  13343: error('no speech recogniser is configured', 'the setting recogniserUrl'),
  13410: warning('loop of Play is invalid', `0 (as often as possible) to ${limits.playLoops}`),
  13420: error('the file of Play cannot be decoded', 'WAV (PCM, A-law, µ-law) or MP3; at most 40 MB'),
  13430: warning('digits of Play holds other characters', '0-9 A-D # * w W'),
  13510: warning('loop of Say is invalid', `0 (as often as possible) to ${limits.playLoops}`),
  13511: warning('voice of Say is unknown; a default is used', 'man, woman, or a voice of the language'),
  13512: warning('language of Say is unknown', 'a tag such as en-US or de-DE'),
  13520: warning(
    'Say has no text, or the speech engine could not speak it',
    'the message says which; npm run doctor names the speech engine',
  ),
  13521: warning(
    'the text of Say is too long and was cut',
    `at most ${limits.sayChars} characters, ${limits.sayPollyChars} of a Polly voice, ${limits.sayGoogleChars} of a Google voice`,
  ),
  13610: warning('method of Record or of a recording callback is invalid', 'GET or POST'),
  13611: warning('timeout of Record is invalid', 'whole seconds; 0 = silence does not end it'),
  13612: warning('maxLength of Record is invalid', '2 to 14400 seconds'),
  13613: warning('finishOnKey of Record is invalid', 'any of 0-9 # *'),
  13614: warning('Record cannot be transcribed', 'transcribe is true or false, and needs a speech recogniser'),
  13615: warning('maxLength of Record is too long for a transcription', 'at most 120 seconds'),
  13616: warning('playBeep of Record is invalid', 'true or false'),
  13621: error('recordingStatusCallbackEvent is invalid', 'in-progress, completed, absent'),
  13622: warning('recordingTrack is invalid', 'inbound, outbound or both'),
  13699: warning('trim is invalid', 'trim-silence or do-not-trim'),
  13710: warning('method of Redirect is invalid', 'GET or POST'),
  13750: warning('a verb or attribute that this version does not run', 'see "Not yet" in the README'),
  13801: error('Refer on a call whose signalling has no REFER', 'use Refer on SIP calls, Dial on others'),
  13802: error(
    'a party of a Dial asked for a transfer, and the Dial has no referUrl',
    'give the Dial a referUrl, or switch transfers off in the phone',
  ),
  13810: warning('reason of Reject is invalid', 'rejected or busy'),
  13910: warning('length of Pause is invalid', 'whole seconds, at least 1'),

  // --- recordings
  16101: warning('a recording is absent: it was too short', 'nothing was heard before the call ended'),
  16102: warning('a recording is absent: it holds nothing but silence', 'do-not-trim keeps silence'),
  16108: rest(400, 'Twilio.CURRENT names more than one recording', 'name the recording by its SID'),
  16113: rest(400, 'the recording has one channel only', 'record with two, or leave RequestedChannels out'),

  // --- REST in general
  20001: rest(400, 'a parameter is invalid', 'the message names it'),
  20002: rest(400, 'FriendlyName is too long', `at most ${limits.friendlyNameChars} characters`),
  20003: rest(
    401,
    'the credentials are missing or wrong',
    'account SID and auth token of an account that may see this',
  ),
  20004: rest(405, 'the method is not allowed here', 'GET reads, POST makes and changes, DELETE removes'),
  20005: rest(403, 'the account is not active', 'its parent account can set its Status to active'),
  20009: rest(409, 'the call cannot be deleted before it is complete', 'end it first: Status=completed'),
  20404: rest(404, 'there is no such resource', 'check SID and account in the path'),
  20409: rest(409, 'the change meets another one', 'read the resource again, then repeat'),
  20413: rest(
    413,
    'the body is too large or has too many parameters',
    `at most ${limits.restBodyBytes} bytes and ${limits.restFormFields} parameters`,
  ),
  20415: rest(415, 'the body is of another type', 'application/x-www-form-urlencoded'),
  20416: rest(416, 'the range is not within the media', 'see Content-Range of the answer for its size'),
  20422: rest(
    422,
    'the account has as many subaccounts or keys as it may',
    `at most ${limits.subAccountsPerAccount} subaccounts and ${limits.apiKeysPerAccount} keys`,
  ),
  20429: rest(429, 'too many requests of the account at once', 'try again later'),
  20500: rest(500, 'a fault of the gateway', 'report it with the log line'),
  20503: rest(503, 'the database cannot be used now', 'check the disk of dataDir, then try again'),

  // --- REST: keys
  70001: rest(400, 'a key cannot be made or changed like this', 'the message says what is wrong'),
  70002: rest(400, 'a permission of a restricted key is not known', 'the message names it'),
  70051: rest(401, 'the restricted key lacks a permission', 'the message names it; add it to the policy of the key'),

  // --- REST: accounts and calls
  21101: rest(400, 'a subaccount cannot have subaccounts', 'make it under the main account'),
  21201: rest(400, 'To is missing', 'a number, sip:user@host or client:name'),
  21205: rest(400, 'the URL is missing or invalid', 'give Url or Twiml; a domain needs voiceUrl or twiml'),
  21206: rest(400, 'SendDigits is invalid', `at most ${limits.sendDigitsChars} of 0-9 A-D # * w W`),
  21208: rest(400, 'Timeout is invalid', `1 to ${limits.dialTimeoutMaxSeconds} seconds`),
  21209: rest(400, 'a method is invalid', 'GET or POST'),
  21210: rest(400, 'the account may not show this From', 'use one of its own numbers'),
  21211: rest(400, 'To is invalid', 'a number, sip:user@host or client:name'),
  21212: rest(400, 'From is invalid', 'a number, sip:user@host or client:name'),
  21213: rest(400, 'From is missing', 'a number, sip:user@host or client:name'),
  21214: rest(400, 'To cannot be reached: there is no trunk for it', 'declare a trunk, or give the trunk a target'),
  21215: rest(400, 'the number is not allowed', 'add its prefix to allowedPrefixes'),
  21216: rest(
    400,
    'the number is blocked, or the minutes of the day are used up',
    'see blockedPrefixes and maxDailyMinutes',
  ),
  21217: rest(400, 'PhoneNumber is invalid', 'E.164: + and up to 15 digits'),
  21218: rest(400, 'ApplicationSid is invalid', 'the SID of an application of the account'),
  21220: rest(400, 'the call is not in progress', 'only an answered call can be redirected'),
  21221: rest(400, 'SipAuthUsername is too long', `at most ${limits.sipAuthChars} characters`),
  21222: rest(400, 'SipAuthUsername holds characters that are not allowed', 'no quotes and no line breaks'),
  21223: rest(400, 'SipAuthPassword is too long', `at most ${limits.sipAuthChars} characters`),
  21224: rest(400, 'SipAuthPassword holds characters that are not allowed', 'no line breaks'),
  21225: rest(400, 'SipAuthPassword is missing', 'give both or neither'),
  21227: rest(
    400,
    'the headers of the SIP URI are too long',
    `at most ${limits.sipToHeadersChars} characters together`,
  ),
  21228: rest(400, 'the name of a SIP header is not allowed', 'X-… and User-to-User'),
  21229: rest(400, 'the value of a SIP header is not allowed', 'percent-encode it; no line breaks'),
  21234: rest(400, 'a setting of machine detection is invalid', 'the message names it and its range'),
  21262: warning('AsyncAmd has no AsyncAmdStatusCallback', 'give the URL that is to be told the verdict'),
  21263: warning('a parameter of machine detection has no effect', 'the message says why'),
  21475: rest(400, 'Status of the account is invalid', 'active, suspended or closed'),
  21477: rest(400, 'only a parent changes the Status of a subaccount', 'use the credentials of the parent'),
  21479: rest(400, 'a closed account stays closed', 'make a new one'),
  21481: rest(400, 'PageToken is invalid', 'follow next_page_uri as it was given'),
  21502: rest(400, 'StatusCallback is invalid', 'an absolute http or https URL'),
  21626: warning('StatusCallbackEvent is invalid; no callbacks come', 'initiated, ringing, answered, completed'),

  // --- REST: SIP domains and lists
  21230: rest(400, 'the account has as many SIP domains as it may', `at most ${limits.domainsPerAccount}`),
  21231: rest(400, 'a value of the SIP domain or mapping is invalid', 'the message names it'),
  21232: rest(400, 'the domain name is invalid or taken', 'labels of letters, digits and -, below the domain suffix'),
  21233: rest(400, 'the domain still has sub-domains', 'remove or rename them first'),
  21235: rest(400, 'the list or address exists already, or a value is invalid', 'the message names it'),
  21236: rest(400, 'the IP access control list is still mapped', 'remove it from its domains first'),
  21237: rest(
    400,
    'the IP access control list is full',
    `at most ${limits.ipAddressesPerList} entries; one entry can be a network`,
  ),
  21238: rest(400, 'the IP address is invalid', 'IpAddress, and CidrPrefixLength for a network'),
  21239: rest(400, 'the account has as many credential lists as it may', `at most ${limits.credentialListsPerAccount}`),
  21240: rest(400, 'the name of the credential list is invalid or taken', 'choose another FriendlyName'),
  21241: rest(400, 'the credential list is still mapped', 'remove it from its domains first'),
  21242: rest(400, 'the credential list is full', `at most ${limits.credentialsPerList} users`),
  21243: rest(
    400,
    'user name or password is invalid',
    `${limits.passwordMinChars} characters or more with upper case, lower case and a digit`,
  ),
  21253: rest(
    400,
    'the account has too many connection policies',
    `at most ${limits.connectionPoliciesPerAccount}; remove one`,
  ),
  21254: rest(400, 'the connection policy has too many targets', `at most ${limits.targetsPerPolicy}`),
  21255: rest(
    400,
    'the account has too many IP access control lists',
    `at most ${limits.ipAccessControlListsPerAccount}`,
  ),
  21300: rest(
    400,
    'the SID of the trunk is invalid, or nobody has it',
    'BY and 32 hex digits of a trunk of the account',
  ),
  21301: rest(
    400,
    'the account has as many applications as it may',
    `at most ${limits.applicationsPerAccount}; remove one`,
  ),
  21402: rest(400, 'a URL of a phone number or application is invalid', 'an absolute http or https URL'),
  21403: rest(400, 'a method of a phone number or application is invalid', 'GET or POST'),
  21405: rest(400, 'a phone number or application has a fallback and no VoiceUrl', 'give VoiceUrl too'),
  21420: rest(400, 'VoiceApplicationSid is invalid', 'the SID of an application of the account'),
  21421: rest(400, 'PhoneNumber is invalid', 'E.164: + and up to 15 digits'),
  21422: rest(400, 'the phone number is declared already', 'update or remove the one that is there'),
  21450: rest(400, 'the caller id is already verified', 'it can be used'),
  21452: rest(400, 'there are no numbers to buy', 'give the PhoneNumber that your carrier routes to you'),

  22005: rest(400, 'the account has calls waiting for more than a day', 'make fewer calls, or raise callsPerSecond'),

  // --- media streams and ConversationRelay
  31901: error('the stream or recording server did not answer', 'check address, firewall and load of the server'),
  31902: error('the stream server refused the connection', 'start it; check host and port of the URL'),
  31903: error(
    'the connection to the stream or recording server broke',
    'see why it went away or stopped reading; a call without audio cannot be recorded',
  ),
  31904: error(
    'the host of the stream or recording server cannot be reached',
    'check the name; for streams private addresses need webhookAllowPrivate',
  ),
  31910: error('the TLS handshake with the stream server failed', 'offer TLS 1.2 or newer, and a trusted certificate'),
  31920: error(
    'the stream server did not answer the handshake with 101, or the recording server took no session',
    'the path of the URL must speak WebSocket; see the SIP status in the message',
  ),
  31921: error('the stream server closed the connection badly', 'close with code 1000'),
  31922: error('the scheme of the stream URL is not supported', 'wss; ws for this machine and private addresses'),
  31923: error('the URL of the stream is malformed', 'an absolute wss URL, or one relative to the document'),
  31924: error('the stream server broke the WebSocket protocol', 'see the message; use a maintained library'),
  31940: error('connectorName names nothing', 'for Siprec see siprecConnectors; in Stream leave it out and give url'),
  31941: error('track of Stream or Siprec is invalid', 'inbound_track, and in Start outbound_track or both_tracks'),
  31951: warning(
    'the stream server sent an invalid message',
    'media, mark and clear, each with the streamSid of start',
  ),
  64101: warning('an attribute of ConversationRelay is invalid', 'the message names it; url is needed'),
  64102: error('no connection to the server of ConversationRelay', 'the message says why; check its URL'),
  64105: error('the server of ConversationRelay ended the connection', 'send end first, and see its log'),
  64107: error('ConversationRelay got an invalid message', 'text, play, sendDigits, language or end'),

  // --- SIP
  32001: error('the trunk has had too many calls in this second', 'raise maxCallsPerSecond of the trunk'),
  32002: warning('there is no SIP domain of that name', 'check the host of the dialled URI, or make the domain'),
  32006: warning('Max-Forwards is used up: the call goes in circles', 'look for a Dial that leads back here'),
  32007: sip(
    'warning',
    'the user has as many registrations as it may',
    'Too many bindings for this address of record',
    `at most ${limits.bindingsPerAor} phones for a user; old ones expire`,
  ),
  32008: sip(
    'warning',
    'the user registers too often',
    'REGISTER rate limit exceeded',
    `at most ${limits.registersPerAorPerSecond} in a second; raise the interval of the phone`,
  ),
  32009: warning('the dialled user is not registered', 'check that the phone is registered at this domain'),
  32011: warning(
    'a trunk answered with an error, or a SIP URI could not be reached',
    'the message says why; of a trunk the next target is tried',
  ),
  32012: warning('the trunk carries as many calls as it may', 'raise maxConcurrentCalls of the trunk'),
  32013: error('the account has started too many calls in this second', 'spread the calls, or raise its limit'),
  32014: warning('no audio came for a minute; the call was ended', 'open the media ports; check publicAddress'),
  32015: warning('the call reached its longest duration', 'timeLimit of Dial, TimeLimit of REST; 4 hours otherwise'),
  32018: rest(400, 'Twiml is too long', `at most ${limits.twimlInlineChars} characters; give a Url for more`),
  32019: warning('Url and Twiml were both given; Url is used', 'give one of them'),
  32022: error('no ACK came for a 200; the call was ended', 'the Contact address must be reachable: publicAddress'),
  32102: warning('the session description is broken', 'see the message for its line'),
  32103: warning('the session description is empty', 'send SDP, or no body at all'),
  32114: warning(
    'a parameter or scheme of the URI is not supported',
    'sips: write sip with transport=tls or secure=true',
  ),
  32201: sip(
    'error',
    'the source address is in no IP list of the domain',
    'Authentication failure - source IP Address not in ACL',
    'add it to an IP access control list of the domain',
  ),
  32202: sip(
    'error',
    'user name or password is wrong',
    'Authentication failure - bad user credentials',
    'check both, and the credential lists of the domain',
  ),
  32203: error('the minutes of the day are used up', 'raise maxDailyMinutes, or wait for the next UTC day'),
  32205: error('the trunk may not be used for this number', 'add the prefix to allowedPrefixes of the trunk'),
  32207: error('SRTP was offered and is not accepted', 'call over TLS with mediaEncryption optional, or set secure'),
  32208: error('plain RTP was offered and SRTP is required', 'switch SRTP on in the phone, or secure off'),
  32209: sip(
    'error',
    'the domain takes TLS only, or the user is not registered over TLS',
    'Secure SIP transport required',
    'use TLS in the phone, or set secure off',
  ),
  32210: sip(
    'error',
    'the domain takes no registrations',
    'SIP registration not supported',
    'set sipRegistration of the domain',
  ),
  32212: sip(
    'warning',
    'the registration was not authenticated',
    'SIP registration authentication problem',
    'check user, password and registrationCredentialLists; the user in To must be the one that logs in',
  ),
  32214: warning('the dialled SIP domain belongs to another account', 'dial users of your own domains'),
  32218: error('a transfer was asked for where none is possible', 'transfer a call that a Dial has connected'),
  32219: error('a redirect of a trunk was not followed', 'the message says why; let the trunk route the call itself'),
  32223: error('the dialled SIP URI has no user', 'write sip:user@domain'),
  32400: error('the trunk has no target that can be tried', 'give it one, and see why the others do not answer'),
  32401: warning('the trunk in Byoc does not exist', 'use the SID of a trunk of the account'),
};

/** How loud the dictionary says this code (sip-interface.md 8.4); what has no row is an error. */
export const levelOf = (code: number): ErrorEntry['level'] => errorCatalogue[code]?.level ?? 'error';

/** HTTP status of a REST answer with this code: 400 where the catalogue names none. */
export const httpStatusOf = (code: number): number => errorCatalogue[code]?.httpStatus ?? 400;

/** `32201 Authentication failure …`: value of X-Twilio-Error. */
export const sipErrorValue = (code: number, otherwise: string): string =>
  `${code} ${errorCatalogue[code]?.sipText ?? otherwise}`;
