import { expect } from 'chai';
import type { Query } from '../../../src/adapters/http/connection.js';
import { hostField, requestHead } from '../../../src/adapters/http/request-head.js';

describe('hostField', () => {
  const rows: [secure: boolean, host: string, port: number, field: string][] = [
    [false, 'example.com', 80, 'example.com'],
    [true, 'example.com', 443, 'example.com'],
    [false, 'example.com', 443, 'example.com:443'],
    [true, 'example.com', 80, 'example.com:80'],
    [true, '10.0.0.1', 6443, '10.0.0.1:6443'],
    [false, '::1', 80, '[::1]'],
    [true, 'fd00::1', 6443, '[fd00::1]:6443'],
  ];
  for (const [secure, host, port, field] of rows) {
    it(`is "${field}" at port ${port} with${secure ? '' : 'out'} TLS`, () => {
      expect(hostField({ secure, host, port })).to.equal(field);
    });
  }
});

describe('requestHead', () => {
  it('writes what it is given, and how long the body is', () => {
    const headers = { accept: 'a, b', 'x-none': undefined, 'x-empty': '', 'x-tab': 'a\tb' };
    expect(requestHead({ method: 'PUT', path: '/a%20b?c=d', headers, body: 'ü' }, 'h:1')).to.equal(
      'PUT /a%20b?c=d HTTP/1.1\r\nhost: h:1\r\naccept: a, b\r\nx-empty: \r\nx-tab: a\tb\r\ncontent-length: 2\r\n\r\n',
    );
  });

  const queries: [query: Query | undefined, target: string][] = [
    [undefined, '/v3/jobs'],
    [{}, '/v3/jobs'],
    [{ limit: 5, after: undefined, watch: true, q: 'a b,!c=ü' }, '/v3/jobs?limit=5&watch=true&q=a%20b%2C!c%3D%C3%BC'],
  ];
  for (const [query, target] of queries) {
    it(`asks for "${target}"`, () => {
      const head = requestHead({ method: 'GET', path: '/v3/jobs', query, headers: {} }, 'h');
      expect(head.split('\r\n')[0]).to.equal(`GET ${target} HTTP/1.1`);
    });
  }
});
