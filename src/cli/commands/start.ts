import { type Command, Option } from 'commander';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { wholeNumber, withJson } from '../options.ts';
import { jsonText } from '../output/json.ts';
import { rulesInForce } from '../rules-in-force.ts';

interface StartOptions {
  readonly json?: boolean;
  readonly http: boolean;
  readonly httpHost?: string;
  readonly httpPort?: number;
  readonly stripeSandbox?: 'local';
}

/** `start` */
export function registerStart(program: Command, context: CliContext): void {
  const command = program
    .command('start')
    .description(
      'run the pipeline until it is stopped: the engine (unless you bring your own), the workers and the HTTP API',
    )
    .option('--http-host <address>', 'serve HTTP on this address instead of this machine alone; needs API keys')
    .addOption(
      new Option('--http-port <port>', 'instead of 8377 or, if that is taken, any free one').argParser((text) =>
        wholeNumber(text, 0, 65_535),
      ),
    )
    .option('--no-http', 'serve no HTTP')
    .addOption(
      new Option('--stripe-sandbox <where>', 'play with a fake Stripe on this machine: docs/stripe-sandbox.md').choices(
        ['local'],
      ),
    );
  withJson(command, [
    'tollkeeper start',
    'tollkeeper start --stripe-sandbox local',
    'tollkeeper start --http-host 0.0.0.0 --http-port 8080',
    'DATABASE_URL=postgres://… REDIS_URL=redis://… tollkeeper start',
  ]).action(async ({ json, http, httpHost, httpPort, stripeSandbox }: StartOptions) => {
    const log = context.log();
    const { httpHost: host, httpPort: port } = context.config();
    if (stripeSandbox !== undefined && !http) {
      throw new AppError('CLI_USAGE', '--stripe-sandbox needs HTTP, which --no-http turns off: webhooks arrive there');
    }
    const ruleset = await rulesInForce(context);
    const service = await context.startService({
      ruleset,
      ...(http ? { http: { host: httpHost ?? host, port: httpPort ?? port } } : {}),
      ...(stripeSandbox === undefined ? {} : { stripeSandbox: true }),
    });
    if (json === true) context.output.data(jsonText({ started: true, ...service.details }));
    else context.output.data(service.summary.join('\n'));
    const signal = await context.stopRequested();
    log.info({ signal }, 'stopping: finishing what is in hand');
    await service.close();
    log.info('stopped');
  });
}
