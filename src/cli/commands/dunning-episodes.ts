import type { Command } from 'commander';
import { type DraftContent, draftMessage } from '../../domain/dunning/draft.ts';
import type { DunningEpisode } from '../../domain/dunning/episode.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { approveDraft, editDraft, sendDraft } from '../../pipeline/dunning/decide-draft.ts';
import type { StoredDraft } from '../../pipeline/dunning/dunning-store.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withLimit } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

const STATES: Readonly<Record<DunningEpisode['state'], string>> = {
  open: 'open',
  recovered: 'paid',
  given_up: 'no more tries',
  handed_over: 'for a person',
};

/** `dunning list|show|approve|edit|send` */
export function registerDunningEpisodes(dunning: Command, context: CliContext): void {
  registerList(dunning, context);
  registerShow(dunning, context);
  registerDecisions(dunning, context);
  registerEdit(dunning, context);
}

function registerList(dunning: Command, context: CliContext): void {
  const command = dunning
    .command('list')
    .description('failed top-ups, when they are tried again and why, and drafts that wait for a decision');
  withCommon(withLimit(command), ['tollkeeper dunning list', 'tollkeeper dunning list --json']).action(
    async ({ json, tenant, limit }: CommonOptions & { readonly limit: number }) => {
      const rules = await rulesInForce(context);
      const { episodes, drafts } = await withBooks(context, async (books) => {
        const { store } = books.dunning(rules);
        return {
          episodes: await store.list(tenant, limit),
          drafts: await store.drafts({ tenant, status: 'draft', limit }),
        };
      });
      const waiting = drafts.map((draft) => `${draft.draftId}  ${cleanLabel(draft.content.subject, 80)}`);
      print(context, json, {
        json: { episodes: episodes.map(episodeJson), drafts: drafts.map(draftJson), limit },
        text: [
          episodes.length === 0 ? 'No top-up has failed.' : episodeTable(episodes),
          ...(waiting.length === 0 ? [] : ['', 'Drafts that wait for a decision:', ...waiting]),
        ].join('\n'),
      });
    },
  );
}

function registerShow(dunning: Command, context: CliContext): void {
  const command = dunning
    .command('show')
    .description('a failed top-up with its drafts as the customer would read them')
    .argument('<id>', 'an episode (dun_…) or one of its drafts (dun-dun_…-reminder)');
  withCommon(command, ['tollkeeper dunning show dun_8k2m4q6r0t3v5x7z']).action(
    async (id: string, { json, tenant }: CommonOptions) => {
      const rules = await rulesInForce(context);
      const { episode, drafts } = await withBooks(context, async (books) => {
        const { store } = books.dunning(rules);
        const found = (await store.draft(tenant, id))?.episode ?? (await store.read(tenant, id));
        if (found === undefined)
          throw new AppError('EPISODE_NOT_FOUND', `There is no failed top-up ${JSON.stringify(id)}.`);
        return { episode: found, drafts: await store.drafts({ episodeId: found.episodeId, limit: 10 }) };
      });
      print(context, json, {
        json: { ...episodeJson(episode), drafts: drafts.map(draftJson) },
        text: [episodeFacts(episode), ...drafts.map((draft) => draftText(episode, draft))].join('\n\n'),
      });
    },
  );
}

function registerDecisions(dunning: Command, context: CliContext): void {
  const approve = dunning
    .command('approve')
    .description('let a draft be sent; the service sends it')
    .argument('<draft>', 'a draft (dun-dun_…-reminder)');
  const send = dunning
    .command('send')
    .description('send a draft now')
    .argument('<draft>', 'a draft (dun-dun_…-reminder)');
  for (const [command, decide, done] of [
    [approve, approveDraft, 'may be sent'],
    [send, sendDraft, 'is on its way'],
  ] as const) {
    withCommon(command, [`tollkeeper dunning ${command.name()} dun-dun_8k2m4q6r0t3v5x7z-reminder`]).action(
      async (id: string, { json, tenant }: CommonOptions) => {
        const rules = await rulesInForce(context);
        const draft = await withBooks(context, (books) => decide(books.dunning(rules), tenant, id, context.actor));
        print(context, json, { json: draftJson(draft), text: `The draft ${id} ${done}.` });
      },
    );
  }
}

interface EditOptions extends CommonOptions {
  readonly subject?: string;
  readonly body: string;
}

function registerEdit(dunning: Command, context: CliContext): void {
  const command = dunning
    .command('edit')
    .description('change the words of a draft; its figures, names and links stay held to the facts')
    .argument('<draft>', 'a draft (dun-dun_…-reminder)')
    .option('--subject <text>', 'the subject')
    .requiredOption('--body <text>', 'all paragraphs, with an empty line between them');
  withCommon(command, [
    'tollkeeper dunning edit dun-dun_8k2m4q6r0t3v5x7z-reminder --body "Hello,\n\nyour top-up did not go through."',
  ]).action(async (draftId: string, { json, tenant, subject, body }: EditOptions) => {
    const rules = await rulesInForce(context);
    const draft = await withBooks(context, (books) =>
      editDraft(books.dunning(rules), {
        tenant,
        draftId,
        subject,
        body: body.replaceAll('\\n', '\n'),
        by: context.actor,
      }),
    );
    print(context, json, { json: draftJson(draft), text: `The draft ${draftId} has its new words.` });
  });
}

function episodeJson(episode: DunningEpisode) {
  const { episodeId, walletId: _, amountNanos, openedAtMs, closedAtMs, nextTryAtMs, topupId, ...rest } = episode;
  return {
    episode: episodeId,
    topup: topupId,
    ...rest,
    ...moneyFields('amount', amountNanos),
    openedAt: timeField(openedAtMs),
    closedAt: closedAtMs === null ? null : timeField(closedAtMs),
    nextTryAt: nextTryAtMs === null ? null : timeField(nextTryAtMs),
  };
}

function draftJson({ draftId, episodeId, tenant, step, content, status, decidedBy }: StoredDraft) {
  const { language, subject, paragraphs, payUrl }: DraftContent = content;
  return { draft: draftId, episode: episodeId, tenant, step, status, language, subject, paragraphs, payUrl, decidedBy };
}

function episodeTable(episodes: readonly DunningEpisode[]): string {
  return table(
    [
      { head: 'EPISODE', cell: ({ episodeId }) => episodeId },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'AMOUNT', align: 'right', cell: ({ amountNanos, currency }) => formatMoney(amountNanos, currency) },
      { head: 'DECLINE', cell: ({ declineCode, declineClass }) => declineCode ?? declineClass },
      {
        head: 'STATE',
        cell: ({ state, percent }) => (percent < 100 ? `${STATES[state]}, ${percent} % speed` : STATES[state]),
      },
      { head: 'TRIES', align: 'right', cell: ({ retries }) => String(retries) },
      { head: 'NEXT', cell: ({ nextTryAtMs }) => (nextTryAtMs === null ? '–' : time(nextTryAtMs)) },
      { head: 'WHY', columnsMax: 90, cell: ({ reason }) => reason },
    ],
    episodes,
  );
}

function episodeFacts(episode: DunningEpisode): string {
  const { account, amountNanos, currency, declineClass, declineCode, openedAtMs, state, retries, reason, percent } =
    episode;
  return facts([
    ['Account', cleanLabel(account, 60)],
    [
      'Top-up',
      `${formatMoney(amountNanos, currency)}, declined ${time(openedAtMs)} (${declineCode ?? 'no code'}: ${declineClass})`,
    ],
    ['State', `${STATES[state]}; ${retries} tries since`],
    ['Next', reason],
    ['Speed', percent === 100 ? undefined : `${percent} % of the usual pace until it is paid`],
  ]);
}

function draftText(episode: DunningEpisode, draft: StoredDraft): string {
  const { subject, text } = draftMessage(episode, draft.content);
  const by = draft.decidedBy === null ? '' : ` by ${cleanLabel(draft.decidedBy, 60)}`;
  return `── ${draft.draftId} (${draft.status}${by})\nSubject: ${subject}\n\n${cleanText(text)}`;
}
