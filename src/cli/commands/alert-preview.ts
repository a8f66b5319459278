import type { Command } from 'commander';
import type { Contact } from '../../domain/contacts/contact.ts';
import type { SummaryStyle } from '../../domain/summaries/alert-story.ts';
import { digestMessage } from '../../domain/summaries/digest-message.ts';
import { groupIncidents, INCIDENT_GAP_MS, incidentMessage } from '../../domain/summaries/incident.ts';
import type { Reader } from '../../domain/summaries/locale.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, timeOption, withCommon } from '../options.ts';
import { type PreviewOptions, readerOf, showMessage, withPreview } from '../preview/show-message.ts';
import { withBooks } from '../with-books.ts';

const SUPPORT: Reader = { language: 'en', timeZone: 'UTC' };
const STORIES_MAX = 200;

/** `alert preview ID` and `alert digest` */
export function registerPreview(alert: Command, context: CliContext): void {
  registerOne(alert, context);
  registerDigest(alert, context);
}

interface OneOptions extends CommonOptions, PreviewOptions {
  readonly toldUntil?: number;
}

function registerOne(alert: Command, context: CliContext): void {
  const command = withPreview(
    alert
      .command('preview')
      .description('the message about an alert and its incident as mail, Slack, webhooks or text; sends nothing')
      .argument('<id>', 'an alert id (alt_…)')
      .option('--told-until <time>', 'what came after is told as news', timeOption),
  );
  withCommon(command, [
    'tollkeeper alert preview alt_8k2m4q6r0t3v5x7z',
    'tollkeeper alert preview alt_8k2m4q6r0t3v5x7z --lang de --time-zone Europe/Berlin --open',
    'tollkeeper alert preview alt_8k2m4q6r0t3v5x7z --form slack',
    'tollkeeper alert preview alt_8k2m4q6r0t3v5x7z --form html --out alert.html',
  ]).action(async (id: string, options: OneOptions) => {
    const told = await withBooks(context, ({ stories }) => stories.incidentOf(options.tenant, id, INCIDENT_GAP_MS));
    const [incident] = groupIncidents(told.map(({ story }) => story));
    const contact = told.at(-1)?.contact;
    if (incident === undefined || contact === undefined)
      throw new AppError('ALERT_NOT_FOUND', `There is no alert ${JSON.stringify(id)}.`);
    const message = incidentMessage(incident, styleOf(context, options, contact), options.toldUntil ?? null);
    await showMessage(context, message, options);
  });
}

interface DigestOptions extends CommonOptions, PreviewOptions {
  readonly from?: number;
  readonly to?: number;
}

function registerDigest(alert: Command, context: CliContext): void {
  const command = withPreview(
    alert
      .command('digest')
      .description('the message about all open alerts of a time, most money first; sends nothing')
      .option('--from <time>', 'where it begins; a day before its end when left out', timeOption)
      .option('--to <time>', 'where it ends; now when left out', timeOption),
  );
  withCommon(command, [
    'tollkeeper alert digest',
    'tollkeeper alert digest --from 2026-03-01 --to 2026-03-08 --lang de --form html --out digest.html',
  ]).action(async (options: DigestOptions) => {
    const toMs = options.to ?? context.now();
    const fromMs = options.from ?? toMs - DAY_MS;
    if (fromMs >= toMs) throw new AppError('CLI_USAGE', 'A digest cannot end before it begins.');
    const told = await withBooks(context, ({ stories }) =>
      stories.openStories(options.tenant, { fromMs, toMs, limit: STORIES_MAX }),
    );
    const incidents = groupIncidents(told.map(({ story }) => story));
    const reader = readerOf(options, SUPPORT);
    const message = digestMessage({ incidents, fromMs, toMs }, { reader, customer: reader, baseUrl: null });
    await showMessage(context, message, options);
  });
}

function styleOf(context: CliContext, options: PreviewOptions, { language, timeZone }: Contact): SummaryStyle {
  return {
    reader: readerOf(options, SUPPORT),
    customer: { language, timeZone },
    baseUrl: context.config().publicUrl ?? null,
  };
}
