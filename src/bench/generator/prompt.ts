// The announcement that the application serves: ten seconds of two tones as a WAV file, 16 bit, 8,000 Hz, mono.

const RATE = 8_000;
const SECONDS = 10;
const HEADER_BYTES = 44;

export function writeWav(): Buffer {
  const samples = RATE * SECONDS;
  const file = Buffer.alloc(HEADER_BYTES + 2 * samples);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(2 * RATE, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(2 * samples, 40);
  for (let index = 0; index < samples; index++) {
    const time = (2 * Math.PI * index) / RATE;
    file.writeInt16LE(Math.round(6_000 * (Math.sin(440 * time) + Math.sin(620 * time))), HEADER_BYTES + 2 * index);
  }
  return file;
}
