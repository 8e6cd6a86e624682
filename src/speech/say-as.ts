// say-as of SSML (twiml.md 5.1), as far as it decides between a number and its digits: no engine of ours knows all the names, and an
// account number must not become millions. What is to be spelled is written with blanks, which every engine reads one by one.
//
//   <say-as interpret-as="digits">4711</say-as>        4 7 1 1
//   <say-as interpret-as="telephone">+49 30-1</say-as>  + 4 9, 3 0, 1
//   <say-as interpret-as="date">…</say-as>              as it stands: the engine decides

const SAY_AS = /<say-as\s+([^<>]{0,300})>([^<]{0,2000})<\/say-as>/g;
const INTERPRET_AS = /(?:^|\s)interpret-as\s*=\s*(?:"([^"]*)"|'([^']*)')/;
const SPELLED: ReadonlySet<string> = new Set(['digits', 'characters', 'spell-out']);
/** One character as it is written in XML. */
const CHARACTER = /&(?:[a-z]{1,5}|#\d{1,7}|#x[\da-fA-F]{1,6});|[^\s]/gu;

/** The same SSML, with what is to be spelled written out; everything else is left as it is. Linear in its length. */
export function spellOut(ssml: string): string {
  return ssml.replace(SAY_AS, (whole, attributes: string, text: string) => {
    const [, double, single] = INTERPRET_AS.exec(attributes) ?? [];
    const how = double ?? single ?? '';
    if (SPELLED.has(how)) return ` ${spaced(text)} `;
    if (how === 'telephone')
      return ` ${text
        .split(/[\s()./-]+/)
        .map(spaced)
        .filter(Boolean)
        .join(', ')} `;
    return whole;
  });
}

const spaced = (text: string): string => (text.match(CHARACTER) ?? []).join(' ');
