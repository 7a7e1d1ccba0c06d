/** API keys. */
import type { AttackClass, Attempt } from '../attack.ts'
import { IMPORTED_KEY, KEYS, key } from '../forge.ts'

const presented = (text: string, status = 401, more: Partial<Attempt> = {}): Attempt => ({
  target: '/docs/x',
  headers: [key(text)],
  status,
  ...more,
})

const { bot } = KEYS
const swapped = bot.replace(/[a-z]/g, (letter) => letter.toUpperCase())

export const API_KEYS: AttackClass = {
  name: 'API keys',
  intro: 'A key is `ak_` and 50 characters of which the last six are a checksum; one of them is good.',
  attacks: [
    {
      id: 'K01',
      attack: 'measures how long a nearly right key takes against a wrong one',
      references: ['CWE-208'],
      outcome: 'one digest whatever the key, then one look-up; the work is counted to be equal',
      attempts: [
        presented(bot, 200, { caller: 'bot' }),
        presented(KEYS.unknown),
        presented(`ak_${'A'.repeat(bot.length - 3)}`),
        presented(`xx_${bot.slice(3)}`),
        presented(bot.slice(3)),
      ],
      shown: [
        {
          file: 'credentials/api-key.test.ts',
          title: 'K01 costs the same work whether its secret is nearly right or all wrong',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'K02',
      attack:
        'a good key cut, extended, in another case, with blanks, NUL, signs or another environment around it',
      references: ['CWE-187', 'CWE-178'],
      outcome: '401: a key is compared whole; 400 for a list of keys',
      attempts: [
        presented(IMPORTED_KEY, 200),
        ...[
          bot.slice(0, -1),
          bot.slice(0, 11),
          `${bot}0`,
          `${bot}${bot}`,
          swapped,
          bot.toLowerCase(),
          bot.toUpperCase(),
        ].map((text) => presented(text)),
        ...[
          `${bot},`,
          `${bot}, ${bot}`,
          `${bot};`,
          `"${bot}"`,
          `Bearer ${bot}`,
          `${bot} x`,
          `${bot}%00`,
          `${bot}\u00a0`,
          `${bot}.`,
        ].map((text) => presented(text, text.includes(',') ? 400 : 401)),
        ...[`${bot}\u0000`, `${bot}\n`, ` ${bot}`].map((text) =>
          presented(text, 401, { ways: ['in process'] }),
        ),
        ...[
          'ak',
          'ak_',
          '_',
          ' ',
          '%',
          'AK_',
          IMPORTED_KEY.toUpperCase(),
          `${IMPORTED_KEY}0`,
          IMPORTED_KEY.slice(0, -1),
        ].map((text) =>
          presented(text, 401, text === ' ' ? { ways: ['in process', 'Node', 'workerd'] } : {}),
        ),
        presented(bot.replace(/^ak_/, 'ak_live_')),
        presented(KEYS.live),
        presented(KEYS.live.replace('ak_live_', 'ak_')),
      ].map((attempt) => (attempt.status === 200 ? { ...attempt, caller: 'imported' as const } : attempt)),
    },
    {
      id: 'K03',
      attack: 'the key in another place: other headers, the query, a cookie, the scheme Bearer, two lines',
      references: ['CWE-598', 'RFC 6750 section 5.3'],
      outcome: 'read from the configured header alone: 401; two lines are 400',
      attempts: [
        ...['X-Api_Key', 'X_API_Key', 'X.API.Key', 'Api-Key', 'ApiKey', 'X-Key'].map(
          (name): Attempt => ({ target: '/docs/x', headers: [[name, bot]], status: 401 }),
        ),
        { target: `/docs/x?api_key=${bot}&X-API-Key=${bot}`, status: 401 },
        { target: '/docs/x', headers: [['Cookie', `X-API-Key=${bot}`]], status: 401 },
        { target: '/docs/x', headers: [['Authorization', `Bearer ${bot}`]], status: 401 },
        {
          target: '/docs/x',
          headers: [['Authorization', `Basic ${Buffer.from(`bot:${bot}`).toString('base64')}`]],
          status: 401,
        },
        { target: '/docs/x', headers: [key(bot), key(bot)], status: 400 },
        { target: '/docs/x', headers: [key('x'), ['x-api-key', bot]], status: 400 },
      ],
    },
    {
      id: 'K04',
      attack: 'a key of 100 kB, a thousand keys in one header, keys that cost a slow hash each',
      references: ['CWE-400', 'CWE-916'],
      outcome: '401 before anything is hashed; a key has 190 random bits and needs no slow hash',
      attempts: [
        presented('k'.repeat(100_000), 401, { ways: ['in process'] }),
        presented(`ak_${'k'.repeat(7000)}`),
        presented(Array.from({ length: 150 }, () => bot).join(',')),
        presented(bot.repeat(100)),
      ],
      shown: [
        {
          file: 'credentials/api-key.test.ts',
          title: 'K04 of 100 kB, or a thousand in one header, is refused before anything is hashed',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'K05',
      attack:
        'a key that has ended, has not begun, was revoked, belongs to another environment, or cannot be looked up',
      references: ['CWE-613', 'CWE-636', 'CWE-204'],
      outcome: '401 with one and the same answer for all; 503 where the store cannot say',
      attempts: [presented(KEYS.past), presented(KEYS.future), presented(KEYS.live)],
      shown: [
        {
          file: 'attacks/key.test.ts',
          title: 'every failure of a key looks the same from outside',
          ways: ['in process'],
        },
        {
          file: 'attacks/key.test.ts',
          title: 'a key that cannot be looked up is 503, and never an allow',
          ways: ['in process'],
        },
        {
          file: 'credentials/stored-keys.test.ts',
          title: 'K05 is judged by its record: %s',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'K07',
      attack: 'hopes to read keys and tokens in answers, records, metrics or on the terminal',
      references: ['CWE-532', 'CWE-209', 'RFC 6750 section 5.3'],
      outcome: 'no answer, audit line, metric or log holds a part of one, good or bad',
      shown: [
        {
          file: 'attacks/node.test.ts',
          title: 'nothing that was presented stands in an answer, a record, the log or the metrics',
          ways: ['Node'],
        },
        {
          file: 'attacks/proxies.test.ts',
          title: 'nothing that was presented stands in an answer, or in what Postern prints',
          ways: ['proxies'],
        },
        {
          file: 'attacks/gateway.test.ts',
          title: 'nothing that was presented stands in an answer, or in what the gateway logs',
          ways: ['workerd'],
        },
        {
          file: 'http/record.test.ts',
          title: 'K07: holds nothing of a credential that an error quotes',
          ways: ['in process'],
        },
      ],
    },
  ],
}
