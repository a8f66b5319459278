import type { SummaryWords } from './words.ts';

/** English sentences. */
export const ENGLISH: SummaryWords = {
  marks: {
    frozen: 'Wallet frozen',
    frozen_before: 'Wallet frozen already',
    slowed: 'Wallet slowed down',
    running: 'Wallet running',
    review: 'Needs a look',
    watch: 'Worth watching',
    unfrozen: 'Should be frozen, but is not',
    digest: 'Digest',
    low: 'Balance is low',
    empty: 'Balance is used up',
  },
  labels: {
    ...{ why: 'Why', atRisk: 'At risk', lost: 'Lost', saved: 'Saved so far', balance: 'Balance', done: 'Done' },
    ...{ certain: 'How certain', mayAsk: 'They may ask', reply: 'Suggested reply', next: 'Next', since: 'Since' },
    ...{ account: 'This account', payments: 'Payments', history: 'Earlier', changed: 'Since the last message' },
    ...{ commands: 'Commands', open: 'Open the alert', api: 'As data', payNow: 'Top up now', usage: 'Usual pace' },
    ...{ runway: 'Lasts about', what: 'What happens then', incidents: 'Most money first' },
  },
  stateSince: (state, at, until) =>
    ({
      frozen: `Frozen ${at}${until === null ? '' : ` until ${until}`}`,
      frozen_before: `Raised ${at}; the wallet was frozen already${until === null ? '' : `, until ${until}`}`,
      slowed: `Slowed down ${at}${until === null ? '' : ` until ${until}`}`,
      running: `Raised ${at}; the wallet is running`,
    })[state],
  within: (amount, span) => `${amount} in ${span}`,
  spent: (amount, span) => `Spent ${amount} in ${span}.`,
  reported: (amount, span) => `Reported ${amount} in ${span}.`,
  usually: ({ money, expected, lower, upper, span }) =>
    `In comparable windows of ${span} this account usually ${money ? 'spends' : 'has'} ${expected} (${lower === null ? `up to ${upper}` : `between ${lower} and ${upper}`} nine times in ten).`,
  usuallyNone: ({ money, span }) => `This account usually ${money ? 'spends' : 'has'} none in ${span}.`,
  busyHour: ({ expected, upper, span }) =>
    `In a busy hour this account has ${expected} in ${span}, at most ${upper} so far.`,
  noHistory: 'There is no history to compare it with.',
  noRule: 'No live rule explains this alert; the evidence of the decision lists what was looked at.',
  since: (at) => `It stands out since about ${at}.`,
  inOwnWords: (said) => said,
  chart: {
    title: 'Spend per hour',
    alt: (peak, usual) => `Spend per hour as bars. The peak is ${peak}${usual === null ? '' : `; usual is ${usual}`}.`,
    peak: (amount) => `peak ${amount}`,
    usual: (lower, upper) => (lower === null ? `usual up to ${upper}` : `usual ${lower} to ${upper}`),
    now: 'now',
  },
  points: (score, outcome) => `${score} of 100 points, which means: ${outcome}. These rules fired:`,
  rule: ({ id, observed, expected, times, threshold, again }) =>
    `${id}: ${observed}${expected === null ? '' : `, usual ${expected}`}${times === null ? '' : `, which is ${times} the usual`}.${threshold === null ? '' : ` Would not have fired below ${threshold}.`}${again ? ' Told before, still true.' : ''}`,
  ruleSaid: (id, said) => `${id}: ${said}.`,
  shadow: (names) => `Also true, but in shadow and without effect: ${names}.`,
  riskFrozen: 'owed or still reversible; nothing more is spent while frozen',
  riskRunning: (span) => `if nobody acts for ${span}: owed, still reversible, and usage at this rate`,
  lostNote: 'above the usual, spent already',
  savedNote: 'of usage held back: not charged, not lost',
  nothingSaved: 'nothing held back yet',
  done: {
    frozen: (until) => `The wallet is frozen until ${until}. The freeze ends by itself.`,
    held: (amount) => `${amount} of usage is held back in quarantine: not charged and not lost.`,
    heldNothing: 'Nothing is held back yet. From now on usage goes to quarantine: not charged and not lost.',
    running: 'Usage is charged as before.',
    slowed: (limit, span, until) =>
      `Slowed down: at most ${limit} in ${span} is charged until ${until}. What is beyond waits in quarantine and is not lost.`,
    notFrozen: (reason) => `Not frozen: ${reason}.`,
    radar: (until) =>
      `Asked of Stripe Radar: to have this customer's top-ups looked at before they are captured, until ${until}.`,
  },
  certain: {
    none: 'There is no chance of abuse to give: this says how unusual the usage is, not why it happened.',
    chance: ({ mean, lower, upper, cases }) =>
      `Chance of abuse about ${mean} (${lower} to ${upper}), ${cases === null ? 'from the points alone: no case like this is closed yet' : `from the points and ${cases} like this one`}.`,
    cost: ({ freeze, review }) =>
      freeze === null || review === null
        ? null
        : `Expected cost, chances counted in: freezing ${freeze}, only looking ${review}.`,
    rests: (what, isLittle) => `The usual rests on ${what}${isLittle ? ', which is little' : ''}.`,
    unjudged: (names) => `Could not judge yet: ${names}.`,
    rules: (note) => `Rules: ${note}.`,
    model: (words) => `A language model, within bounds: ${words}`,
  },
  windows: (count, text, span) => `${text} comparable ${count === 1 ? 'window' : 'windows'} of ${span}`,
  hoursOfHistory: (count, text) => `${text} ${count === 1 ? 'hour' : 'hours'} of history`,
  events: (count, text) => `${text} ${count === 1 ? 'event' : 'events'} of this account`,
  question: { stopped: 'Why did my API stop?', running: 'Is something wrong with my account?' },
  reply: {
    paused: (at) => (at === null ? 'Usage on your account is paused' : `We paused usage on your account on ${at}`),
    running: 'Your service is running. We are asking',
    slower: 'Your service is running at a reduced rate. We are asking',
    becauseSpent: (observed, span, usual) =>
      ` because it spent ${observed} in ${span}${usual === null ? '' : `, where about ${usual} is usual`}.`,
    becauseUsed: (observed, noun, span, usual) =>
      ` because it used ${observed} ${noun} in ${span}${usual === null ? '' : `, where about ${usual} is usual`}.`,
    becauseDifferent: ' because its usage looked different from usual.',
    becauseRepeated: (observed, span) => ` because we received ${observed} in ${span}.`,
    askStopped:
      'The pause itself moves no money; usage sent since then is kept and has not been charged. Is this usage yours? ' +
      'If it is, tell us and we resume right away. If not, please replace your API keys first.',
    askRunning:
      'Is this usage yours? If not, please replace your API keys and tell us, and we will look at the charges with you.',
    askTampering: 'Did anything that reports usage on your side change or restart around then?',
  },
  next: {
    ask: 'Send the reply above: it asks whether this usage is theirs.',
    ifTheirsStopped: 'If it is: thaw the wallet and post what was held back.',
    ifTheirsRunning: 'If it is: nothing to do, usage is charged as before.',
    ifTheirsSlowed: 'If it is: lift the slow-down.',
    ifNotStopped: (until) =>
      `If not: have its keys replaced before the freeze ends (${until}), then thaw it and void what was held back, which charges nothing.`,
    ifNotRunning: 'If not: freeze the wallet, which stops the charges, and have its keys replaced.',
    tampering: [
      'Find out which source sends events again under used ids, and what differs.',
      "Compare the source's totals with an independent log; if they differ, replace its credentials.",
    ],
    close: 'Close the alert: fraud, benign or duplicate. Its figures learn from it.',
  },
  account: {
    opened: (day) => `Customer since ${day}.`,
    earlier: (_, text, fraud, benign) => `Alerts closed before: ${text} (${fraud} fraud, ${benign} benign).`,
    none: 'No alert of it was closed before.',
    payment: (amount, at, state) =>
      `${amount} on ${at}, ${{ paid: 'paid', declined: 'declined', refunded: 'refunded in part or whole', disputed: 'disputed', waiting: 'not paid yet' }[state]}`,
    similar: (_, text, fraud) =>
      `Closed cases of other accounts in which the same rules fired: ${text}, ${fraud} of them fraud.`,
  },
  incident: {
    heading: (count, text) => `${text} ${count === 1 ? 'alert' : 'alerts'} of one incident`,
    changed: ({ spent, risk, rules, state }) => {
      const parts = [
        ...(spent === null ? [] : [`lost ${spent} more`]),
        ...(risk === null ? [] : [`at risk is now ${risk}`]),
        ...(rules === null ? [] : [`now also: ${rules}`]),
        ...(state === null ? [] : [state]),
      ];
      return parts.length === 0 ? null : `${parts.join('; ')}.`;
    },
    raised: (at, title) => `${at}: ${title}`,
  },
  digest: {
    subject: (count, text, amount) =>
      `${text} ${count === 1 ? 'incident' : 'incidents'} to look at${amount === null ? '' : `, ${amount} at risk`}`,
    lead: (count, text, from, to) =>
      `${text} ${count === 1 ? 'incident' : 'incidents'} from ${from} to ${to}, most money first. None of them could not wait.`,
    more: (count, text) => `${text} more ${count === 1 ? 'is' : 'are'} not shown: tollkeeper alert list --status open`,
    empty: 'Nothing to look at.',
    row: ({ risk, lost, state }) => `${risk} at risk, ${lost} lost. ${state}.`,
  },
  low: {
    subject: (balance, isEmpty) =>
      isEmpty ? `Your balance is used up (${balance})` : `Your balance is down to ${balance}`,
    greeting: (name) => (name === null ? 'Hello,' : `Hi ${name},`),
    lead: ({ balance, runway, isEmpty }) =>
      isEmpty
        ? `your balance is ${balance}.`
        : `your balance is ${balance}${runway === null ? '' : `, which lasts about ${runway} at your usual pace`}.`,
    pace: (amount) => `${amount} a day`,
    whatNext: (when, day) =>
      when === 'now'
        ? 'New usage is not served until there is balance again. Nothing is deleted.'
        : `${day === null ? 'When the balance is used up' : `Around ${day}`} new usage stops being served until there is balance again. Nothing is deleted.`,
    autoTopUp: (amount) => `Your automatic top-up of ${amount} will be tried before that; then there is nothing to do.`,
    payNow: 'To keep everything running, please top up.',
    held: 'Part of your balance is reserved for calls that are running; what is not used comes back.',
    why: (amount) =>
      `You get this once when your balance falls below ${amount}, and again only after it has been above.`,
    closing: 'If you have a question, reply to this mail.',
  },
  times: (zone) => `Times in ${zone}.`,
  reason: (account) => `About the account ${account}.`,
  nouns: {
    event: 'event',
    events: 'events',
    repeated: 'events re-sent with other content',
    repeatedOne: 'event re-sent with other content',
  },
  outcomes: { allow: 'nothing to do', watch: 'worth watching', review: 'somebody should look', freeze: 'freeze' },
  unknownAmount: 'unknown',
};
