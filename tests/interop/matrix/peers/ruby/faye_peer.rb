# Ruby's faye-websocket on EventMachine. See ../README.md for what a peer has to do.
require 'eventmachine'
require 'faye/websocket'
require 'socket'

def echo(socket)
  socket.on(:message) do |event|
    case event.data
    when '!ping' then socket.ping('from the peer')
    when '!close' then socket.close(4001, 'bye from the peer')
    else socket.send(event.data)
    end
  end
end

def visit(urls)
  url, *rest = urls
  return EM.stop if url.nil?
  socket = Faye::WebSocket::Client.new(url, url.end_with?('/subprotocol') ? %w[other matrix] : [])
  echo(socket)
  socket.on(:close) { EM.next_tick { visit(rest) } }
end

# The server side of the driver that faye-websocket uses, without a Rack server in between.
class Server < EM::Connection
  attr_reader :driver

  def post_init
    @driver = WebSocket::Driver.server(self, protocols: %w[matrix], max_length: 4 << 20)
    driver.on(:connect) { driver.start if WebSocket::Driver.websocket?(driver.env) }
    driver.on(:message) do |event|
      case event.data
      when '!ping' then driver.ping('from the peer')
      when '!close' then driver.close('bye from the peer', 4001)
      when String then driver.text(event.data)
      else driver.binary(event.data)
      end
    end
    driver.on(:close) { close_connection_after_writing }
  end

  def receive_data(data) = driver.parse(data)
  def write(data) = send_data(data)
end

case ARGV.shift
when 'version'
  versions = %w[faye-websocket websocket-driver].map { |name| "#{name} #{Gem.loaded_specs[name]&.version || Gem::Specification.find_by_name(name).version}" }
  puts versions.join(', ')
when 'server'
  EM.run do
    signature = EM.start_server('127.0.0.1', 0, Server)
    puts "listening on #{Socket.unpack_sockaddr_in(EM.get_sockname(signature))[0]}"
    $stdout.flush
  end
else
  EM.run { visit(ARGV) }
end
