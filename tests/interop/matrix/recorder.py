"""Reads both directions of a WebSocket connection, and says which side broke which rule of RFC 6455 or 7692.

Nothing here comes from sansws, or from one of the peers. A `Conversation` takes the bytes of each side in the
order in which they passed, and collects violations, messages, pings and Closes.
"""
import base64, binascii, hashlib, re, struct, zlib

CLIENT, SERVER = 'client', 'server'
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
HEAD_LIMIT = 1 << 16
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KNOWN = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def other(side):
    return SERVER if side == CLIENT else CLIENT


class Broken(Exception):
    """A rule that a side broke. The rest of its bytes cannot be read."""


class Head:
    """The request line or status line, and the headers."""

    def __init__(self, data):
        lines = data[:-4].split(b'\r\n')
        for line in lines:
            if b'\n' in line or b'\r' in line or b'\0' in line:
                raise Broken('a line of the head has a bare CR, LF or NUL')
        self.first = lines[0].decode('latin-1')
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.decode('latin-1').partition(':')
            if not colon or not TOKEN.fullmatch(name):
                raise Broken(f'invalid header line {line[:60]!r}')
            self.headers.setdefault(name.lower(), []).append(value.strip(' \t'))

    def one(self, name):
        """The value of a header that has to be there exactly once."""
        values = self.headers.get(name.lower(), [])
        if len(values) != 1:
            raise Broken(f'{name} is there {len(values)} times')
        return values[0]

    def tokens(self, name):
        return [token.strip().lower() for value in self.headers.get(name.lower(), []) for token in value.split(',')]


def parse_extensions(values):
    """Sec-WebSocket-Extensions as a list of (name, [(parameter, value or None)])."""
    result = []
    for value in values:
        for item in re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^",])+', value):
            name, *parameters = (part.strip() for part in item.split(';'))
            if not TOKEN.fullmatch(name):
                raise Broken(f'invalid extension name {name!r}')
            pairs = []
            for parameter in parameters:
                key, equals, text = (part.strip() for part in parameter.partition('='))
                if text.startswith('"') and text.endswith('"') and len(text) > 1:
                    text = re.sub(r'\\(.)', r'\1', text[1:-1])
                if not TOKEN.fullmatch(key) or bool(equals) != bool(TOKEN.fullmatch(text)):
                    raise Broken(f'invalid extension parameter {parameter!r}')
                pairs.append((key, text if equals else None))
            result.append((name, pairs))
    return result


def check_deflate(pairs, is_offer):
    """The parameters of permessage-deflate in an offer or an answer, as a dictionary; RFC 7692 section 7.1."""
    found = {}
    for key, value in pairs:
        if key in found:
            raise Broken(f'permessage-deflate has {key} twice')
        if key in ('server_no_context_takeover', 'client_no_context_takeover'):
            if value is not None:
                raise Broken(f'{key} has a value')
            found[key] = True
        elif key in ('server_max_window_bits', 'client_max_window_bits'):
            may_be_empty = is_offer and key == 'client_max_window_bits'
            if value is None and may_be_empty:
                found[key] = 15
            elif value is not None and re.fullmatch('8|9|1[0-5]', value):
                found[key] = int(value)
            else:
                raise Broken(f'invalid {key}={value}')
        else:
            raise Broken(f'permessage-deflate has an unknown parameter {key}')
    return found


def answers(offer, answer):
    """Whether the answer of a server is allowed for this offer."""
    if 'server_no_context_takeover' in offer and 'server_no_context_takeover' not in answer:
        return False
    if answer.get('server_max_window_bits', 15) > offer.get('server_max_window_bits', 15):
        return False
    if 'server_max_window_bits' in offer and 'server_max_window_bits' not in answer:
        return False
    if 'client_max_window_bits' in answer:
        return answer['client_max_window_bits'] <= offer.get('client_max_window_bits', 0)
    return True


class Direction:
    """All bytes that one side sends."""

    def __init__(self, conversation, side):
        self.conversation, self.side = conversation, side
        self.buffer = bytearray()
        self.head = None
        self.is_readable = True          # false behind a violation after which no frame can be found
        self.is_websocket = True         # false if the response refuses
        self.fragments = None            # (opcode, compressed, [payload]) of an unfinished message
        self.messages, self.pings, self.pongs = [], [], []
        self.frames = self.compressed = self.fragmented = 0
        self.keys = set()
        self.close = None                # (code or None, reason)
        self.ended = None                # how the transport ended: 'end' or 'reset'
        self.inflater, self.window = None, b''

    # What the embedder asks.

    @property
    def is_between_messages(self):
        return (self.is_readable and self.head is not None and not self.buffer and self.fragments is None
                and self.close is None)

    def feed(self, data):
        if not self.is_readable or not self.is_websocket:
            return
        self.buffer += data
        try:
            if self.head is None and not self._take_head():
                return
            while self.is_websocket and self.buffer and self._take_frame():
                pass
        except Broken as broken:
            self.is_readable = False
            self.conversation.violation(self.side, str(broken))

    def soft(self, rule):
        """A broken rule behind which the bytes can still be read."""
        self.conversation.violation(self.side, rule)

    # The opening handshake.

    def _take_head(self):
        end = self.buffer.find(b'\r\n\r\n')
        if end < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise Broken('the head does not end')
            return False
        head = Head(bytes(self.buffer[:end + 4]))
        del self.buffer[:end + 4]
        if self.side == CLIENT:
            self._check_request(head)
        else:
            self._check_response(head)
        self.head = head
        return True

    def _check_request(self, head):
        method, _, rest = head.first.partition(' ')
        target, _, version = rest.rpartition(' ')
        if method != 'GET' or version != 'HTTP/1.1' or not target.startswith('/') or '#' in target:
            raise Broken(f'invalid request line {head.first!r}')
        self.conversation.path = target
        head.one('Host')
        if 'websocket' not in head.tokens('Upgrade') or 'upgrade' not in head.tokens('Connection'):
            raise Broken('the request does not ask for an upgrade')
        try:
            is_key = len(base64.b64decode(head.one('Sec-WebSocket-Key'), validate=True)) == 16
        except binascii.Error:
            is_key = False
        if not is_key:
            raise Broken('Sec-WebSocket-Key is not 16 bytes in base64')
        if head.one('Sec-WebSocket-Version') != '13':
            raise Broken('Sec-WebSocket-Version is not 13')
        names = [name.strip() for value in head.headers.get('sec-websocket-protocol', []) for name in value.split(',')]
        if len(set(names)) != len(names) or not all(TOKEN.fullmatch(name) for name in names):
            raise Broken(f'invalid Sec-WebSocket-Protocol {names}')
        self.conversation.subprotocols = names
        for name, pairs in parse_extensions(head.headers.get('sec-websocket-extensions', [])):
            if name == 'permessage-deflate':
                self.conversation.offers.append(check_deflate(pairs, is_offer=True))

    def _check_response(self, head):
        request = self.conversation.directions[CLIENT].head
        match = re.fullmatch(r'HTTP/1\.1 (\d\d\d)(?: .*)?', head.first)
        if not match or request is None:
            raise Broken(f'invalid status line {head.first!r}')
        self.conversation.status = int(match[1])
        if self.conversation.status != 101:
            self.is_websocket = False
            return
        if head.tokens('Upgrade') != ['websocket'] or 'upgrade' not in head.tokens('Connection'):
            raise Broken('the response does not upgrade')
        key = request.one('Sec-WebSocket-Key').encode()
        if head.one('Sec-WebSocket-Accept') != base64.b64encode(hashlib.sha1(key + GUID).digest()).decode():
            raise Broken('wrong Sec-WebSocket-Accept')
        if 'sec-websocket-protocol' in head.headers:
            chosen = head.one('Sec-WebSocket-Protocol')
            if chosen not in self.conversation.subprotocols:
                raise Broken(f'subprotocol {chosen!r} was not offered')
            self.conversation.subprotocol = chosen
        if 'content-length' in head.headers or 'transfer-encoding' in head.headers:
            self.soft('a 101 has Content-Length or Transfer-Encoding')
        extensions = parse_extensions(head.headers.get('sec-websocket-extensions', []))
        if len(extensions) > 1 or any(name != 'permessage-deflate' for name, _ in extensions):
            raise Broken(f'extensions {extensions} were not offered')
        for _, pairs in extensions:
            answer = check_deflate(pairs, is_offer=False)
            if not any(answers(offer, answer) for offer in self.conversation.offers):
                raise Broken(f'no offer allows permessage-deflate with {answer}')
            self.conversation.deflate = answer

    # Frames.

    def _take_frame(self):
        if self.conversation.directions[SERVER].head is None:
            raise Broken('a frame came before the handshake was complete')
        if self.close is not None:
            raise Broken('bytes follow the Close')
        data = self.buffer
        if len(data) < 2:
            return False
        fin, rsv, opcode = data[0] >> 7, data[0] >> 4 & 7, data[0] & 15
        is_masked, length, at = data[1] >> 7, data[1] & 127, 2
        if opcode not in KNOWN:
            raise Broken(f'reserved opcode {opcode}')
        if is_masked != (self.side == CLIENT):
            raise Broken('a frame is masked' if is_masked else 'a frame is not masked')
        if opcode >= CLOSE and (not fin or length > 125):
            raise Broken('a control frame is fragmented or too long')
        may_compress = self.conversation.deflate is not None and opcode in (TEXT, BINARY)
        if rsv not in ((0, 4) if may_compress else (0,)):
            raise Broken(f'reserved bits {rsv:03b} with opcode {opcode}')
        if length == 126:
            if len(data) < 4:
                return False
            length, at = struct.unpack_from('>H', data, 2)[0], 4
            if length < 126:
                raise Broken(f'length {length} takes 16 bits')
        elif length == 127:
            if len(data) < 10:
                return False
            length, at = struct.unpack_from('>Q', data, 2)[0], 10
            if length < 65536 or length >> 63:
                raise Broken(f'length {length} takes 64 bits')
        key = b''
        if is_masked:
            key, at = bytes(data[at:at + 4]), at + 4
        if len(data) < at + length:
            return False
        payload = bytes(data[at:at + length])
        del data[:at + length]
        if is_masked:
            self.keys.add(key)
            payload = unmask(payload, key)
        self.frames += 1
        self._take_payload(fin, rsv == 4, opcode, payload)
        return True

    def _take_payload(self, fin, is_compressed, opcode, payload):
        if opcode == CLOSE:
            self.close = self._read_close(payload)
            self.conversation.closed(self.side)
        elif opcode == PING:
            self.pings.append(payload)
        elif opcode == PONG:
            self.pongs.append(payload)
        else:
            if opcode == CONTINUATION:
                if self.fragments is None:
                    raise Broken('a continuation continues nothing')
            elif self.fragments is not None:
                raise Broken('a new message begins in the middle of another')
            else:
                self.fragments = (opcode, is_compressed, [])
                self.fragmented += not fin
            self.fragments[2].append(payload)
            if fin:
                opcode, is_compressed, parts = self.fragments
                self.fragments = None
                self._take_message(opcode, is_compressed, b''.join(parts))

    def _read_close(self, payload):
        if not payload:
            return None, ''
        if len(payload) == 1:
            raise Broken('the body of a Close has one byte')
        code = struct.unpack('>H', payload[:2])[0]
        if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            raise Broken(f'close code {code}')
        try:
            return code, payload[2:].decode()
        except UnicodeDecodeError:
            raise Broken('the reason of a Close is not UTF-8') from None

    def _take_message(self, opcode, is_compressed, payload):
        if is_compressed:
            self.compressed += 1
            payload = self._inflate(payload)
        if opcode == TEXT:
            try:
                payload.decode()
            except UnicodeDecodeError:
                raise Broken('a text is not UTF-8') from None
        self.messages.append((opcode, payload))

    def _inflate(self, payload):
        deflate = self.conversation.deflate
        bits = deflate.get(f'{self.side}_max_window_bits', 15)
        if self.inflater is None or f'{self.side}_no_context_takeover' in deflate:
            self.inflater, self.window = zlib.decompressobj(-bits), b''
        result, rest = b'', payload + b'\0\0\xff\xff'
        try:
            while True:
                result += inflate(self.inflater, rest, is_strict=bits < 15)
                if not self.inflater.eof:
                    break
                # A final block ended the stream; RFC 7692 section 7.2.3.4 allows more blocks behind it.
                rest = self.inflater.unused_data
                self.inflater = zlib.decompressobj(-bits, zdict=(self.window + result)[-(1 << bits):])
        except zlib.error as error:
            raise Broken(f'a message cannot be decompressed: {error}') from None
        self.window = (self.window + result)[-32768:]
        return result


def inflate(inflater, data, is_strict):
    """zlib compares a distance with its window only if the distance reaches behind the output of the same call.
    So if the window has a limit, each call makes one byte."""
    if not is_strict:
        return inflater.decompress(data)
    result = bytearray()
    for at in range(0, len(data), 256):
        piece = data[at:at + 256]
        while True:
            made = inflater.decompress(piece, 1)
            result += made
            piece = inflater.unconsumed_tail
            if inflater.eof:
                # The rest of the data is fed too, so that `unused_data` has it.
                inflater.decompress(data[at + 256:], 1)
                return bytes(result)
            if not made and not piece:
                break
    return bytes(result)


def unmask(payload, key):
    if not payload:
        return payload
    pad = (key * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, 'big') ^ int.from_bytes(pad, 'big')).to_bytes(len(payload), 'big')


class Conversation:
    """One connection through the proxy."""

    def __init__(self):
        self.violations = []             # (side, rule)
        self.path = self.status = self.subprotocol = self.deflate = None
        self.subprotocols, self.offers = [], []
        self.first_close = self.first_end = None
        self.directions = {side: Direction(self, side) for side in (CLIENT, SERVER)}

    def violation(self, side, rule):
        self.violations.append((side, rule))

    def feed(self, side, data):
        self.directions[side].feed(data)

    def closed(self, side):
        if self.first_close is None:
            self.first_close = side
            return
        # This side answers a Close. It had to answer the last ping before that Close.
        asked, answered = self.directions[other(side)].pings, self.directions[side].pongs
        if asked and asked[-1] not in answered:
            self.violation(side, 'a ping was not answered')

    def end(self, side, how):
        """The transport of one side has ended."""
        if self.directions[side].ended is None:
            self.directions[side].ended = how
            self.first_end = self.first_end or side

    def finish(self):
        """Both sides have ended: checks what only the whole connection shows."""
        if self.status != 101:
            return
        client, server = self.directions[CLIENT], self.directions[SERVER]
        for direction in (client, server):
            if direction.is_readable and direction.buffer:
                self.violation(direction.side, 'the transport ended in the middle of a frame')
        if client.frames >= 8 and len(client.keys) == 1:
            self.violation(CLIENT, 'all frames have the same masking key')
        closes = [direction.side for direction in (client, server) if direction.close]
        if len(closes) == 1:
            missing = self.directions[other(closes[0])]
            if missing.is_readable:
                self.violation(missing.side, 'the Close was not answered')
        elif not closes and all(it.is_readable and not it.buffer for it in (client, server)):
            self.violation(self.first_end, 'the transport ended without a Close')
