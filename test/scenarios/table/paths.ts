/** How a path can be read, and that all common readings must select one route. */
import { fails, passes, type Scenario, type Seen, STRANGER } from '../scenario.ts'
import { ADA } from './known.ts'

const policy = 'main'

const path = (
  id: string,
  says: string,
  feature: string,
  target: string,
  expected: Seen,
  request: Partial<Scenario['request']> = {},
): Scenario => ({
  id: `reading/${id}`,
  says,
  policy,
  feature: `reading: ${feature}`,
  request: { ...request, target },
  expected,
})

const MALFORMED = fails('path_malformed', 400)
const AMBIGUOUS = fails('path_ambiguous', 400)
const PASSES = passes(STRANGER)

export const paths: readonly Scenario[] = [
  path('slash-owned', 'An encoded slash passes where one route owns every reading', 'encoded slash', '/files/a%2Fb', PASSES),
  path('slash-split', 'An encoded slash that leads to another route is refused', 'encoded slash', '/files/private%2fa', AMBIGUOUS),
  path('climb', 'Nobody climbs out of an open path', 'dot segments', '/public/../admin/a', MALFORMED),
  path('climb-encoded', 'Nobody climbs by encoded dots', 'encoded dot segments', '/public/%2e%2e/admin/a', MALFORMED),
  path('climb-slash', 'Nobody climbs by an encoded slash', 'dots and an encoded slash', '/public/..%2fadmin/a', MALFORMED),
  path('climb-twice', 'Nobody climbs by dots that are encoded twice', 'dots encoded twice', '/files/%252e%252e/admin/a', MALFORMED),
  path('climb-parameter', 'Nobody climbs by dots with a parameter', 'dots with a parameter', '/public/..;/admin/a', MALFORMED),
  path('here', 'A single dot is a dot segment as well', 'single dot segment', '/public/./a', MALFORMED),
  path('two-slashes', 'A path never begins with two slashes', 'two slashes in front', '//admin/a', MALFORMED),
  path('slashes-owned', 'Doubled slashes pass where one route owns every reading', 'doubled slashes', '/files//a', PASSES),
  path('slashes-split', 'Doubled slashes that hide a route are refused', 'doubled slashes', '/files//private/a', AMBIGUOUS),
  path('capitals', 'A literal segment in capitals is refused, since some upstreams find it all the same', 'capitals', '/ADMIN/a', AMBIGUOUS),
  path('capitals-owned', 'Capitals below `/**` are nobody else’s', 'capitals', '/files/README', PASSES),
  path('capitals-open', 'Where everything else is open, a guarded path in capitals is still refused', 'capitals on an open host', '/Admin/a', AMBIGUOUS, { host: 'open.example.com' }),
  path('semicolon-owned', 'A parameter in a segment passes where one route owns every reading', 'semicolon', '/files/a;v=1/b', PASSES),
  path('semicolon-split', 'A parameter that hides a segment is refused', 'semicolon', '/admin;v=1/a', AMBIGUOUS),
  path('letter-owned', 'An encoded letter passes where one route owns every reading', 'encoded letter', '/files/%61', PASSES),
  path('letter-split', 'An encoded letter that hides a segment is refused', 'encoded letter', '/%61dmin/a', AMBIGUOUS),
  path('dot-owned', 'A dot at the end of a segment passes where one route owns every reading', 'trailing dot', '/files/v1.2.', PASSES),
  path('dot-split', 'A dot at the end that hides a segment is refused', 'trailing dot', '/files/private./a', AMBIGUOUS),
  path('nul', 'A path with NUL is refused', 'NUL', '/files/a%00b', MALFORMED),
  path('line-break', 'A path with an encoded line break is refused', 'encoded line break', '/files/a%0d%0ab', MALFORMED),
  path('broken-escape', 'An escape that is none is refused', 'broken escape', '/files/a%zz', MALFORMED),
  path('lone-percent', 'A percent sign that encodes nothing is refused', 'lone percent sign', '/files/100%', MALFORMED),
  path('percent', 'An encoded percent sign is a character like any other', 'encoded percent sign', '/files/100%25', PASSES),
  path('not-utf8', 'Octets that are not UTF-8 are refused', 'octets that are not UTF-8', '/files/%ff', MALFORMED),
  path('overlong', 'A slash in overlong UTF-8 is refused', 'overlong UTF-8', '/files/%c0%afprivate/a', MALFORMED),
  path('utf8', 'Encoded letters of other alphabets pass', 'encoded UTF-8', '/files/caf%C3%A9', PASSES),
  path('fullwidth', 'A letter in full width that hides a segment is refused', 'compatibility forms', '/%ef%bd%81dmin/a', AMBIGUOUS),
  path('soft-hyphen', 'An invisible character that hides a segment is refused', 'invisible characters', '/ad%c2%admin/a', AMBIGUOUS),
  path('backslash', 'A raw backslash is refused', 'raw backslash', '/files\\private/a', MALFORMED),
  path('backslash-encoded', 'An encoded backslash that hides a segment is refused', 'encoded backslash', '/files%5cprivate/a', AMBIGUOUS),
  path('hash', 'A raw hash is refused', 'raw hash', '/docs#/public', MALFORMED),
  path('question-encoded', 'An encoded question mark that hides the rest is refused', 'encoded question mark', '/docs%3f/a', AMBIGUOUS),
  path('parameter-decoded', 'A path parameter is compared after decoding', 'encoded letter in a parameter', '/mcp/al%70ha/call', passes(ADA), { credentials: ['caller of alpha'] }),
  path('parameter-split', 'A parameter on whose value readings differ is refused', 'encoded slash in a parameter', '/mcp/alpha%2fx/call', AMBIGUOUS, { credentials: ['caller of alpha'] }),
  path('parameter-colon', 'A parameter that would make two segments of a permission is none', 'colon in a parameter', '/mcp/alpha%3Acall/x', fails('permission_missing', 403), { credentials: ['caller of alpha'] }),
  path('parameter-star', 'A parameter that is a wildcard is no permission', 'wildcard as a parameter', '/mcp/*/call', fails('permission_missing', 403), { credentials: ['admin'] }),
] // biome-ignore format: a table
