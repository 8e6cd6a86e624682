// Recording inside Start and Stop: records the call beside the document (twiml.md 10.1). It runs before the next verb does.

import { limits } from '../../../base/limits.ts';
import type { NamedRecording } from '../../../recording/control.ts';
import { AttributeReader } from '../../attributes.ts';
import { readRecordingCallback, readTrack, readTrim } from '../../recording-attributes.ts';
import type { StartableNoun } from '../startable.ts';

export const recording: StartableNoun<NamedRecording> = {
  name: 'Recording',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const track = readTrack(read, 'track');
    const channels = read.choice('channels', ['mono', 'dual'], 'dual', 12200);
    return read.finish({
      name: readName(read),
      recording: {
        // A single track is always mono.
        channels: track === 'both' && channels === 'dual' ? 2 : 1,
        track,
        trim: readTrim(read, 'trim-silence'),
        source: 'StartCallRecordingAPI',
        callback: readRecordingCallback(read, 12200),
      },
    });
  },
  describe: ({ name = '', recording: { track } }) => `${name} ${track}`.trim(),
  async start(noun, { control, notify }) {
    const refused = control.recordings.start(noun);
    if (refused) notify({ level: 'error', ...refused });
  },
  async stop(name, { control }) {
    return control.recordings.stop(name);
  },
};

function readName(read: AttributeReader): string | undefined {
  const name = read.text('name')?.trim();
  if (name === undefined || name === '') return undefined;
  if (name.length <= limits.recordingNameChars) return name;
  read.warn(12200, `name of Recording is longer than ${limits.recordingNameChars} characters and was left out`);
  return undefined;
}
