// The load generator's process: answers the questions of the bench, one after another, until the channel to it closes.

import { realClock, sleep } from '../../base/clock.ts';
import type { Answers, Effort, FromGenerator, OpenQuestion, PairsQuestion, Question, ToGenerator } from './protocol.ts';
import { RegistrarLoad } from './registrar-load.ts';
import { Session } from './session.ts';

/** How long packets may be on their way when the measured time is over. */
const TAIL_MS = 300;

let session: Session | undefined;

const tell = (message: FromGenerator): void => {
  process.send?.(message);
};

/** Share of a core since `from`. */
function cpuMeter(): () => number {
  const from = process.cpuUsage();
  const began = realClock.now();
  return () => {
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1_000 / Math.max(1, realClock.now() - began);
  };
}

function opened(): Session {
  if (!session) throw new Error('the generator is not open');
  return session;
}

async function open(question: OpenQuestion): Promise<Answers['open']> {
  await session?.close();
  session = new Session(question);
  return session.open();
}

function openPairs({ pairs }: PairsQuestion): Answers['pairs'] {
  const { rtp } = opened();
  rtp.isByStamp = true;
  pairs.forEach(({ a, b }, index) => {
    const one = rtp.add({ socket: rtp.socketOf(2 * index, 'stamps'), remote: a, codec: 'PCMU', voice: 'stamp' });
    const other = rtp.add({ socket: rtp.socketOf(2 * index + 1, 'stamps'), remote: b, codec: 'PCMU', voice: 'stamp' });
    one.peer = other;
    other.peer = one;
  });
  return { streams: rtp.streamCount };
}

type Edge = (edge: 'begin' | 'end') => void;

async function measure(seconds: number, onEdge: Edge): Promise<Answers['measure']> {
  const { rtp } = opened();
  const cpu = cpuMeter();
  rtp.beginMeasure();
  onEdge('begin');
  const began = realClock.now();
  await sleep(realClock, seconds * 1_000);
  const effort: Effort = { cpu: cpu(), lateMs: rtp.late.spread() };
  const elapsed = (realClock.now() - began) / 1_000;
  rtp.endMeasure();
  onEdge('end');
  await sleep(realClock, TAIL_MS);
  return rtp.answer(elapsed, effort);
}

async function answer(question: Question, onEdge: Edge): Promise<Answers[keyof Answers]> {
  switch (question.ask) {
    case 'open':
      return open(question);
    case 'rate':
      return opened().rate(question, onEdge, cpuMeter());
    case 'hold':
      return opened().hold(question);
    case 'measure':
      return measure(question.seconds, onEdge);
    case 'pairs':
      return openPairs(question);
    case 'register': {
      const load = new RegistrarLoad(question);
      const cpu = cpuMeter();
      const result = await load.run(onEdge);
      return { ...result, effort: { cpu: cpu(), lateMs: load.late.spread() } };
    }
    case 'release':
      return { left: await opened().release(question.deadlineMs) };
  }
}

process.on('message', ({ number, question }: ToGenerator) => {
  const onEdge: Edge = (edge) => tell({ type: 'edge', number, edge });
  answer(question, onEdge).then(
    (value) => tell({ type: 'answer', number, value }),
    (fault: unknown) =>
      tell({ type: 'fault', number, text: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) }),
  );
});
process.on('disconnect', () => process.exit(0));
// The bench decides when this ends: Ctrl-C on a terminal reaches all its processes at once.
process.on('SIGINT', () => {});
