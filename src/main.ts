#!/usr/bin/env node
// The command line: checks the runtime before anything else, then hands over to one subcommand. `hookswitch` of the package and image.

const [major] = process.versions.node.split('.').map(Number);
if ((major ?? 0) < 24) {
  console.error(
    `Hookswitch needs Node.js 24 or newer, this is ${process.versions.node}. Install Node.js 24; in a clone "npm start" brings its own on ` +
      'Linux x64 and arm64.',
  );
  process.exit(1);
}

// Before anything is compiled: what is kept of it is good for the flags that it was compiled under only.
const { setEngineFlags } = await import('./cli/engine-flags.ts');
setEngineFlags();

// What Node compiles of us is kept beside the packages: the next start takes half the time. Workers and commands that we start read the
// variable; where the folder cannot be written nothing is kept.
const { fileURLToPath } = await import('node:url');
const { enableCompileCache } = await import('node:module');
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/hookswitch', import.meta.url));
enableCompileCache(process.env.NODE_COMPILE_CACHE);

const commands: Readonly<Record<string, () => Promise<{ run: (args: readonly string[]) => Promise<number> }>>> = {
  serve: () => import('./cli/serve.ts'),
  app: () => import('./cli/app.ts'),
  call: () => import('./cli/call.ts'),
  ladder: () => import('./cli/ladder.ts'),
  capture: () => import('./cli/capture.ts'),
  signature: () => import('./cli/signature.ts'),
  replay: () => import('./cli/replay.ts'),
  doctor: () => import('./cli/doctor.ts'),
  bench: () => import('./cli/bench.ts'),
  help: () => import('./cli/help.ts'),
};

const [first = 'serve', ...rest] = process.argv.slice(2);
const isHelp = first === '--help' || first === '-h' || first === '--version';
// Options without a command are those of `serve`.
const [command, args] = isHelp
  ? ['help', [first]]
  : first.startsWith('-')
    ? ['serve', [first, ...rest]]
    : [first, rest];
const load = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (load) {
  const { run } = await load();
  process.exitCode = await run(args);
} else {
  console.error(`Unknown command "${command}". There is: ${Object.keys(commands).join(', ')}.`);
  process.exitCode = 2;
}
