# The client and the server of Mojolicious. See ../README.md for what a peer has to do.
use Mojo::Base -strict, -signatures;
use Mojo::IOLoop;
use Mojo::Server::Daemon;
use Mojo::UserAgent;
use Mojolicious;

my ($action, @rest) = @ARGV;
my $deflate = @rest && $rest[0] eq '--deflate' ? shift @rest : 0;

sub echo ($tx) {
  $tx->max_websocket_size(4 << 20);
  $tx->on(text => sub ($tx, $bytes) {
    if    ($bytes eq '!ping')  { $tx->send([1, 0, 0, 0, 9, 'from the peer']) }
    elsif ($bytes eq '!close') { $tx->finish(4001 => 'bye from the peer') }
    elsif ($bytes eq '!fragments') {
      $tx->send([0, 0, 0, 0, 1, 'one ']);
      $tx->send([0, 0, 0, 0, 0, 'two ']);
      $tx->send([1, 0, 0, 0, 0, 'three']);
    }
    else { $tx->send({text => $bytes}) }
  });
  $tx->on(binary => sub ($tx, $bytes) { $tx->send({binary => $bytes}) });
}

if ($action eq 'version') {
  say 'Mojolicious ', Mojolicious->VERSION;
}
elsif ($action eq 'server') {
  my $app = Mojolicious->new;
  $app->log->level('fatal');
  $app->routes->websocket('/*place' => {place => ''} => sub ($controller) {
    my $tx = $controller->tx;
    $tx->with_compression if $deflate;
    $tx->with_protocols('matrix');
    $controller->inactivity_timeout(60);
    # The controller answers the opening handshake by itself only if an event is subscribed to by its own `on`.
    $controller->rendered(101);
    echo($tx);
  });
  my $daemon = Mojo::Server::Daemon->new(app => $app, listen => ['http://127.0.0.1'], silent => 1);
  $daemon->start;
  $| = 1;
  say 'listening on ', $daemon->ports->[0];
  Mojo::IOLoop->start;
}
else {
  my $agent = Mojo::UserAgent->new(inactivity_timeout => 60);
  for my $url (@rest) {
    my %headers = $deflate ? ('Sec-WebSocket-Extensions' => 'permessage-deflate') : ();
    my @protocols = $url =~ m!/subprotocol$! ? (['other', 'matrix']) : ();
    $agent->websocket($url => \%headers => @protocols => sub ($agent, $tx) {
      return Mojo::IOLoop->stop unless $tx->is_websocket;
      echo($tx);
      $tx->on(finish => sub { Mojo::IOLoop->stop });
    });
    Mojo::IOLoop->start;
  }
}
