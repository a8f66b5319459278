import type { SummaryWords } from './words.ts';

/** Deutsche Sätze. */
export const GERMAN: SummaryWords = {
  marks: {
    frozen: 'Wallet eingefroren',
    frozen_before: 'Wallet bereits eingefroren',
    slowed: 'Wallet gedrosselt',
    running: 'Wallet läuft',
    review: 'Bitte ansehen',
    watch: 'Im Auge behalten',
    unfrozen: 'Sollte eingefroren sein, ist es aber nicht',
    digest: 'Sammelbericht',
    low: 'Guthaben wird knapp',
    empty: 'Guthaben ist aufgebraucht',
  },
  labels: {
    ...{
      why: 'Warum',
      atRisk: 'Gefährdet',
      lost: 'Verloren',
      saved: 'Bisher gerettet',
      balance: 'Guthaben',
      done: 'Getan',
    },
    ...{
      certain: 'Wie sicher',
      mayAsk: 'Mögliche Frage',
      reply: 'Antwortvorschlag',
      next: 'Nächste Schritte',
      since: 'Seit',
    },
    ...{ account: 'Dieses Konto', payments: 'Zahlungen', history: 'Früher', changed: 'Seit der letzten Nachricht' },
    ...{
      commands: 'Befehle',
      open: 'Meldung öffnen',
      api: 'Als Daten',
      payNow: 'Jetzt aufladen',
      usage: 'Übliches Tempo',
    },
    ...{ runway: 'Reicht noch etwa', what: 'Was dann geschieht', incidents: 'Das meiste Geld zuerst' },
  },
  stateSince: (state, at, until) =>
    ({
      frozen: `Eingefroren am ${at}${until === null ? '' : ` bis ${until}`}`,
      frozen_before: `Gemeldet am ${at}; die Wallet war bereits eingefroren${until === null ? '' : `, bis ${until}`}`,
      slowed: `Gedrosselt am ${at}${until === null ? '' : ` bis ${until}`}`,
      running: `Gemeldet am ${at}; die Wallet läuft`,
    })[state],
  within: (amount, span) => `${amount} in ${span}`,
  spent: (amount, span) => `${amount} in ${span} ausgegeben.`,
  reported: (amount, span) => `${amount} in ${span} gemeldet.`,
  usually: ({ expected, lower, upper, span }) =>
    `In vergleichbaren Zeiträumen von ${span} sind für dieses Konto ${expected} üblich (${lower === null ? `bis ${upper}` : `zwischen ${lower} und ${upper}`} in neun von zehn Fällen).`,
  usuallyNone: ({ span }) => `Üblich ist für dieses Konto nichts davon in ${span}.`,
  busyHour: ({ expected, upper, span }) =>
    `In einer regen Stunde hat dieses Konto ${expected} in ${span}, bisher höchstens ${upper}.`,
  noHistory: 'Es gibt keinen früheren Verlauf zum Vergleich.',
  noRule: 'Keine wirksame Regel erklärt diese Meldung; die Belege der Entscheidung zeigen, was geprüft wurde.',
  since: (at) => `Es fällt seit etwa ${at} auf.`,
  inOwnWords: (said) => `In den Worten der Regel: „${said}“`,
  chart: {
    title: 'Ausgaben je Stunde',
    alt: (peak, usual) =>
      `Ausgaben je Stunde als Balken. Die Spitze liegt bei ${peak}${usual === null ? '' : `; üblich: ${usual}`}.`,
    peak: (amount) => `Spitze ${amount}`,
    usual: (lower, upper) => (lower === null ? `üblich bis ${upper}` : `üblich ${lower} bis ${upper}`),
    now: 'jetzt',
  },
  points: (score, outcome) => `${score} von 100 Punkten, das heißt: ${outcome}. Diese Regeln haben angeschlagen:`,
  rule: ({ id, observed, expected, times, threshold, again }) =>
    `${id}: ${observed}${expected === null ? '' : `, üblich ${expected}`}${times === null ? '' : `, also ${times} des Üblichen`}.${threshold === null ? '' : ` Unter ${threshold} hätte sie nicht angeschlagen.`}${again ? ' Schon gemeldet, gilt weiterhin.' : ''}`,
  ruleSaid: (id, said) => `${id}: „${said}“`,
  shadow: (names) => `Trifft ebenfalls zu, aber nur zur Probe und ohne Wirkung: ${names}.`,
  riskFrozen: 'geschuldet oder noch rückbuchbar; eingefroren kommt nichts hinzu',
  riskRunning: (span) =>
    `wenn ${span} lang niemand handelt: geschuldet, noch rückbuchbar und weitere Nutzung in diesem Tempo`,
  lostNote: 'über dem Üblichen, bereits ausgegeben',
  savedNote: 'an Nutzung zurückgehalten: nicht berechnet, nicht verloren',
  nothingSaved: 'noch nichts zurückgehalten',
  done: {
    frozen: (until) => `Die Wallet ist bis ${until} eingefroren. Das endet von selbst.`,
    held: (amount) => `${amount} an Nutzung liegen in Quarantäne: nicht berechnet und nicht verloren.`,
    heldNothing:
      'Noch ist nichts zurückgehalten. Ab jetzt geht Nutzung in Quarantäne: nicht berechnet und nicht verloren.',
    running: 'Nutzung wird berechnet wie bisher.',
    slowed: (limit, span, until) =>
      `Gedrosselt: höchstens ${limit} in ${span} werden bis ${until} berechnet. Was darüber liegt, wartet in Quarantäne und geht nicht verloren.`,
    notFrozen: (reason) => `Nicht eingefroren (Grund auf Englisch): ${reason}.`,
    radar: (until) => `Stripe Radar ist gebeten, Aufladungen dieses Kunden bis ${until} vor dem Einzug zu prüfen.`,
  },
  certain: {
    none: 'Eine Wahrscheinlichkeit für Missbrauch gibt es nicht: Dies sagt, wie ungewöhnlich die Nutzung ist, nicht warum.',
    chance: ({ mean, lower, upper, cases }) =>
      `Missbrauch ist zu etwa ${mean} wahrscheinlich (${lower} bis ${upper}), ${cases === null ? 'allein nach den Punkten: Noch ist kein Fall dieser Art abgeschlossen' : `nach den Punkten und ${cases} dieser Art`}.`,
    cost: ({ freeze, review }) =>
      freeze === null || review === null
        ? null
        : `Erwartete Kosten, Wahrscheinlichkeit eingerechnet: einfrieren ${freeze}, nur ansehen ${review}.`,
    rests: (what, isLittle) => `Das Übliche beruht auf ${what}${isLittle ? ', das ist wenig' : ''}.`,
    unjudged: (names) => `Noch nicht zu beurteilen: ${names}.`,
    rules: (note) => `Regeln (auf Englisch): ${note}.`,
    model: (words) => `Ein Sprachmodell, in seinen Grenzen (auf Englisch): ${words}`,
  },
  windows: (count, text, span) =>
    `${text} ${count === 1 ? 'vergleichbaren Zeitraum' : 'vergleichbaren Zeiträumen'} von ${span}`,
  hoursOfHistory: (count, text) => `${text} ${count === 1 ? 'Stunde' : 'Stunden'} Verlauf`,
  events: (count, text) => `${text} ${count === 1 ? 'Ereignis' : 'Ereignissen'} dieses Kontos`,
  question: { stopped: 'Warum geht meine API nicht mehr?', running: 'Stimmt etwas mit meinem Konto nicht?' },
  reply: {
    paused: (at) =>
      at === null
        ? 'Die Nutzung Ihres Kontos ist angehalten'
        : `Wir haben die Nutzung Ihres Kontos am ${at} angehalten`,
    running: 'Ihr Dienst läuft. Wir fragen nach',
    slower: 'Ihr Dienst läuft mit verringertem Tempo. Wir fragen nach',
    becauseSpent: (observed, span, usual) =>
      `, denn in ${span} sind ${observed} angefallen${usual === null ? '' : `; üblich sind etwa ${usual}`}.`,
    becauseUsed: (observed, noun, span, usual) =>
      `, denn in ${span} sind ${observed} ${noun} angefallen${usual === null ? '' : `; üblich sind etwa ${usual}`}.`,
    becauseDifferent: ', denn die Nutzung sah anders aus als üblich.',
    becauseRepeated: (observed, span) => `, denn wir haben in ${span} ${observed} erhalten.`,
    askStopped:
      'Die Pause selbst bewegt kein Geld; seither gemeldete Nutzung ist aufgehoben und wurde nicht berechnet. Stammt diese Nutzung von ' +
      'Ihnen? Wenn ja, sagen Sie es uns, und es geht sofort weiter. Wenn nicht, ersetzen Sie bitte zuerst Ihre API-Schlüssel.',
    askRunning:
      'Stammt diese Nutzung von Ihnen? Wenn nicht, ersetzen Sie bitte Ihre API-Schlüssel und sagen Sie uns Bescheid; dann sehen wir uns die Kosten gemeinsam an.',
    askTampering: 'Wurde in dieser Zeit auf Ihrer Seite etwas geändert oder neu gestartet, das Nutzung meldet?',
  },
  next: {
    ask: 'Die Antwort oben senden: Sie fragt, ob diese Nutzung von ihnen stammt.',
    ifTheirsStopped: 'Wenn ja: die Wallet auftauen und das Zurückgehaltene verbuchen.',
    ifTheirsRunning: 'Wenn ja: nichts zu tun, Nutzung wird berechnet wie bisher.',
    ifTheirsSlowed: 'Wenn ja: die Drosselung aufheben.',
    ifNotStopped: (until) =>
      `Wenn nicht: vor dem Ende (${until}) die Schlüssel ersetzen lassen, dann auftauen und das Zurückgehaltene verwerfen; das berechnet nichts.`,
    ifNotRunning: 'Wenn nicht: die Wallet einfrieren, das hält die Kosten an, und die Schlüssel ersetzen lassen.',
    tampering: [
      'Herausfinden, welche Quelle Ereignisse unter benutzten Kennungen erneut sendet und was sich unterscheidet.',
      'Die Summen der Quelle mit einem unabhängigen Protokoll vergleichen; weichen sie ab, ihre Zugangsdaten ersetzen.',
    ],
    close: 'Die Meldung schließen: Betrug, harmlos oder doppelt. Die Zahlen lernen daraus.',
  },
  account: {
    opened: (day) => `Kunde seit ${day}.`,
    earlier: (_, text, fraud, benign) => `Früher geschlossene Meldungen: ${text} (${fraud} Betrug, ${benign} harmlos).`,
    none: 'Bisher wurde keine Meldung dieses Kontos geschlossen.',
    payment: (amount, at, state) =>
      `${amount} am ${at}, ${{ paid: 'bezahlt', declined: 'abgelehnt', refunded: 'ganz oder teilweise erstattet', disputed: 'angefochten', waiting: 'noch nicht bezahlt' }[state]}`,
    similar: (_, text, fraud) =>
      `Geschlossene Fälle anderer Konten mit denselben Regeln: ${text}, davon ${fraud} Betrug.`,
  },
  incident: {
    heading: (count, text) => `${text} ${count === 1 ? 'Meldung' : 'Meldungen'} zu einem Vorfall`,
    changed: ({ spent, risk, rules, state }) => {
      const parts = [
        ...(spent === null ? [] : [`${spent} mehr verloren`]),
        ...(risk === null ? [] : [`gefährdet sind jetzt ${risk}`]),
        ...(rules === null ? [] : [`jetzt auch: ${rules}`]),
        ...(state === null ? [] : [state]),
      ];
      return parts.length === 0 ? null : `${parts.join('; ')}.`;
    },
    raised: (at, title) => `${at}: ${title}`,
  },
  digest: {
    subject: (count, text, amount) =>
      `${text} ${count === 1 ? 'Vorfall' : 'Vorfälle'} anzusehen${amount === null ? '' : `, ${amount} gefährdet`}`,
    lead: (count, text, from, to) =>
      `${text} ${count === 1 ? 'Vorfall' : 'Vorfälle'} von ${from} bis ${to}, das meiste Geld zuerst. Keiner war so dringend, dass er nicht warten konnte.`,
    more: (count, text) =>
      `${text} ${count === 1 ? 'weiterer ist' : 'weitere sind'} nicht gezeigt: tollkeeper alert list --status open`,
    empty: 'Nichts anzusehen.',
    row: ({ risk, lost, state }) => `${risk} gefährdet, ${lost} verloren. ${state}.`,
  },
  low: {
    subject: (balance, isEmpty) =>
      isEmpty ? `Ihr Guthaben ist aufgebraucht (${balance})` : `Ihr Guthaben beträgt noch ${balance}`,
    greeting: (name) => (name === null ? 'Guten Tag,' : `Guten Tag ${name},`),
    lead: ({ balance, runway, isEmpty }) =>
      isEmpty
        ? `Ihr Guthaben beträgt ${balance}.`
        : `Ihr Guthaben beträgt ${balance}${runway === null ? '' : ` und reicht bei Ihrem üblichen Tempo noch etwa ${runway}`}.`,
    pace: (amount) => `${amount} am Tag`,
    whatNext: (when, day) =>
      when === 'now'
        ? 'Neue Nutzung wird nicht bedient, bis wieder Guthaben da ist. Gelöscht wird nichts.'
        : `${day === null ? 'Ist das Guthaben aufgebraucht,' : `Etwa am ${day}`} wird neue Nutzung nicht mehr bedient, bis wieder Guthaben da ist. Gelöscht wird nichts.`,
    autoTopUp: (amount) => `Ihre automatische Aufladung von ${amount} wird vorher versucht; dann ist nichts zu tun.`,
    payNow: 'Damit alles weiterläuft, laden Sie bitte auf.',
    held: 'Ein Teil Ihres Guthabens ist für laufende Aufrufe reserviert; was nicht gebraucht wird, kommt zurück.',
    why: (amount) =>
      `Diese Nachricht kommt einmal, wenn Ihr Guthaben unter ${amount} fällt, und erst wieder, nachdem es darüber lag.`,
    closing: 'Wenn Sie eine Frage haben, antworten Sie auf diese Mail.',
  },
  times: (zone) => `Zeiten in ${zone}.`,
  reason: (account) => `Zum Konto ${account}.`,
  nouns: {
    event: 'Ereignis',
    events: 'Ereignisse',
    repeated: 'mit anderem Inhalt erneut gesendete Ereignisse',
    repeatedOne: 'mit anderem Inhalt erneut gesendetes Ereignis',
  },
  outcomes: {
    allow: 'nichts zu tun',
    watch: 'im Auge behalten',
    review: 'jemand sollte es ansehen',
    freeze: 'einfrieren',
  },
  unknownAmount: 'unbekannt',
};
