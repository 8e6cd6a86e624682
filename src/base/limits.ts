// Every size, count and wait that bounds a peer, in one place, with its unit in its name (design.md 5.4).
// One piece, because it is one table.

export const limits = {
  // --- SIP messages
  sipMessageBytes: 65_535,
  sipStreamHeaderBytes: 32_768,
  sipHeaderCount: 256,
  sipHeaderLineBytes: 8_192,
  sipUriBytes: 2_048,
  sipBodyBytes: 32_768,
  routeSetEntries: 32,
  // --- flows
  flowsPerSource: 200,
  flowsTotal: 50_000,
  flowHandshakeMs: 10_000,
  flowIdleMs: 20 * 60_000,
  flowPingMs: 5 * 60_000,
  flowSendQueueBytes: 1 << 20,
  flowConnectMs: 4_000,
  flowPartialMessageMs: 32_000,
  flowSweepMs: 10_000,
  udpFlowsCached: 100_000,
  udpSockets: 512,
  udpReceiveBufferBytes: 4 << 20,
  interfacesRereadMs: 10_000,
  // --- overload
  /** So many datagrams the event loop reads of one socket before it does something else (libuv). */
  datagramsPerPoll: 32,
  /** Requests of one kind that wait for their turn. */
  overloadQueue: 1_000,
  /** So many may always wait, while there is no overload. */
  overloadFew: 16,
  /** A burst may let new calls wait so many times the target. */
  overloadBurstFactor: 4,
  /** So long the wait stays above the target before that is no burst any more. */
  overloadPatienceMs: 500,
  /** So long nothing is refused, and nobody waits half of the target, before the overload is over. */
  overloadCalmMs: 2_000,
  /** What has waited so long is sent again by then (RFC 3261 T1), or given up. */
  overloadStaleMs: 500,
  /** How long a REGISTER may be expected to wait. */
  overloadRegisterMs: 400,
  /** Of each turn of the event loop, for REGISTERs that wait. */
  overloadRegisterSliceMs: 5,
  /** So far apart are REGISTERs served when more of them come: those of that time together. */
  registersGatheredMs: 10,
  /** New requests get a turn after so long, however many datagrams are waiting. */
  overloadStarvedMs: 20,
  /** Of each window, so much goes into refusing; more is met with silence. */
  overloadWindowMs: 100,
  overloadRefusingMs: 35,
  /** What one refusal is taken to cost at most. */
  overloadRefusalMs: 1,
  /** Calls whose route and media are being found; the next one waits for its turn until one of them rings. */
  callsBeingOpened: 64,
  /** A call that is not ringing after so long is not counted among them any more. */
  callOpeningMs: 3_000,
  /** How soon it is looked again then. */
  overloadPauseMs: 2,
  refusalsRemembered: 1 << 16,
  refusalRememberedMs: 32_000,
  retryAfterMinSeconds: 2,
  retryAfterMaxSeconds: 10,
  routesCached: 10_000,
  sipDestinations: 20,
  // --- names
  dnsTryMs: 2_000,
  dnsQueryMs: 6_000,
  dnsInFlight: 2_000,
  dnsCacheEntries: 10_000,
  dnsLifetimeMaxMs: 3_600_000,
  dnsServiceLifetimeMs: 60_000,
  dnsNegativeMs: 10_000,
  dnsStaleMs: 24 * 3_600_000,
  dnsStaleWaitMs: 500,
  dnsSecondFamilyMs: 50,
  dnsFilesRereadMs: 2_000,
  // --- certificates
  certificatePollMs: 2_000,
  certificateKeepMs: 24 * 3_600_000,
  certificateFileBytes: 256 * 1_024,
  // --- transactions, dialogs, calls
  serverTransactions: 200_000,
  /** With more than these, answers to new requests but INVITE are kept for a shorter time. */
  serverTransactionsBusy: 50_000,
  calls: 10_000,
  /** Ended calls that their last webhook requests still find. */
  endedCalls: 200,
  earlyDialogsPerInvite: 12,
  dialTargets: 10,
  forkBranches: 20,
  dialTimeoutExtraMs: 5_000,
  callTimeLimitMs: 4 * 3_600_000,
  rtpSilenceMs: 60_000,
  heldProbeMs: 5 * 60_000,
  ackWaitMs: 32_000,
  targetFailoverMs: 4_000,
  /** How often running calls on trunks are charged to the talk time of the day. */
  trunkUsageTickMs: 10_000,
  trunkTargetsTried: 10,
  /** How long a target that did not take a call comes behind the others. */
  trunkTargetRestMs: 60_000,
  trunkTargetsResting: 1_000,
  /** OPTIONS without an answer in a row before a target of a trunk is taken out. */
  trunkProbeFailures: 3,
  trunkProbesInFlight: 100,
  trunkProbeSweepMs: 1_000,
  registrationRetryMinMs: 30_000,
  registrationRetryMaxMs: 30 * 60_000,
  /** How long a cancelled INVITE that rang may take to give its 487 before the session ends without it. */
  cancelAnswerMs: 4_000,
  reinviteRetries: 5,
  queuedReinvites: 8,
  /** How long an offer of the peer may wait for our answer. */
  offerAnswerMs: 20_000,
  queuedProvisionals: 8,
  /** RFC 4028 5: no interval below it is taken, nor asked for. */
  sessionExpiresMinSeconds: 90,
  sessionExpiresMaxSeconds: 86_400,
  sessionRefreshRetryMs: 10_000,
  mergedRequestMs: 32_000,
  mergedRequests: 50_000,
  uaStopMs: 3_000,
  // --- transfers
  /** A REFER that nobody accepted or refused by then is declined. */
  referAnswerMs: 5_000,
  /** RFC 6665 4.1.2.4: how long after the 202 the first NOTIFY may come. */
  referFirstNotifyMs: 32_000,
  /** Life of the subscription that a REFER makes: ringing, and an answer. */
  referSubscriptionMs: 180_000,
  /** The vendor's limit for a Refer-To (sip-interface.md 5.2), and ours for one with Replaces in it. */
  referToChars: 256,
  referToReplacesChars: 1_024,
  /** How long a transferor may take to answer its last NOTIFY before its leg is ended. */
  transferorLeaveMs: 2_000,
  transfersPerCall: 32,
  /** Dialogs that ended a moment ago: a Replaces that names one gets 603. */
  endedDialogs: 10_000,
  endedDialogMs: 32_000,
  // --- registrar
  registrationMinSeconds: 600,
  registrationMaxSeconds: 3_600,
  bindingsPerAor: 10,
  /** Of a domain, in one answer of REST. */
  bindingsPerDomain: 1_000_000,
  bindingsPerAccount: 10_000_000,
  registersPerAorPerSecond: 5,
  bindingKeepAliveMs: 25_000,
  registerStoreWaitMs: 500,
  // --- access
  sourceBudgetBurst: 40,
  sourceBudgetPerSecond: 10,
  sourcesTracked: 100_000,
  digestFailuresBeforeBan: 10,
  banMs: 10 * 60_000,
  nonceLifetimeMs: 5 * 60_000,
  noncesTracked: 100_000,
  /** How long a source that authenticated (or is listed) is free of budget and bans. */
  trustedSourceMs: 3_600_000,
  digestCredentialHeaders: 4,
  // --- webhooks and documents
  webhooksInFlightPerOrigin: 256,
  webhooksQueuedPerOrigin: 1_024,
  webhookRedirects: 10,
  webhookBodyBytes: 64 * 1_024,
  webhookUrlChars: 8_000,
  /** Webhooks of one call that are searched for the signature of an application. */
  signaturesExplained: 50,
  /** Requests of a call that a replay knows. */
  exchangesReplayed: 1_000,
  /** Of an answer, in the records of webhooks. */
  webhookLogBodyBytes: 8_192,
  webhookTimeoutMs: 15_000,
  webhookConnectMs: 5_000,
  cookiesPerCall: 50,
  cookieBytes: 4_096,
  documentsWithoutWait: 100,
  /** A verb that was over in less has not taken time: the guard against documents in circles goes on. */
  verbWaitMs: 20,
  queueNameChars: 64,
  queueSizeDefault: 1_000,
  queueSizeMax: 5_000,
  queuesPerAccount: 10_000,
  /** A wait document is requested again at most once in so long; the second one while its rounds take no time. */
  waitDocumentPaceMs: 1_000,
  waitDocumentPaceMaxMs: 10_000,
  twimlInlineChars: 4_000,
  twimlDepth: 16,
  twimlElements: 2_000,
  twimlAttributesPerElement: 64,
  cookieJars: 10_000,
  httpHeaderBytes: 16_384,
  statusCallbacksQueued: 20_000,
  statusCallbacksPerCall: 64,
  /** Notifications that wait to be told to the debugger webhook. */
  debuggerNoticesQueued: 1_000,
  /** Waits before a status callback whose receiver was not reached is tried again; after the last it is given up. */
  statusCallbackRetryMs: [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000] as readonly number[],
  warningsPerDocument: 50,
  dialCallerIdChars: 64,
  sipNounUriChars: 255,
  sipNounHeaderChars: 1_024,
  sipNounUris: 10,
  clientIdentityChars: 256,
  clientParameters: 32,
  clientParameterChars: 500,
  /** Applications that dial one another in a chain. */
  applicationDepth: 10,
  // --- conferences
  conferenceNameChars: 128,
  conferenceParticipants: 250,
  conferencesPerAccount: 5_000,
  /** Status callbacks of one conference that wait: all of a full one leave at once, each with an event. */
  conferenceCallbacksQueued: 1_000,
  participantLabelChars: 128,
  /** Announcements to one participant, or to one room, that wait or play. */
  conferenceAnnouncements: 16,
  // --- session descriptions
  sdpLines: 1_000,
  sdpMediaSections: 16,
  sdpFormatsPerMedia: 64,
  /** Master keys of one a=crypto line, told apart by their identifiers. */
  srtpKeysPerLine: 8,
  // --- media
  mediaFileBytes: 40 * 1024 * 1024,
  mediaFileFetchMs: 15_000,
  mediaCacheBytes: 64 * 1024 * 1024,
  mediaInFlightBytes: 256 * 1024 * 1024,
  /** Of audio that was answered in place of a document, until it is played. */
  answeredAudioBytes: 128 * 1024 * 1024,
  /** Length of any decoded file or synthesized text. */
  mediaDecodedSeconds: 3_600,
  mp3Decoders: 2,
  mp3DecodeQueue: 64,
  /** Without any progress: the decoder hangs. */
  mp3StallMs: 5_000,
  playLoops: 1_000,
  /** Music on hold: what is kept of one file, how many files, for how long. */
  holdMusicSeconds: 600,
  holdMusicCached: 16,
  holdMusicCachedMs: 5 * 60_000,
  portRestMs: 10_000,
  latchWindowMs: 5_000,
  latchSilenceMs: 2_000,
  mediaDatagramBytes: 1_500,
  /** A bridge that a fast path refused, or that had to come back for a packet, is not offered again before. */
  fastPathRestMs: 2_000,
  /** Relays in the kernel per gateway; what one of its transactions holds; how long one run of nft may take, and may say. */
  kernelRelays: 4_000,
  kernelBatch: 256,
  /** Of a transaction that failed, so many relays are tried alone. */
  kernelRetries: 16,
  nftRunMs: 5_000,
  nftOutputBytes: 64 * 1024 * 1024,
  /** The kernel's counters are read so often; faster while it is not known whether packets get through. Changes are looked for: */
  kernelPollMs: 1_000,
  kernelTrialPollMs: 100,
  kernelTickMs: 50,
  /** After a relay that failed, a media worker asks for no other before. */
  kernelRestMs: 3_000,
  /** Counters that were not read for so long are not trusted: the call is relayed in user space again. */
  kernelStaleMs: 10_000,
  /** Between two of our addresses where packets did not get through, it is not tried again before. */
  kernelBlockedMs: 600_000,
  /** Of the threads that carry audio; below 0 goes first. */
  mediaNice: -10,
  /** What a media thread allocates until it collects: packets wait for that, so often and short in place of seldom and long. */
  mediaYoungGenerationMb: 3,
  mediaPacketsPerSecond: 250,
  mediaPacketBurst: 500,
  mediaCatchUpFrames: 5,
  mediaRingPackets: 512,
  mediaWorkersMax: 8,
  /** Plays to one mixer at once. */
  mixerPlays: 16,
  /** Frames from another worker that a mixer keeps: 160 ms. */
  mixerLinkFrames: 8,
  mediaWorkerRestartMs: 1_000,
  recordingMs: 4 * 3_600_000,
  /** Audio of one recording that waits for the disk: a minute of two channels. */
  recordingQueuedBytes: 2 * 1024 * 1024,
  /** Recordings that run on one endpoint or mixer at once, and taps on one endpoint. */
  recordingsPerEndpoint: 20,
  tapsPerEndpoint: 16,
  /** Tapped frames of one endpoint on their way to the signalling thread: 5 s of one track. */
  tapFramesWaiting: 250,
  /** Audio fed to a stream that is not played yet, and marks that are not reached. */
  streamBufferMs: 600_000,
  streamMarks: 1_024,
  /** Recordings of one call or conference that run at the same time. */
  recordingsPerOwner: 16,
  /** Shorter ones are absent. */
  recordingMinMs: 100,
  /** Kept before the first and behind the last sound when silence is cut off. */
  recordingTrimMarginMs: 200,
  recordingBeepMs: 400,
  /** How long the end of a call or of the gateway waits for a recording to be in its place. */
  recordingEndWaitMs: 5_000,
  recordingReadBytes: 64 * 1_024,
  /** Media of recordings that are sent at the same time. */
  recordingDownloads: 256,
  recordingRenders: 2,
  recordingRenderQueue: 32,
  recordingNameChars: 256,
  /** Connections to the store of recordings: all downloads, and what moves beside them. */
  objectStoreSockets: 300,
  objectStoreConnectMs: 10_000,
  /** A transfer in which nothing moves for so long has failed. */
  objectStoreStallMs: 30_000,
  /** Of a request without a file in it, when the connection breaks. */
  objectStoreAttempts: 3,
  /** Recordings that move to their store at the same time, and those that are known to wait; more wait in the folder. */
  recordingMoves: 4,
  recordingMovesQueued: 1_000,
  /** Between two tries while the store does not take them: the first wait, doubled up to the last. */
  recordingMoveRetryMs: 5_000,
  recordingMoveRetryMaxMs: 300_000,
  /** Recordings fetched back whole at once, to make MP3s of them. */
  recordingFetches: 2,
  gatherDigits: 1_024,
  /** twiml.md 5.1: of basic voices, and of those of the two providers. */
  sayChars: 4_096,
  sayPollyChars: 3_000,
  sayGoogleChars: 5_000,
  // --- speech
  /** SSML tags count too; speechTextChars is what is spoken of it. */
  speechInputChars: 16_384,
  speechTextChars: 5_000,
  speechProcesses: 4,
  speechQueue: 256,
  speechTimeoutMs: 15_000,
  /** How long a text waits while others are spoken. */
  speechQueueMs: 5_000,
  /** An engine that gave no answer in time is left out for so long. */
  speechRestMs: 10_000,
  speechSeconds: 600,
  speechBytes: 32 * 1024 * 1024,
  speechCacheBytes: 64 * 1024 * 1024,
  speechIdleMs: 60_000,
  /** What a speech service or recogniser says of its refusal, in log and notifications. */
  engineReasonChars: 200,
  // --- speech recognition
  /** twiml.md 5.4: no more than this of one Gather is speech; recordings are cut into such pieces. */
  utteranceMs: 60_000,
  /** speechTimeout="auto": so long a pause ends an utterance. */
  speechPauseAutoMs: 800,
  gatherHints: 500,
  gatherHintChars: 100,
  /** twiml.md 5.5: recordings of other lengths are not transcribed. */
  transcribedLeastSeconds: 2,
  transcribedMostSeconds: 120,
  transcriptionsQueued: 1_000,
  transcriptionsPerCall: 16,
  /** A pause of so long ends a sentence of a live transcription. */
  transcriptionPauseMs: 500,
  /** Sentences of one track that the recogniser still works on; further ones are not heard. */
  transcriptionUtterances: 8,
  recogniserRequests: 32,
  recogniserQueue: 256,
  recogniserConnections: 256,
  recogniserTimeoutMs: 20_000,
  recogniserQueueMs: 5_000,
  recogniserAnswerBytes: 256 * 1_024,
  recogniserPromptChars: 800,
  recognisedTextChars: 8_000,
  /** Between two questions about an utterance that goes on, where the engine is asked for partial results. */
  partialResultMs: 1_000,
  ssmlDepth: 16,
  ssmlBreakMs: 10_000,
  ssmlBreaksTotalMs: 120_000,
  // --- session recording
  /** A recording server that rings for so long is given up. */
  siprecAnswerMs: 20_000,
  /** A server that is up is asked so often whether it still knows the session. */
  siprecProbeMs: 300_000,
  /** Names and values of the parameters of one Siprec together: they travel in the INVITE. */
  siprecParameterChars: 8_192,
  siprecConnectors: 100,
  siprecServersPerConnector: 10,

  // --- media streams
  /** Forked tracks of one call, streams and session recording together (twiml.md 9). */
  forkedTracksPerCall: 4,
  /** Streams of one call that REST still shows, ended ones included. */
  streamsKeptPerCall: 100,
  streamNameChars: 255,
  streamParameterChars: 500,
  streamParameters: 99,
  streamHandshakeMs: 10_000,
  /** One message of a stream's server: some minutes of audio. */
  streamMessageBytes: 4 * 1_024 * 1_024,
  /** Read from one server in each tick; the rest waits in its socket. */
  streamReadTickMs: 100,
  streamMessagesPerTick: 500,
  streamReadBytesPerTick: 4 * 1_024 * 1_024,
  streamMarkChars: 1_024,
  /** Marks of one stream that wait for their audio. */
  streamMarksWaiting: 1_000,
  /** Handed to the socket and not taken by the system yet; what is beyond waits in our own queue. */
  streamInFlightBytes: 64 * 1_024,
  /** Audio frames that wait for a slow server, 10 s of one track: the oldest is dropped. */
  streamFramesQueued: 500,
  /** Other messages that wait: beyond it the server is given up. */
  streamControlsQueued: 500,
  /** Nothing of what waits was taken for so long: the server is given up. */
  streamStallMs: 15_000,
  streamPingMs: 15_000,
  /** Without any frame from the server, pongs included. */
  streamSilenceMs: 45_000,
  /** How long a server may take to answer our close frame. */
  streamCloseMs: 3_000,
  // --- ConversationRelay
  /** Text that waits to be spoken, and messages of it. */
  relayTextChars: 32_000,
  relayItems: 1_000,
  /** A sentence without an end is spoken in pieces of this length. */
  relaySentenceChars: 240,
  /** What looks like a whole sentence is spoken when no more text comes for so long. */
  relaySentenceWaitMs: 300,
  /** Audio before the speech detector says that somebody speaks. */
  relayPreRollMs: 400,
  /** Silence that ends an utterance, beyond the pause that the speech detector forgives. */
  relayEndOfSpeechMs: 700,
  relayUtterancesWaiting: 8,
  relayHandoffChars: 16_384,
  // --- REST
  restBodyBytes: 256 * 1_024,
  pageSizeMax: 1_000,
  pageSizeDefault: 50,
  restConcurrentPerAccount: 200,
  restRequestMs: 30_000,
  /** How long an update that ends a call waits for the end of its leg. */
  restEndWaitMs: 5_000,
  restFormFields: 1_000,
  restPathBytes: 2_048,
  /** Unknown parameters that the log names. */
  restUnknownNamed: 10,
  restAccountsCached: 10_000,
  subAccountsPerAccount: 1_000,
  domainsPerAccount: 100,
  credentialListsPerAccount: 100,
  credentialsPerList: 1_000,
  ipAccessControlListsPerAccount: 1_000,
  ipAddressesPerList: 100,
  connectionPoliciesPerAccount: 10_000,
  targetsPerPolicy: 10,
  /** ByocTrunks, IpRecords and SourceIpMappings: of each kind. */
  trunkObjectsPerAccount: 1_000,
  phoneNumbersPerAccount: 100_000,
  applicationsPerAccount: 1_000,
  apiKeysPerAccount: 1_000,
  /** Notifications about calls for an account that is not active come no faster. */
  inactiveNoticeMs: 60_000,
  callerIdsPerAccount: 10_000,
  /** rest-api.md 13: the call that asks for the code of a caller id. */
  validationRingSeconds: 60,
  validationCallSeconds: 120,
  /** rest-api.md 15: longest life of credentials for ICE servers. */
  iceTokenSeconds: 86_400,
  /** rest-api.md 20: calls of an account that wait for their turn reach no further into the future. */
  callBacklogMs: 24 * 3_600 * 1_000,
  /** Calls over REST that wait for their turn, of all accounts. */
  callsQueued: 100_000,
  friendlyNameChars: 64,
  /** Of a restricted API key. */
  permissionsPerKey: 100,
  keyPolicyChars: 16_384,
  listFriendlyNameChars: 255,
  domainNameChars: 253,
  emergencyAddressChars: 2_048,
  usernameChars: 32,
  passwordMinChars: 12,
  passwordMaxChars: 256,
  restUrlChars: 2_048,
  sipToUriChars: 255,
  sipToHeadersChars: 1_024,
  sipAuthChars: 255,
  sendDigitsChars: 32,
  dialTimeoutMaxSeconds: 600,
  callTimeLimitMaxSeconds: 86_400,
  // --- store
  storeBindingCommitMs: 15,
  /** Open records are written to their file so much later; it is written anew after so many changes. */
  openRecordsDelayMs: 100,
  openRecordsLines: 20_000,
  storeBatchMs: 100,
  storeBatchRecords: 2_000,
  storeQueuedRecords: 50_000,
  storeQueuedBytes: 128 * 1024 * 1024,
  storeRetryMs: 1_000,
  storeBusyMs: 5_000,
  storeStatementsCached: 256,
  storeRemovedMarks: 10_000,
  /** Of text in an index; three bytes each at most. */
  storeKeyChars: 512,
  // --- deletion by age
  retentionFirstMs: 60_000,
  retentionEveryMs: 3_600_000,
  retentionBatch: 500,
  retentionPauseMs: 50,
  trunkUsageDays: 35,
  /** rest-api.md 8: what is known of a deleted recording. */
  deletedRecordingDays: 40,
  // --- PostgreSQL; connections of one gateway: readers + writers + 1
  postgresReaders: 8,
  postgresWriters: 3,
  postgresConnectMs: 5_000,
  postgresStatementMs: 10_000,
  postgresHeartbeatMs: 5_000,
  postgresLockPollMs: 200,
  postgresIdleMs: 60_000,
  postgresQueuedWrites: 20_000,
  directoryDebounceMs: 20,
  // --- trace
  tracedCalls: 2_000,
  traceEntriesPerCall: 500,
  tracedStrangers: 2_000,
  /** So many new ones within a second are a storm: then fewer are kept, and the heap is rid of them while they are young. */
  strangersOfAStorm: 1_000,
  tracedStrangersInStorm: 400,
  traceBytes: 64 * 1024 * 1024,
  /** How long after the end of a call its last answers may still come into its capture. */
  captureSettleMs: 5_000,
  /** RTP that one endpoint gives, and that is kept of one call and of all calls together. */
  captureRtpBytesPerEndpoint: 16 * 1024 * 1024,
  captureRtpBytesPerCall: 32 * 1024 * 1024,
  captureRtpBytes: 128 * 1024 * 1024,
  captureWritesInFlight: 1_024,
  /** Captures of calls that end about the same time are written together: how long the first waits, and how many there are at most. */
  captureGatherMs: 100,
  capturesAtOnce: 64,
  /** A segment of captures is begun anew after so much. */
  captureSegmentBytes: 8 * 1024 * 1024,
  captureSegmentMs: 3_600_000,
  /** Calls from a leg up to the first of its family. */
  callFamilyDepth: 16,
  captureSweepMs: 3_600_000,
  // --- scripted dialogues: what a script may be, and what is kept of a call for the one who tests with it
  scriptLines: 5_000,
  scriptLineChars: 4_000,
  /** Of one call in virtual time: an application that sends it in circles would be asked for hours of it. */
  virtualRequests: 2_000,
  watchedCalls: 100,
  watchedEvents: 5_000,
  /** A watch that nobody asks for is forgotten. */
  watchIdleMs: 10 * 60_000,
  /** How long an answer waits for something to happen. */
  watchPollMs: 10_000,
  watchPolls: 200,
  hepInFlight: 1_000,
  hepResolveMs: 60_000,
} as const;
