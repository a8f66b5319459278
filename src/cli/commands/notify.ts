import { type Command, Option } from 'commander';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import { cleanLabel } from '../../domain/text/clean.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { Delivery } from '../../pipeline/delivery/delivery-port.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { type PreviewOptions, showMessage, withPreview } from '../preview/show-message.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

/** `notify …` */
export function registerNotify(program: Command, context: CliContext): void {
  const notify = program.command('notify').description('messages to people and programs, and whether they arrived');
  registerTest(notify, context);
  registerList(notify, context);
  registerShow(notify, context);
  registerReplay(notify, context);
}

function registerTest(notify: Command, context: CliContext): void {
  const command = notify
    .command('test')
    .description('send a test message now to every channel that is set up')
    .addOption(new Option('--to <channel>', 'only there').choices(['mail', 'slack', 'webhook']));
  withCommon(command, ['tollkeeper notify test', 'tollkeeper notify test --to slack']).action(
    async ({ json, to }: CommonOptions & { readonly to?: string }) => {
      const rules = await rulesInForce(context);
      const results = await withBooks(context, async (books) => {
        const { channels } = books.delivery(rules);
        const chosen = channels.filter(
          ({ destination }) => destination !== 'customer' && (to === undefined || destination === to),
        );
        return Promise.all(
          chosen.map(async ({ destination, address, send }) => {
            const sent = await send(testMessage(context.now()), null, context.now());
            return {
              destination,
              address,
              delivered: sent.is === 'delivered',
              because: 'because' in sent ? sent.because : null,
            };
          }),
        );
      });
      if (results.length === 0) {
        throw new AppError(
          'NOTIFY_OFF',
          to === undefined ? 'No channel is set up.' : `The channel ${to} is not set up.`,
        );
      }
      print(context, json, {
        json: { results },
        text: table(
          [
            { head: 'CHANNEL', cell: ({ destination }) => destination },
            { head: 'TO', columnsMax: 60, cell: ({ address }) => address },
            { head: 'RESULT', columnsMax: 120, cell: ({ because }) => because ?? 'delivered' },
          ],
          results,
        ),
      });
      if (results.some(({ delivered }) => !delivered)) context.setExitCode(1);
    },
  );
}

function registerList(notify: Command, context: CliContext): void {
  const command = notify
    .command('list')
    .description('deliveries, the newest first')
    .addOption(new Option('--state <state>', 'only these').choices(['waiting', 'delivered', 'dead']));
  withCommon(withLimit(command), ['tollkeeper notify list', 'tollkeeper notify list --state dead --json']).action(
    async ({
      json,
      tenant,
      state,
      limit,
    }: CommonOptions & { readonly state?: Delivery['state']; readonly limit: number }) => {
      const rules = await rulesInForce(context);
      const deliveries = await withBooks(context, (books) =>
        books.delivery(rules).store.list({ tenant, limit, ...(state === undefined ? {} : { state }) }),
      );
      print(context, json, {
        json: { deliveries: deliveries.map(deliveryJson), limit },
        text: deliveries.length === 0 ? 'No messages.' : deliveryTable(deliveries),
      });
    },
  );
}

function registerShow(notify: Command, context: CliContext): void {
  const command = withPreview(
    notify
      .command('show')
      .description('a message as it was sent, and its deliveries')
      .argument('<message>', 'a message id'),
  );
  withCommon(command, ['tollkeeper notify show incident-alt_1-alt_1 --open']).action(
    async (id: string, options: CommonOptions & PreviewOptions) => {
      const rules = await rulesInForce(context);
      const found = await withBooks(context, (books) => books.delivery(rules).store.show(options.tenant, id));
      if (found === undefined) throw new AppError('MESSAGE_NOT_FOUND', `There is no message ${JSON.stringify(id)}.`);
      context.output.note(deliveryTable(found.deliveries));
      await showMessage(context, found.message, options);
    },
  );
}

function registerReplay(notify: Command, context: CliContext): void {
  const command = notify
    .command('replay')
    .description('send what was given up once more; `start` sends it')
    .argument('[message]', 'a message id; all of them when left out');
  withCommon(command, ['tollkeeper notify replay', 'tollkeeper notify replay incident-alt_1-alt_1']).action(
    async (id: string | undefined, { json, tenant }: CommonOptions) => {
      const rules = await rulesInForce(context);
      const count = await withBooks(context, (books) =>
        books.delivery(rules).store.replay(tenant, id ?? null, context.now()),
      );
      if (count === 0 && id !== undefined) {
        throw new AppError('MESSAGE_NOT_FOUND', `No delivery of ${JSON.stringify(id)} was given up.`);
      }
      print(context, json, { json: { replayed: count }, text: `${count} will be sent again.` });
    },
  );
}

function testMessage(nowMs: number): OutgoingMessage {
  const text = `Tollkeeper can reach you here. Sent ${formatIso(nowMs)} by \`tollkeeper notify test\`.`;
  return {
    kind: 'test',
    severity: 'normal',
    messageId: `test-${nowMs}`,
    subject: 'A test message of Tollkeeper',
    text,
    html: `<p>${text}</p>`,
    slackBlocks: [{ type: 'section', text: { type: 'mrkdwn', text } }],
    event: { type: 'test', data: { at: formatIso(nowMs) } },
    attachments: [],
  };
}

function deliveryJson({ deliveryId, nextTryAtMs, createdAtMs, deliveredAtMs, ...rest }: Delivery) {
  return {
    delivery: String(deliveryId),
    ...rest,
    createdAt: timeField(createdAtMs),
    nextTryAt: rest.state === 'waiting' ? timeField(nextTryAtMs) : null,
    deliveredAt: deliveredAtMs === null ? null : timeField(deliveredAtMs),
  };
}

function deliveryTable(deliveries: readonly Delivery[]): string {
  return table(
    [
      { head: 'MESSAGE', columnsMax: 80, cell: ({ messageId }) => messageId },
      { head: 'TO', columnsMax: 40, cell: ({ destination, target }) => cleanLabel(target ?? destination, 40) },
      { head: 'STATE', cell: ({ state, attempts }) => (attempts > 1 ? `${state} (${attempts})` : state) },
      { head: 'WHEN', cell: ({ deliveredAtMs, createdAtMs }) => time(deliveredAtMs ?? createdAtMs) },
      { head: 'SUBJECT', columnsMax: 60, cell: ({ subject }) => subject },
      { head: 'WHY', columnsMax: 80, cell: ({ lastError, state }) => (state === 'delivered' ? '' : (lastError ?? '')) },
    ],
    deliveries,
  );
}
