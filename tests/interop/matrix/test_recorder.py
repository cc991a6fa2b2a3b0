"""Tests of the recorder: known good and known bad byte streams.

Each bad stream differs in one place from a good one, and the recorder has to blame the side that sent it.
"""
import base64, hashlib, struct, unittest, zlib

from proxy import BAD, frame
from recorder import CLIENT, SERVER, Conversation, unmask

KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
REQUEST = {
    'Host': '127.0.0.1', 'Upgrade': 'websocket', 'Connection': 'keep-alive, Upgrade', 'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
}
# The key and the answer are those of RFC 6455 section 1.3.
RESPONSE = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='}
MASK = bytes([0x37, 0xfa, 0x21, 0x3d])


def head(first, headers):
    lines = [first] + [f'{name}: {value}' for name, value in headers.items() if value is not None]
    return ('\r\n'.join(lines) + '\r\n\r\n').encode()


def request(line='GET /case HTTP/1.1', **changes):
    return head(line, REQUEST | {name.replace('_', '-'): value for name, value in changes.items()})


def response(line='HTTP/1.1 101 Switching Protocols', **changes):
    return head(line, RESPONSE | {name.replace('_', '-'): value for name, value in changes.items()})


def encode(side, first, payload=b'', key=MASK):
    """A frame with the shortest length, masked if a client sends it."""
    bit = 0x80 if side == CLIENT else 0
    if len(payload) < 126:
        start = bytes([first, bit | len(payload)])
    elif len(payload) < 65536:
        start = bytes([first, bit | 126]) + struct.pack('>H', len(payload))
    else:
        start = bytes([first, bit | 127]) + struct.pack('>Q', len(payload))
    return start + (key + unmask(payload, key) if bit else payload)


def close(side, code=1000, reason=b''):
    return encode(side, 0x88, struct.pack('>H', code) + reason)


def deflated(codec, payload):
    return (codec.compress(payload) + codec.flush(zlib.Z_SYNC_FLUSH))[:-4]


def converse(*steps, cut=None, heads=(request(), response()), ends=(CLIENT, SERVER)):
    """A conversation of (side, bytes), behind an opening handshake. `cut` is the longest piece."""
    conversation = Conversation()
    for side, data in [(CLIENT, heads[0]), (SERVER, heads[1]), *steps]:
        for at in range(0, len(data), cut or len(data)):
            conversation.feed(side, data[at:at + (cut or len(data))])
    for side in ends:
        conversation.end(side, 'end')
    conversation.finish()
    return conversation


CLOSING = (CLIENT, close(CLIENT)), (SERVER, close(SERVER))
OFFER = 'permessage-deflate; client_max_window_bits'


class Good(unittest.TestCase):
    def test_messages_of_all_lengths_are_read_however_they_are_cut(self):
        for length in (0, 1, 125, 126, 65535, 65536):
            payload = bytes(n % 251 for n in range(length))
            for cut in (None, 1, 7):
                if cut == 1 and length > 1000:
                    continue
                found = converse((CLIENT, encode(CLIENT, 0x82, payload)), (SERVER, encode(SERVER, 0x82, payload)), *CLOSING,
                                 cut=cut)
                self.assertEqual(found.violations, [])
                for side in (CLIENT, SERVER):
                    self.assertEqual(found.directions[side].messages, [(2, payload)])

    def test_fragments_are_joined_around_a_ping(self):
        for side in (CLIENT, SERVER):
            whole = 'Grüße'.encode()
            other = SERVER if side == CLIENT else CLIENT
            found = converse(
                (side, encode(side, 0x01, whole[:3])), (side, encode(side, 0x89, b'?')), (other, encode(other, 0x8A, b'?')),
                (side, encode(side, 0x00)), (side, encode(side, 0x80, whole[3:])), *CLOSING)
            self.assertEqual(found.violations, [])
            self.assertEqual(found.directions[side].messages, [(1, whole)])
            self.assertEqual(found.directions[side].fragmented, 1)

    def test_compressed_messages_are_inflated_with_their_context(self):
        codec = zlib.compressobj(wbits=-15)
        text = b'the same text ' * 20
        first, second = deflated(codec, text), deflated(codec, text)
        self.assertLess(len(second), len(first))
        found = converse((CLIENT, encode(CLIENT, 0xC1, first)), (CLIENT, encode(CLIENT, 0xC1, second)), *CLOSING,
                         heads=(request(Sec_WebSocket_Extensions=OFFER), response(Sec_WebSocket_Extensions='permessage-deflate')))
        self.assertEqual(found.violations, [])
        self.assertEqual(found.directions[CLIENT].messages, [(1, text)] * 2)
        self.assertEqual(found.directions[CLIENT].compressed, 2)

    def test_the_example_of_rfc_7692_with_a_final_block_is_inflated(self):
        found = converse((SERVER, encode(SERVER, 0xC1, bytes.fromhex('f348cdc9c9070000'))), *CLOSING,
                         heads=(request(Sec_WebSocket_Extensions=OFFER), response(Sec_WebSocket_Extensions='permessage-deflate')))
        self.assertEqual((found.violations, found.directions[SERVER].messages), ([], [(1, b'Hello')]))

    def test_a_message_continues_behind_a_final_block_and_can_refer_to_what_was_before_it(self):
        text = hashlib.shake_128(b'words').hexdigest(200).encode()
        new = hashlib.shake_128(b'new').digest(600)
        new = bytes(byte & 127 for byte in new)
        for bits in (9, 15):
            codec = zlib.compressobj(wbits=-bits)
            first = deflated(codec, text)
            ending = zlib.compressobj(wbits=-bits, zdict=text)
            final = ending.compress(b'the end') + ending.flush()
            later = zlib.compressobj(wbits=-bits, zdict=text + b'the end')
            second = final + deflated(later, text + new)
            answer = f'permessage-deflate; client_max_window_bits={bits}'
            found = converse((CLIENT, encode(CLIENT, 0xC1, first)), (CLIENT, encode(CLIENT, 0xC1, second)), *CLOSING,
                             heads=(request(Sec_WebSocket_Extensions=OFFER), response(Sec_WebSocket_Extensions=answer)))
            self.assertEqual(found.violations, [])
            self.assertEqual(found.directions[CLIENT].messages, [(1, text), (1, b'the end' + text + new)])

    def test_a_refusal_is_not_read_as_frames(self):
        found = converse((SERVER, b'no'), heads=(request(), response('HTTP/1.1 403 Forbidden', Upgrade=None)))
        self.assertEqual((found.status, found.violations), (403, []))


class Bad(unittest.TestCase):
    def blames(self, side, rule, found):
        self.assertEqual([broken for broken, _ in found.violations], [side], found.violations)
        self.assertRegex(found.violations[0][1], rule)

    def test_requests(self):
        for rule, head in {
            'request line': request('POST /case HTTP/1.1'),
            'Host is there 0 times': request(Host=None),
            'does not ask': request(Upgrade='h2c'),
            '16 bytes': request(Sec_WebSocket_Key='c2hvcnQ='),
            'not 13': request(Sec_WebSocket_Version='8'),
            'invalid Sec-WebSocket-Protocol': request(Sec_WebSocket_Protocol='a, a'),
            'twice': request(Sec_WebSocket_Extensions=OFFER + '; client_max_window_bits'),
            'invalid server_max_window_bits=16': request(Sec_WebSocket_Extensions='permessage-deflate; server_max_window_bits=16'),
            'invalid header line': request().replace(b'Host:', b'Host :'),
        }.items():
            with self.subTest(rule):
                found = Conversation()
                found.feed(CLIENT, head)
                self.blames(CLIENT, rule, found)

    def test_responses(self):
        asks = request(Sec_WebSocket_Extensions='permessage-deflate; server_max_window_bits=10')
        for rule, head in {
            'status line': response('HTTP/1.0 101 Switching Protocols'),
            'does not upgrade': response(Connection='close'),
            'wrong Sec-WebSocket-Accept': response(Sec_WebSocket_Accept='AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
            'was not offered': response(Sec_WebSocket_Protocol='chat'),
            'were not offered': response(Sec_WebSocket_Extensions='x-unknown'),
            'no offer allows .*11': response(Sec_WebSocket_Extensions='permessage-deflate; server_max_window_bits=11'),
            'no offer allows .*client_max':
                response(Sec_WebSocket_Extensions='permessage-deflate; server_max_window_bits=10; client_max_window_bits=10'),
        }.items():
            with self.subTest(rule):
                found = Conversation()
                found.feed(CLIENT, asks)
                found.feed(SERVER, head)
                self.blames(SERVER, rule, found)

    def test_every_bad_frame_of_the_proxy(self):
        rules = {'utf8': 'not UTF-8', 'opcode': 'reserved opcode', 'reserved-bit': 'reserved bits', 'mask': 'masked',
                 'long-ping': 'too long', 'continuation': 'continues nothing', 'long-length': 'takes 16 bits',
                 'close-code': 'close code 1005'}
        self.assertEqual(set(rules), set(BAD))
        for kind, rule in rules.items():
            for side in (CLIENT, SERVER):
                with self.subTest(kind=kind, side=side):
                    self.blames(side, rule, converse((side, frame(kind, side))))

    def test_other_frames(self):
        for side in (CLIENT, SERVER):
            for rule, data in {
                'fragmented': encode(side, 0x09),
                'middle of another': encode(side, 0x01, b'a') + encode(side, 0x81, b'b'),
                'one byte': encode(side, 0x88, b'\x03'),
                'reason of a Close': close(side, 1000, b'\xff'),
                'bytes follow the Close': close(side) + encode(side, 0x81, b'late'),
                'takes 64 bits': bytes([0x82, 127 | 0x80 * (side == CLIENT)]) + struct.pack('>Q', 5),
                'reserved bits 100': encode(side, 0xC1, bytes.fromhex('f248cdc9c90700')),
                'middle of a frame': encode(side, 0x81, b'cut')[:-1],
            }.items():
                with self.subTest(rule, side=side):
                    found = converse((side, data))
                    # The other side of a Close does not answer in these streams.
                    found.violations = [(who, text) for who, text in found.violations if 'Close was not' not in text]
                    self.blames(side, rule, found)

    def test_compression(self):
        heads = (request(Sec_WebSocket_Extensions=OFFER),
                 response(Sec_WebSocket_Extensions='permessage-deflate; client_no_context_takeover; client_max_window_bits=9'))
        codec = zlib.compressobj(wbits=-15)
        noise = hashlib.shake_128(b'noise').digest(2000)
        far = deflated(codec, noise + noise)
        self.blames(CLIENT, 'cannot be decompressed: .*distance', converse((CLIENT, encode(CLIENT, 0xC2, far)), heads=heads))
        codec = zlib.compressobj(wbits=-9)
        first, second = deflated(codec, b'text ' * 20), deflated(codec, b'text ' * 20)
        self.blames(CLIENT, 'cannot be decompressed',
                    converse((CLIENT, encode(CLIENT, 0xC1, first) + encode(CLIENT, 0xC1, second)), heads=heads))
        # The same bytes are correct from the server, whose context and window have no limit here.
        found = converse((SERVER, encode(SERVER, 0xC1, first) + encode(SERVER, 0xC1, second)), *CLOSING, heads=heads)
        self.assertEqual(found.violations, [])
        self.blames(SERVER, 'reserved bits 100', converse((SERVER, encode(SERVER, 0xC9, b'')), heads=heads))

    def test_the_end_of_a_connection(self):
        self.blames(SERVER, 'not answered', converse((CLIENT, close(CLIENT))))
        self.blames(SERVER, 'without a Close', converse(ends=(SERVER, CLIENT)))
        self.blames(SERVER, 'a ping was not answered', converse((CLIENT, encode(CLIENT, 0x89, b'?')), *CLOSING))
        same = encode(CLIENT, 0x81, b'x')
        self.blames(CLIENT, 'same masking key', converse((CLIENT, same * 8), *CLOSING))

    def test_a_frame_before_the_response(self):
        found = Conversation()
        found.feed(CLIENT, request() + encode(CLIENT, 0x81, b'early'))
        self.blames(CLIENT, 'before the handshake', found)


class Self(unittest.TestCase):
    def test_the_accept_is_that_of_the_rfc(self):
        digest = hashlib.sha1(KEY.encode() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()
        self.assertEqual(base64.b64encode(digest).decode(), RESPONSE['Sec-WebSocket-Accept'])

    def test_unmasking_is_that_of_the_rfc(self):
        # RFC 6455 section 5.7: a masked text "Hello".
        self.assertEqual(unmask(bytes([0x7f, 0x9f, 0x4d, 0x51, 0x58]), MASK), b'Hello')


if __name__ == '__main__':
    unittest.main()
