"""The words of the vocabulary, by the part that they play in a sentence.

The order is the order of the token ids: a word that is added goes to the end of its list only
together with a new `system_fingerprint`, which is computed from the vocabulary.
"""

from __future__ import annotations


def listed(text: str) -> tuple[str, ...]:
    """Return the words of a text that is nothing but words."""
    return tuple(text.split())


DETERMINERS = listed("the a every this that our their one each some another his her my")

ADJECTIVES = listed(
    """quiet old small bright green narrow gentle silver early warm distant hidden patient wooden
    open soft tall golden empty curious slow cold heavy simple round blue long young clear deep
    fresh careful calm busy plain late dark broad steady honest rare ancient kind proud sharp
    sweet tiny wide red white black yellow new good great little big high low free full strong
    important possible public able different large local national social special short real
    happy fast easy hard best better easier whole certain common general single similar main"""
)

NOUNS = listed(
    """river lantern garden bridge letter window harbour mountain clock teacher meadow orchard
    village candle market ferry library painter winter island kettle forest story pocket violin
    street compass kitchen shadow summer train ladder cloud basket sailor mirror path stone field
    morning evening song boat horse road door house light book paper bird tree hill farmer baker
    child friend neighbour answer question corner season map coat shore valley wind rain snow
    time year people way day man thing woman life world school state family student group country
    problem hand part place case week company system program work government number night point
    home water room mother area money month lot right study word business issue side head page
    service father power hour game line end member law car city community name president team
    minute idea kid body information back parent face others level office health person art war
    history party result change reason research girl guy moment air force education weather
    temperature location unit price product order user message tool function value data text list
    object string image color colour date email address language model token example code
    capital population country currency flight hotel ticket sum total count poem essay sentence
    paragraph note task title description summary recipe joke fact sky sun moon star sea"""
)

VERBS = listed(
    """carries follows remembers watches crosses finds keeps opens leaves answers guards repairs
    draws hears passes brings holds meets paints returns lifts counts reaches waits turns rests
    wanders sings listens grows shines settles moves begins stays smiles travels drifts sleeps
    calls knows sees takes makes gives thinks tells becomes shows feels puts means lets needs
    helps starts runs plays likes lives believes happens writes sits stands loses pays includes
    continues sets learns leads understands speaks reads spends walks wins teaches offers loves"""
)

PREPOSITIONS = listed(
    """across beside under over behind near beyond through along above into toward around against
    before after with without between from inside outside at by of in on to for"""
)

ADVERBS = listed(
    """slowly quietly again often gladly softly twice together carefully soon always once early
    away nearby forever patiently gently almost never now then here there still just also very
    only well even too really already"""
)

CONJUNCTIONS = listed("and but while because so or until if when as")

OTHERS = listed(
    """I you he she it we they me him them us is are was were be been am has have had do does did
    not no yes can could will would shall should may might must get got go went gone come came say
    said see saw make made take took know knew think thought tell told find found give gave want
    use used ask asked try tried call called need feel become leave put mean keep let begin seem
    help show hear play run move live believe bring happen write sit stand lose pay meet include
    continue set learn change lead understand watch follow stop create speak read spend grow open
    walk win offer remember love consider appear buy wait serve die send expect build stay fall
    cut reach kill remain suggest raise pass sell require report decide pull please answer reply
    repeat describe explain list return generate respond translate summarize extract count search
    look check add convert compute calculate what which who whom whose where why how there than
    more most many much any all both few other such own same two three four five six seven eight
    nine ten hundred thousand first second third last next about up down out off again hello hi
    hey ok okay thanks thank sorry welcome goodbye dear today tomorrow yesterday Monday Sunday
    English French German Spanish Paris London Berlin Tokyo Rome Madrid New York France Germany
    JSON json API URL HTTP your its these those assistant system developer helpful following
    exactly nothing else something anything everything write using based given current currently
    single word words number numbers sentence one short long turn call tools named units celsius
    fahrenheit city properties required string integer boolean array object null true false
    description parameters additionalProperties enum items anyOf minimum maximum strict schema
    fetch retrieve query schedule greet compare determine estimate evaluate identify provide
    lookup forecast alpha beta gamma delta apple banana mango orange cat dog fox"""
)

ENDINGS = listed(
    """s es ed ing er ers est ly tion ions ment ness able ible ful less ity al ial ous ive ize
    ise ate ent ant ance ence ism ist age ure ish th st nd rd un re pre con com dis pro per str
    ter the for and ther con ver men ill igh ght ook ack ell all ain our ous ead ear"""
)

JSON_PIECES = (
    '{"', '"}', '":', '":"', '","', '": "', '", "', '": ', ', "', '":{"', '"},{"', '":["', '"]',
    '"]}', "{}", "[]", "[{", "}]", "}}", "},", "],", '":[', '"},"', '"],"', ',"',
)  # fmt: skip

# What every schema is full of; the only tokens that hold letters and signs.
SCHEMA_PIECES = (
    '{"type":"object","properties":{"', '":{"type":"object","properties":{"',
    '":{"type":"array","items":{"type":"', '":{"type":"string"', '":{"type":"integer"',
    '":{"type":"number"', '":{"type":"boolean"', ',"description":"', '},"required":["',
    '}},"required":["', '"}},"required":["', ',"additionalProperties":false', '":{"enum":["',
)  # fmt: skip

TEXT_PIECES = (
    "\n", "\n\n", ". ", ", ", "! ", "? ", ": ", "...", "--", "  ", "    ", "://", "http", "https",
    "www", ".com", ".org", " (", "()", "',", "'s", "n't", " -", " =", " +", "==", "->", "**",
)  # fmt: skip
