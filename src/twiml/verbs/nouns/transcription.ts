// Transcription inside Start and Stop: what is said on the call, told to the application as text (twiml.md 10.3).

import { limits } from '../../../base/limits.ts';
import { AttributeReader } from '../../attributes.ts';
import type { TranscriptionOptions } from '../../transcription-control.ts';
import type { StartableNoun } from '../startable.ts';

const TRACKS = ['inbound_track', 'outbound_track', 'both_tracks'] as const;
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

export const transcription: StartableNoun<TranscriptionOptions> = {
  name: 'Transcription',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const url = read.optionalUrl('statusCallbackUrl');
    const method = read.method('statusCallbackMethod', 12200);
    // Kept to themselves by the recogniser here: checked, and no more.
    for (const name of ['profanityFilter', 'enableAutomaticPunctuation', 'enableProviderData'])
      read.boolean(name, true, 12200);
    read.notSupported('intelligenceService', 'conversationConfiguration', 'conversationId');
    return read.finish({
      name: text(read, 'name'),
      track: read.choice('track', TRACKS, 'both_tracks', 12200),
      languageCode: readLanguage(read),
      engine: read.choice('transcriptionEngine', ['google', 'deepgram'], 'google', 12200),
      speechModel: text(read, 'speechModel'),
      hints: readHints(read),
      partialResults: read.boolean('partialResults', false, 12200),
      inboundTrackLabel: text(read, 'inboundTrackLabel'),
      outboundTrackLabel: text(read, 'outboundTrackLabel'),
      statusCallback: url === undefined ? undefined : { url, method },
    });
  },
  describe: ({ name = '', track }) => `${name} ${track}`.trim(),
  async start(options, { control, notify }) {
    const refused = control.transcriptions.start(options);
    if (refused) notify({ level: 'error', ...refused });
  },
  async stop(name, { control }) {
    return control.transcriptions.stop(name);
  },
};

function text(read: AttributeReader, name: string): string | undefined {
  const given = read.text(name)?.trim();
  if (given === undefined || given === '') return undefined;
  if (given.length <= limits.streamNameChars) return given;
  read.warn(12200, `${name} of Transcription is too long and was left out`);
  return undefined;
}

function readLanguage(read: AttributeReader): string {
  const language = read.text('languageCode')?.trim() ?? 'en-US';
  if (LANGUAGE.test(language)) return language;
  read.warn(12200, 'languageCode of Transcription is not a language tag');
  return 'en-US';
}

function readHints(read: AttributeReader): readonly string[] {
  const hints = (read.text('hints') ?? '')
    .split(',')
    .map((hint) => hint.trim())
    .filter((hint) => hint !== '' && hint.length <= limits.gatherHintChars);
  return hints.slice(0, limits.gatherHints);
}
