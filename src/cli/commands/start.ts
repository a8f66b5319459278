import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { jsonText } from '../output/json.ts';
import { rulesInForce } from '../rules-in-force.ts';

/** `start` */
export function registerStart(program: Command, context: CliContext): void {
  const command = program
    .command('start')
    .description('run the pipeline until it is stopped: the engine (unless you bring your own) and the workers');
  withJson(command, ['tollkeeper start', 'DATABASE_URL=postgres://… REDIS_URL=redis://… tollkeeper start']).action(
    async ({ json }: { readonly json?: boolean }) => {
      const log = context.log();
      const ruleset = await rulesInForce(context);
      const service = await context.startService({ ruleset });
      if (json === true) context.output.data(jsonText({ started: true, ...service.details }));
      else context.output.data(service.summary.join('\n'));
      const signal = await context.stopRequested();
      log.info({ signal }, 'stopping: finishing what is in hand');
      await service.close();
      log.info('stopped');
    },
  );
}
