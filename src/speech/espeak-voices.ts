// TwiML languages and voices → voice names of espeak-ng. Only names from these tables ever become an argument of the program. Pure.

/** Languages of twiml.md 5.1 whose espeak-ng name is not the language part in lower case. */
const NAMED: Readonly<Record<string, string>> = {
  'en-us': 'en-us',
  'es-mx': 'es-419',
  'es-us': 'es-419',
  'fr-be': 'fr-be',
  'pt-br': 'pt-br',
  arb: 'ar',
  'zh-cn': 'cmn',
  'zh-tw': 'cmn',
  'zh-hk': 'yue',
  'fil-ph': 'en-us',
};
/** Languages that both builds of espeak-ng have. */
const LANGUAGES: ReadonlySet<string> = new Set(
  (
    'af am ar as az be bg bn bs ca cmn cs cy da de el en eo es et eu fa fi fr ga gd gu he hi hr hu hy id is it ja ka kk kn ' +
    'ko ky la lb lt lv mi mk ml mr ms mt my nb ne nl or pa pl pt ro ru sd si sk sl sq sr sv sw ta te th tr tt uk ur uz vi yue'
  ).split(' '),
);
const DEFAULT_LANGUAGE = 'en-us';

/** First names of the vendor's female voices, as far as they are common; all others are male. */
const FEMALE: ReadonlySet<string> = new Set(
  (
    'woman alice aditi amy aria astrid ayanda bianca camila carla carmen celine chantal conchita danielle dora emma filiz ' +
    'gabrielle gwyneth ivy joanna kajal kendra kimberly lea liv lotte lucia lupe maja mathilde mia mizuki naja nicole olivia ' +
    'penelope raveena ruth salli seoyeon tatyana vicki vitoria zeina zhiyu'
  ).split(' '),
);

/** The espeak-ng voice of a language, for example `de` or `en-us`. */
export function espeakLanguage(language: string): string {
  const wanted = language.trim().toLowerCase();
  const named = Object.hasOwn(NAMED, wanted) ? NAMED[wanted] : undefined;
  if (named !== undefined) return named;
  const main = wanted.split('-')[0]!;
  if (main === 'no') return 'nb';
  return LANGUAGES.has(main) ? main : DEFAULT_LANGUAGE;
}

/** The value of `-v`: the language, with a female variant where the voice asks for one. */
export function espeakVoice(language: string, voice: string): string {
  const name = (voice.split('.').at(-1) ?? '').split('-')[0]!.toLowerCase();
  return espeakLanguage(language) + (FEMALE.has(name) ? '+f3' : '');
}
