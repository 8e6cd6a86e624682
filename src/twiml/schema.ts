// What may stand where in a TwiML document (twiml.md 15 and the attribute tables of 5 to 13). Data only; document.ts applies it.
// The vendor's library emits less than its documentation names, so both are accepted.

export interface ElementRule {
  readonly children: ReadonlySet<string>;
  readonly attributes: ReadonlySet<string>;
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const rule = (attributes: string, children = ''): ElementRule => ({
  attributes: new Set(words(attributes)),
  children: new Set(words(children)),
});

const SSML = 'break emphasis lang p phoneme prosody s say-as sub w';
const SSML_INLINE = 'break emphasis lang phoneme prosody say-as sub w';
const SSML_SENTENCES = 'break emphasis lang phoneme prosody s say-as sub w';
const SHARED = 'url method statusCallback statusCallbackEvent statusCallbackMethod';
const MACHINE =
  'machineDetection machineDetectionTimeout machineDetectionSpeechThreshold machineDetectionSpeechEndThreshold ' +
  'machineDetectionSilenceTimeout amdStatusCallback amdStatusCallbackMethod';
const RECORDING = 'recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent';
const NAME_VALUE = rule('name value');

/** `Parent>Child` rules come before those by element name alone. */
export const schema: ReadonlyMap<string, ElementRule> = new Map([
  [
    'Response',
    rule(
      'version',
      'Connect Dial Echo Enqueue Gather Hangup Leave Pause Pay Play Prompt Queue Record Redirect Refer Reject Say Sms Start Stop',
    ),
  ],
  ['Say', rule('voice language loop', SSML)],
  ['break', rule('strength time')],
  ['emphasis', rule('level', SSML_INLINE)],
  ['lang', rule('xml:lang', SSML)],
  ['p', rule('', SSML_SENTENCES)],
  ['s', rule('', SSML_INLINE)],
  ['prosody', rule('volume rate pitch', SSML)],
  ['phoneme', rule('alphabet ph')],
  ['say-as', rule('interpret-as format role')],
  ['sub', rule('alias')],
  ['w', rule('role', 'break emphasis phoneme prosody say-as sub')],
  ['Play', rule('loop digits')],
  ['Pause', rule('length')],
  [
    'Gather',
    rule(
      'action method input timeout finishOnKey numDigits actionOnEmptyResult speechTimeout maxSpeechTime speechModel language ' +
        'hints profanityFilter enhanced bargeIn partialResultCallback partialResultCallbackMethod debug',
      'Say Play Pause',
    ),
  ],
  [
    'Record',
    rule(
      `action method timeout finishOnKey maxLength playBeep trim ${RECORDING} recordingConfigurationId transcribe transcribeCallback`,
    ),
  ],
  ['Redirect', rule('method')],
  ['Reject', rule('reason', 'Parameter')],
  ['Hangup', rule('', 'Parameter')],
  ['Refer', rule('action method', 'Sip')],
  ['Refer>Sip', rule('')],
  [
    'Dial',
    rule(
      `action method timeout timeLimit callerId answerOnBridge hangupOnStar record recordingTrack trim ${RECORDING} ` +
        'recordingConfigurationId ringTone sequential referUrl referMethod callReason events ifMachine passports',
      'Application Client Conference Number Queue Sim Sip WhatsApp',
    ),
  ],
  ['Number', rule(`${SHARED} sendDigits byoc ${MACHINE}`)],
  ['Sip', rule(`${SHARED} username password ${MACHINE}`, 'Headers Uri')],
  ['Uri', rule('username password priority weight')],
  ['Headers', rule('', 'Header')],
  ['Header', NAME_VALUE],
  ['Client', rule(`${SHARED} clientNotificationUrl`, 'Identity Parameter')],
  ['Identity', rule('')],
  ['Parameter', NAME_VALUE],
  ['Application', rule(`customerId copyParentTo ${SHARED}`, 'ApplicationSid Parameter')],
  ['ApplicationSid', rule('')],
  ['Sim', rule('')],
  ['WhatsApp', rule(SHARED)],
  [
    'Conference',
    rule(
      'muted beep startConferenceOnEnter endConferenceOnExit participantLabel jitterBufferSize waitUrl waitMethod maxParticipants ' +
        `record region trim coach statusCallback statusCallbackEvent statusCallbackMethod ${RECORDING} ` +
        'recordingConfigurationId eventCallbackUrl',
    ),
  ],
  ['Queue', rule('url method reservationSid postWorkActivitySid')],
  ['Enqueue', rule('action method waitUrl waitUrlMethod workflowSid maxQueueSize', 'Task')],
  ['Task', rule('priority timeout')],
  ['Leave', rule('')],
  ['Echo', rule('')],
  ['Sms', rule('to from action method statusCallback')],
  [
    'Connect',
    rule(
      'action method',
      'AiSession Assistant Autopilot Conversation ConversationRelay ConversationRelaySession Room Stream VirtualAgent',
    ),
  ],
  ['Start', rule('action method', 'Recording Siprec Stream Transcription')],
  ['Stop', rule('', 'Recording Siprec Stream Transcription')],
  [
    'Stream',
    rule('url name track statusCallback statusCallbackMethod connectorName audioFormat sampleRate', 'Parameter'),
  ],
  ['Recording', rule(`name channels track trim ${RECORDING} recordingConfigurationId`)],
  ['Siprec', rule('connectorName name track statusCallback statusCallbackMethod', 'Parameter')],
  [
    'Transcription',
    rule(
      'name statusCallbackUrl statusCallbackMethod track languageCode inboundTrackLabel outboundTrackLabel transcriptionEngine ' +
        'speechModel partialResults profanityFilter enableAutomaticPunctuation enableProviderData hints intelligenceService ' +
        'conversationConfiguration conversationId',
      'Config Parameter',
    ),
  ],
  ['Config', NAME_VALUE],
  [
    'ConversationRelay',
    rule(
      'url welcomeGreeting welcomeGreetingInterruptible language ttsLanguage transcriptionLanguage ttsProvider voice ' +
        'transcriptionProvider speechModel interruptible interruptSensitivity dtmfDetection reportInputDuringAgentSpeech ' +
        'preemptible hints debug elevenlabsTextNormalization intelligenceService partialPrompts profanityFilter events ' +
        'speechtimeout deepgramsmartformat ignorebackchannel backgroundnoisereduction',
      'Language Parameter',
    ),
  ],
  ['Language', rule('code ttsProvider voice transcriptionProvider speechModel')],
  [
    'Conversation',
    rule(
      'serviceInstanceSid inboundAutocreation inboundTimeout routingAssignmentTimeout url method record trim ' +
        `${RECORDING} statusCallback statusCallbackMethod statusCallbackEvent`,
    ),
  ],
  [
    'VirtualAgent',
    rule('connectorName language sentimentAnalysis statusCallback statusCallbackMethod', 'Config Parameter'),
  ],
  ['Room', rule('participantIdentity')],
  ['AiSession', rule('aiConnector aiSessionConfiguration')],
  ['Assistant', rule('', 'Language Parameter')],
  ['Autopilot', rule('')],
  ['ConversationRelaySession', rule('connector sessionConfiguration')],
  ['Pay', rule('', 'Parameter Prompt')],
  ['Prompt', rule('', 'Say Play Pause')],
]);

/** Verbs of the vendor that this version knows and does not run: skipped with a notification. Their insides are not checked. */
export const notRunVerbs: ReadonlySet<string> = new Set(words('Pay Prompt Queue Sms'));

/** Nouns of Dial that this version knows and does not dial. */
export const notDialledNouns: ReadonlySet<string> = new Set(words('Sim WhatsApp'));

/** twiml.md 15, restricted documents: what may run on a called party before it is bridged. */
export const screeningVerbs: ReadonlySet<string> = new Set(words('Play Say Pause Gather Hangup Redirect'));
