import { type Fact, when } from './fact.js';

const text = (operator: string, value: unknown) => when(operator, 'aws:UserAgent', value);
const agent = (value: string) => ({ keys: { 'aws:useragent': value } });
const size = (operator: string, value: unknown) => when(operator, 's3:max-keys', value);
const keys = (value: string | undefined) => ({ keys: { 's3:max-keys': value } });
const time = (operator: string, value: unknown) => when(operator, 'aws:CurrentTime', value);
const address = (operator: string, value: unknown) => when(operator, 'aws:SourceIp', value);
const from = (value: string) => ({ keys: { 'aws:sourceip': value } });
const arn = (operator: string, value: unknown) => when(operator, 'aws:SourceArn', value);
const by = (value: string) => ({ keys: { 'aws:sourcearn': value } });
const absent = (operator: string, value: unknown) => when(operator, 'aws:Referer', value);
const operators = 'IAM JSON policy elements: Condition operators';
const topic = 'arn:aws:sns:us-east-1:123456789012:news';
const store = 'arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/a.txt';

export const conditions: readonly Fact[] = [
  {
    page: 'IAM JSON policy elements: Condition',
    says: 'names of keys are the same in upper and lower case, values are not',
    cases: [
      [when('StringEquals', 'AWS:requestedregion', 'us-east-1'), 'allowed'],
      [when('StringEquals', 'aws:RequestedRegion', 'US-EAST-1'), 'not allowed'],
      [when('StringEquals', 'aws:RequestedRegions', 'us-east-1'), 'unknown'],
    ],
  },
  {
    page: operators,
    says: 'StringEquals compares exactly, and has no wildcards',
    cases: [
      [text('StringEquals', 'Chat'), 'allowed', agent('Chat')],
      [text('StringEquals', 'Chat'), 'not allowed', agent('chat')],
      [text('StringEquals', 'Ch*'), 'not allowed', agent('Chat')],
      [text('StringEquals', 'Ch*'), 'allowed', agent('Ch*')],
      [text('StringEquals', ''), 'allowed', agent('')],
      [text('StringNotEquals', 'Chat'), 'not allowed', agent('Chat')],
      [text('StringNotEquals', 'Chat'), 'allowed', agent('chat')],
      [text('StringEqualsIgnoreCase', 'CHAT'), 'allowed', agent('chat')],
      [text('StringEqualsIgnoreCase', 'CHAT*'), 'not allowed', agent('chats')],
      [text('StringNotEqualsIgnoreCase', 'CHAT'), 'not allowed', agent('chat')],
    ],
  },
  {
    page: operators,
    says: 'StringLike has * and ? anywhere, and is case-sensitive',
    cases: [
      [text('StringLike', 'Ch?t'), 'allowed', agent('Chat')],
      [text('StringLike', 'ch?t'), 'not allowed', agent('Chat')],
      [text('StringLike', '*a*'), 'allowed', agent('Chat')],
      [text('StringLike', 'Cha'), 'not allowed', agent('Chat')],
      [text('StringLike', 'C*:*t'), 'allowed', agent('C:h:a:t')],
      [text('StringLike', ['x', 'Chat*']), 'allowed', agent('Chat')],
      [text('StringNotLike', 'Ch*'), 'not allowed', agent('Chat')],
      [text('StringNotLike', ['x*', 'y*']), 'allowed', agent('Chat')],
    ],
  },
  {
    page: operators,
    says: 'Numeric operators compare integers and decimals',
    cases: [
      [size('NumericEquals', '10'), 'allowed', keys('10.0')],
      [size('NumericEquals', 10), 'allowed', keys('10')],
      [size('NumericNotEquals', '10'), 'not allowed', keys('10')],
      [size('NumericLessThan', '10'), 'not allowed', keys('10')],
      [size('NumericLessThan', '10'), 'allowed', keys('9.5')],
      [size('NumericLessThanEquals', '10'), 'allowed', keys('10')],
      [size('NumericLessThanEquals', '10'), 'not allowed', keys('11')],
      [size('NumericGreaterThan', '-1'), 'allowed', keys('0')],
      [size('NumericGreaterThan', '10'), 'not allowed', keys('9')],
      [size('NumericGreaterThanEquals', '10'), 'allowed', keys('10')],
      [size('NumericLessThan', 'ten'), 'unknown', keys('10')],
      [size('NumericLessThan', '0x10'), 'unknown', keys('10')],
    ],
  },
  {
    page: operators,
    says: 'Date operators compare dates in the forms of the W3C, or seconds since the epoch',
    cases: [
      [time('DateEquals', '2026-11-24T08:09:10Z'), 'allowed'],
      [time('DateEquals', '2026-11-24T09:09:10+01:00'), 'allowed'],
      [time('DateEquals', '2026-11-24T08:09:10.000Z'), 'allowed'],
      [time('DateNotEquals', '2026-11-24T08:09:10Z'), 'not allowed'],
      [time('DateLessThan', '2026-11-24T08:10Z'), 'allowed'],
      [time('DateLessThan', '2026-11-24'), 'not allowed'],
      [time('DateLessThanEquals', '1795507750'), 'allowed'],
      [time('DateLessThanEquals', '1795507749'), 'not allowed'],
      [time('DateGreaterThan', '2026-11'), 'allowed'],
      [time('DateGreaterThan', '2026'), 'allowed'],
      [time('DateGreaterThanEquals', '2027'), 'not allowed'],
      [when('DateGreaterThan', 'aws:EpochTime', '2026-11-24'), 'allowed'],
      [time('DateLessThan', '2026-*'), 'unknown'],
      [time('DateLessThan', 'Nov 24 2026'), 'unknown'],
      [time('DateLessThan', '-5'), 'unknown'],
    ],
  },
  {
    page: operators,
    says: 'Bool compares true and false',
    cases: [
      [when('Bool', 'aws:SecureTransport', true), 'allowed'],
      [when('Bool', 'aws:SecureTransport', 'True'), 'allowed'],
      [when('Bool', 'aws:SecureTransport', ['false', 'true']), 'allowed'],
      [when('Bool', 'aws:SecureTransport', 'false'), 'not allowed'],
      [when('Bool', 'aws:SecureTransport', 'yes'), 'unknown'],
    ],
  },
  {
    page: operators,
    says: 'BinaryEquals compares bytes; it is not supported here',
    cases: [[text('BinaryEquals', 'Q2hhdA=='), 'unknown']],
  },
  {
    page: operators,
    says: 'IpAddress takes ranges of IPv4 and IPv6; without a prefix it is one address',
    cases: [
      [address('IpAddress', '203.0.113.0/24'), 'allowed', from('203.0.113.255')],
      [address('IpAddress', '203.0.113.0/24'), 'not allowed', from('203.0.114.0')],
      [address('IpAddress', '203.0.113.7'), 'allowed', from('203.0.113.7')],
      [address('IpAddress', '203.0.113.7'), 'not allowed', from('203.0.113.8')],
      [address('IpAddress', '0.0.0.0/0'), 'allowed', from('198.51.100.1')],
      [address('IpAddress', '2001:DB8:1234:5678::/64'), 'allowed', from('2001:db8:1234:5678::1')],
      [address('IpAddress', '2001:DB8:1234:5678::/64'), 'not allowed', from('2001:db8:1234::1')],
      [address('IpAddress', ['10.0.0.0/8', '2001:db8::/32']), 'allowed', from('2001:db8::1')],
      [address('NotIpAddress', '203.0.113.0/24'), 'not allowed', from('203.0.113.1')],
      [address('NotIpAddress', '203.0.113.0/24'), 'allowed', from('2001:db8::1')],
      [address('IpAddress', '203.0.113.*'), 'unknown'],
      [address('IpAddress', '203.0.113.0/33'), 'unknown'],
    ],
  },
  {
    page: operators,
    says: 'ArnEquals and ArnLike are the same: each of the six parts is compared on its own, with wildcards',
    cases: [
      [arn('ArnEquals', topic), 'allowed', by(topic)],
      [arn('ArnEquals', 'arn:aws:sns:*:*:ne?s'), 'allowed', by(topic)],
      [arn('ArnLike', 'arn:aws:sns:*:*:ne?s'), 'allowed', by(topic)],
      [arn('ArnLike', 'arn:aws:sns:*:*:NEWS'), 'not allowed', by(topic)],
      [arn('ArnLike', 'arn:aws:sns:us-east-1:*:news'), 'not allowed', by(`${topic}:news`)],
      [arn('ArnLike', 'arn:aws:sns:*:news'), 'unknown', by(topic)],
      [arn('ArnLike', 'arn:aws:sns:*'), 'unknown', by(topic)],
      [arn('ArnNotLike', '*'), 'unknown', by(topic)],
      [arn('ArnLike', 'arn:aws:s*:us-east-1:*:*'), 'allowed', by(topic)],
      [arn('ArnNotEquals', 'arn:aws:sns:*:*:news'), 'not allowed', by(topic)],
      [arn('ArnNotLike', 'arn:aws:sqs:*:*:news'), 'allowed', by(topic)],
      [arn('ArnLike', 'arn:aws:someservice:*:111122223333:finance/*'), 'not allowed', by(store)],
      [arn('StringLike', 'arn:aws:someservice:*:111122223333:finance/*'), 'allowed', by(store)],
      [arn('ArnLike', 'arn:aws:someservice:*:*:store/*:finance/*'), 'allowed', by(store)],
    ],
  },
  {
    page: operators,
    says: 'an absent key does not match, so that negated operators are true',
    cases: [
      [absent('StringEquals', 'x'), 'not allowed'],
      [absent('StringLike', '*'), 'not allowed'],
      [absent('NumericLessThan', '1'), 'not allowed'],
      [absent('DateGreaterThan', '2020-01-01'), 'not allowed'],
      [absent('Bool', 'false'), 'not allowed'],
      [absent('IpAddress', '0.0.0.0/0'), 'not allowed'],
      [absent('ArnLike', 'arn:*:*:*:*:*'), 'not allowed'],
      [absent('StringNotEquals', 'x'), 'allowed'],
      [absent('StringNotEqualsIgnoreCase', 'x'), 'allowed'],
      [absent('StringNotLike', '*'), 'allowed'],
      [absent('NumericNotEquals', '1'), 'allowed'],
      [absent('DateNotEquals', '2020-01-01'), 'allowed'],
      [absent('NotIpAddress', '0.0.0.0/0'), 'allowed'],
      [absent('ArnNotLike', 'arn:*:*:*:*:*'), 'allowed'],
      [{ Effect: 'Deny', ...absent('StringNotEquals', 'x') }, 'denied'],
    ],
  },
  {
    page: operators,
    says: 'IfExists makes it true if the key is absent, for every operator but Null',
    cases: [
      [absent('StringEqualsIfExists', 'x'), 'allowed'],
      [absent('BoolIfExists', 'true'), 'allowed'],
      [absent('IpAddressIfExists', '10.0.0.0/8'), 'allowed'],
      [absent('StringNotEqualsIfExists', 'x'), 'allowed'],
      [{ Effect: 'Deny', ...absent('StringNotEqualsIfExists', 'x') }, 'denied'],
      [text('StringLikeIfExists', 'Chat*'), 'not allowed', agent('curl')],
      [text('StringLikeIfExists', 'Chat*'), 'allowed', agent('Chat/1')],
      [absent('NullIfExists', 'true'), 'unknown'],
    ],
  },
  {
    page: operators,
    says: 'Null is true for an absent key if the value is true, and the other way round',
    cases: [
      [absent('Null', 'true'), 'allowed'],
      [absent('Null', 'false'), 'not allowed'],
      [text('Null', 'true'), 'not allowed'],
      [text('Null', false), 'allowed'],
      [text('Null', 'False'), 'allowed'],
      [absent('Null', 'TRUE'), 'allowed'],
      [text('Null', ['true', 'false']), 'allowed'],
      [text('Null', 'maybe'), 'unknown'],
    ],
  },
];
