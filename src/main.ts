// The command line: checks the runtime before anything else, then hands over to one subcommand.

const [major] = process.versions.node.split('.').map(Number);
if ((major ?? 0) < 24) {
  console.error(
    `Hookswitch needs Node.js 24 or newer, this is ${process.versions.node}. Start it with "npm start" (it brings its own Node.js on ` +
      'Linux x64 and arm64), or install Node.js 24.',
  );
  process.exit(1);
}

const [command = 'serve', ...rest] = process.argv.slice(2);
const commands: Readonly<Record<string, () => Promise<{ run: (args: readonly string[]) => Promise<number> }>>> = {
  serve: () => import('./cli/serve.ts'),
  app: () => import('./cli/app.ts'),
  call: () => import('./cli/call.ts'),
  ladder: () => import('./cli/ladder.ts'),
  doctor: () => import('./cli/doctor.ts'),
};

const load = commands[command];
if (!load) {
  console.error(`Unknown command "${command}". There is: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
const { run } = await load();
process.exitCode = await run(rest);

export {};
