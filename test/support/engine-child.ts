import { openEngine } from '../../src/adapters/postgres/embedded/open-engine.ts';
import { startThrowawayPostgres } from '../../src/adapters/postgres/embedded/throwaway-postgres.ts';

// A process of its own for the engine's tests: `open <dir>` or `throwaway`. It prints one line of JSON about its engine,
// keeps it until its stdin ends, and then gives it back.
const [mode, dir = ''] = process.argv.slice(2);

if (mode === 'open') {
  const { status, connectionString, release } = await openEngine({ dir });
  await hold({ status, connectionString });
  await release();
} else {
  const { dataDir, connectionString, stop } = await startThrowawayPostgres();
  await hold({ dataDir, connectionString });
  await stop();
}

async function hold(line: Readonly<Record<string, string>>): Promise<void> {
  process.stdout.write(`${JSON.stringify(line)}\n`);
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
}
