// The child process that holds the WASM build of espeak-ng (npm package espeak-ng, GPL-3.0: it never runs inside our process).
// Started by espeak-wasm.ts with an IPC channel; answers one message per text, in order, and ends with its parent.
//
//   parent ── { id, text, voice, ssml } ──▶ runner ── { id, audio } or { id, failure } ──▶ parent

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { limits } from '../base/limits.ts';

export interface RunnerRequest {
  readonly id: number;
  readonly text: string;
  readonly voice: string;
  readonly ssml: boolean;
}

export type RunnerReply =
  | { readonly id: number; readonly audio: Uint8Array }
  | { readonly id: number; readonly failure: string };

/** The parts of the WebAssembly interface that we use: @types/node has none, and lib.dom would bring a browser along. */
type CompiledModule = object;
type Instance = object;
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    compile(bytes: Uint8Array): Promise<CompiledModule>;
    instantiate(module: CompiledModule, imports: object): Promise<Instance>;
  };
};

/** The parts of the Emscripten module that we use. */
interface EspeakModule {
  readonly FS: {
    writeFile(path: string, content: string): void;
    readFile(path: string): Uint8Array;
  };
}
type EspeakFactory = (options: {
  readonly arguments: readonly string[];
  readonly preRun: readonly ((module: EspeakModule) => void)[];
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
  readonly instantiateWasm: (imports: object, done: (instance: Instance, module: CompiledModule) => void) => object;
}) => Promise<EspeakModule>;

const INPUT = 'text';
const OUTPUT = 'speech.wav';

async function load(): Promise<{ factory: EspeakFactory; compiled: CompiledModule }> {
  const entry = createRequire(import.meta.url).resolve('espeak-ng');
  const compiled = await WebAssembly.compile(await readFile(join(dirname(entry), 'espeak-ng.wasm')));
  const { default: factory } = (await import(pathToFileURL(entry).href)) as { default: EspeakFactory };
  return { factory, compiled };
}

/** The package is the command-line program: each run is a new instance of the module that was compiled once. */
async function speak(engine: ReturnType<typeof load>, request: RunnerRequest): Promise<RunnerReply> {
  const complaints: string[] = [];
  try {
    const { factory, compiled } = await engine;
    const module = await factory({
      arguments: ['-v', request.voice, '-b', '1', '-f', INPUT, '-w', OUTPUT, ...(request.ssml ? ['-m'] : [])],
      preRun: [({ FS }) => FS.writeFile(INPUT, request.text)],
      print: () => {},
      printErr: (line) => complaints.push(line.slice(0, 200)),
      instantiateWasm: (imports, done) => {
        WebAssembly.instantiate(compiled, imports).then(
          (instance) => done(instance, compiled),
          (cause) => process.send?.({ id: request.id, failure: String(cause) } satisfies RunnerReply),
        );
        return {};
      },
    });
    return { id: request.id, audio: module.FS.readFile(OUTPUT).subarray(0, limits.speechBytes) };
  } catch (cause) {
    return { id: request.id, failure: [String(cause), ...complaints.slice(0, 3)].join('; ') };
  }
}

// Only as a child: tests and type imports must not start anything.
if (process.send) {
  const engine = load();
  engine.catch(() => {});
  let queue = Promise.resolve();
  process.on('message', (request: RunnerRequest) => {
    queue = queue.then(async () => {
      const reply = await speak(engine, request);
      process.send?.(reply);
    });
  });
  process.on('disconnect', () => process.exit(0));
}
