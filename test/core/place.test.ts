import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admitsPlace, asnOf, countryOf, type Places, type Rule, readPlace } from '../../src/core/place.ts'
import { linesOf } from '../support/service.ts'

const rule = <Value>(allow: Value[] | null, deny: Value[] | null): Rule<Value> => ({
  allow: allow && new Set(allow),
  deny: deny && new Set(deny),
})
const countries = (allow: string[] | null, deny: string[] | null): Places => ({
  countries: rule(allow, deny),
  asns: null,
})

describe('where a client may be', () => {
  it('allows what is listed and nothing else', () => {
    const places = countries(['DE', 'AT'], null)
    expect(admitsPlace(places, { country: 'AT', asn: null })).toBe(true)
    expect(admitsPlace(places, { country: 'CH', asn: null })).toBe(false)
  })

  it('denies what is listed, whatever is allowed', () => {
    const places = countries(['DE', 'AT'], ['AT'])
    expect(admitsPlace(places, { country: 'DE', asn: 1 })).toBe(true)
    expect(admitsPlace(places, { country: 'AT', asn: 1 })).toBe(false)
  })

  it('admits nobody of whom nothing is known, by any rule', () => {
    const asns: Places = { countries: null, asns: rule<number>(null, [64496]) }
    for (const places of [countries(['DE'], null), countries(null, ['DE']), asns]) {
      expect(admitsPlace(places, undefined)).toBe(false)
      expect(admitsPlace(places, { country: null, asn: null })).toBe(false)
    }
    expect(admitsPlace(asns, { country: null, asn: 64497 })).toBe(true)
  })

  it('asks both, the country and the network', () => {
    const places: Places = { countries: rule(['DE'], null), asns: rule([64496], null) }
    expect(admitsPlace(places, { country: 'DE', asn: 64496 })).toBe(true)
    expect(admitsPlace(places, { country: 'DE', asn: 64497 })).toBe(false)
    expect(admitsPlace(places, { country: 'FR', asn: 64496 })).toBe(false)
  })
})

describe('what a header says of a place', () => {
  const fields = { country: 'cf-ipcountry', asn: 'x-asn' }

  it('is read from the named headers', () => {
    const lines = linesOf([
      ['CF-IPCountry', ' de '],
      ['X-ASN', 'AS13335'],
    ])
    expect(readPlace(fields, lines)).toEqual({ country: 'DE', asn: 13335 })
  })

  it('is nothing where the policy names no header', () => {
    const lines = linesOf([['CF-IPCountry', 'DE']])
    expect(readPlace({ country: null, asn: null }, lines)).toEqual({ country: null, asn: null })
  })

  it('is nothing when it is said twice, in two lines or in one that was joined', () => {
    const twice = linesOf([
      ['cf-ipcountry', 'DE'],
      ['CF-IPCountry', 'DE'],
      ['x-asn', '1, 2'],
    ])
    expect(readPlace(fields, twice)).toEqual({ country: null, asn: null })
    expect(readPlace(fields, linesOf([['cf-ipcountry', 'DE, AT']])).country).toBe(null)
  })

  it.each([
    ['XX', null],
    ['', null],
    ['D', null],
    ['DEU', null],
    ['1D', null],
    ['xx', null],
    ['DE1', null],
    ['1DE', null],
    ['D9', 'D9'],
    ['d-', null],
    ['\u00df', null],
    ['\u00a0DE', null],
    [' DE\t', 'DE'],
    ['T1', 'T1'],
    ['de', 'DE'],
  ])('takes the country %j for %j', (text, country) => {
    expect(countryOf(text)).toBe(country)
  })

  it.each([
    ['0', null],
    ['AS0', null],
    ['-1', null],
    ['1e3', null],
    ['013335', null],
    ['\u00a013335', null],
    ['4294967296', null],
    ['99999999999', null],
    ['x1', null],
    ['1x', null],
    ['', null],
    ['AS', null],
    ['AS 1', null],
    ['1', 1],
    [' 64496\t', 64496],
    ['4294967295', 4294967295],
    ['as64496', 64496],
  ])('takes the number %j for %j', (text, asn) => {
    expect(asnOf(text)).toBe(asn)
  })

  it('is nothing where nothing is said', () => {
    expect(countryOf(null)).toBeNull()
    expect(asnOf(null)).toBeNull()
    expect(readPlace(fields, linesOf([]))).toEqual({ country: null, asn: null })
  })

  it('never throws, whatever a client has put there', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(countryOf(text) === null || /^[A-Z][A-Z0-9]$/.test(countryOf(text) ?? '')).toBe(true)
        const asn = asnOf(text)
        expect(asn === null || (Number.isInteger(asn) && asn > 0 && asn < 2 ** 32)).toBe(true)
      }),
    )
  })
})
