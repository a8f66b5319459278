import type { Language } from './number-words.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));

/** What a rewrite may add to a template's own words: courtesy, joints and fillers, none of which says anything of its own. */
export const TONE_WORDS: Readonly<Record<Language, ReadonlySet<string>>> = {
  en: words(`
    a an the and so also as at by for from in into of on or to with that this these those it its it's is are was were be been
    we we'd we've us our ours you your yours i me my hi hello dear thanks thank please kindly sorry apologies regards best warm
    wishes team just simply quick quickly short briefly happy glad gladly here there help know let let's question questions any
    anything feel free reach get touch want wanted like would could can may have has had do does if when whenever while about
    which who what how much very really well good kind all best again soon together through out up over hope understand
    appreciate patience bear moment worry concern note heads tell ask reply write writing look looking see share give mean means
    time today's side end hand way bit little everything fine right away back always still now then too only even both each
    ready need needs
  `),
  de: words(`
    der die das den dem des ein eine einen einem einer eines und also auch als am an auf aus bei beim für im in ins mit nach
    oder um von vom zu zum zur wir uns unser unsere unserem unseren ihr ihre ihren ihrem ihrer ihres sie ihnen es er ist sind war
    waren sein hallo guten tag liebe lieber danke dank vielen bitte gern gerne freundlich freundliche freundlichen grüße grüßen
    beste besten herzliche herzlichen team kurz einfach schnell hier da dort hilfe helfen wissen lassen frage fragen etwas melden
    sich möchten würden könnten können dürfen haben hat hatten wenn falls während dass dies diese dieser dieses was wie wer sehr
    wirklich gut alle alles noch einmal bald zusammen hoffen verstehen verständnis geduld moment sorge sorgen hinweis sagen
    antworten antwort schreiben sehen teilen geben bedeutet zeit seite ende jetzt dann nur schon bereits immer weiterhin gleich
    entschuldigung entschuldigen leider leid tut
  `),
};

/**
 * Words that decide what a figure or a sentence means. A rewrite keeps each, in order; one that the template does not have
 * cannot be added, even where it is in no other list.
 */
export const BOUND_WORDS: Readonly<Record<Language, ReadonlySet<string>>> = {
  en: words(`
    not no never none nothing neither nor cannot can't won't don't doesn't didn't isn't aren't wasn't without nobody unless
    until before after since within by from between above below over under up down more less most least at usual usually
    normally normal instead only if about around almost nearly least again still already yet spent spend spends usage balance
    top-up charge charged charges paid pay pays payment declined refund refunds free owe owes owed lost loss losses saved risk
    frozen freeze thaw pause paused pauses stop stops stopped slow slowed reduced resume resumes try tried tries fail failed
    fails succeed succeeded will would was were is are has have had may must should can could might certain sure all every any
    each both first last next new old
  `),
  de: words(`
    nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne weder noch bis vor nach seit innerhalb ab
    zwischen über unter oberhalb unterhalb mehr weniger meist üblich üblicherweise normal normalerweise statt nur falls wenn
    etwa rund fast mindestens höchstens wieder schon bereits ausgegeben nutzung guthaben aufladung abgebucht berechnet bezahlt
    zahlen zahlung abgelehnt erstattung erstattet kostenlos schulden schuldet verloren verlust gespart risiko eingefroren pause
    pausiert angehalten gestoppt langsamer gedrosselt reduziert weiter versuch versucht versuchen fehlgeschlagen gelungen wird
    werden wurde wurden ist sind war waren hat haben hatte kann können könnte muss müssen soll sollte darf sicher alle alles
    jede jeder jedes beide erste erster letzte nächste neue
  `),
};
